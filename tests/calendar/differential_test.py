#!/usr/bin/env python3
"""Random calendars: spans and next slots of the C++ code are those of the reading moment by moment in made_up.py.

differential_test.py VERDICTS [CASES [SEED]]
"""

import json
import pathlib
import random
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import made_up  # noqa: E402

VERDICTS = sys.argv[1]
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1


def stretch_for(chance, i):
    begin = made_up.instant(chance.choice(made_up.BEGINS))
    if i % 1000 == 0:
        return made_up.Stretch(made_up.instant("2027-03-12"), 420, 900)
    if i % 50 == 1:
        return made_up.Stretch(begin + 86400, 1, 60)
    return made_up.Stretch(begin, 6, 900)


def make_case(i):
    chance = random.Random(SEED * 1_000_003 + i)
    stretch = stretch_for(chance, i)
    maker = made_up.Maker(chance, stretch)
    calendar, names = maker.calendar()
    asks = [maker.ask(names) for _ in range(3)]
    return stretch, calendar, asks


def expected(stretch, calendar, asks):
    masks = {}
    for interval in [*calendar.get("time_intervals", []), *calendar.get("periods", [])]:
        masks[interval["name"]] = stretch.mask(interval)
    return {"spans": {name: stretch.spans(mask) for name, mask in masks.items()},
            "slots": [made_up.slot_of(stretch, masks, calendar.get("blackouts", []), ask) for ask in asks]}


class Differential(unittest.TestCase):
    maxDiff = None

    def test_spans_and_slots_are_those_of_the_reading_moment_by_moment(self):
        cases = [make_case(i) for i in range(CASES)]
        lines = [json.dumps({"calendar": json.dumps(calendar), "within": [stretch.begin * 1000, stretch.end * 1000], "asks": asks})
                 for stretch, calendar, asks in cases]
        answers = subprocess.run([VERDICTS], input="\n".join(lines), stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
        self.assertEqual(len(answers), CASES)
        open_now = later = none = spans = 0
        for i, ((stretch, calendar, asks), line) in enumerate(zip(cases, answers)):
            answer = json.loads(line)
            wanted = expected(stretch, made_up.lowered(calendar), asks)
            where = f"case {i} of seed {SEED}: {lines[i]}"
            self.assertEqual(answer["spans"], wanted["spans"], where)
            self.assertEqual([a["slot"] for a in answer["asks"]], wanted["slots"], where)
            for said, ask in zip(answer["asks"], asks):
                self.assertEqual(said["now"], said["slot"] is not None and said["slot"][0] == ask["now"], where)
                self.assertEqual(said["now"], said["sentence"] == "", where)
                open_now, later, none = (open_now + said["now"], later + (not said["now"] and said["slot"] is not None),
                                         none + (said["slot"] is None))
            spans += sum(map(len, answer["spans"].values()))
        print(f"{CASES} calendars, {spans} spans; {open_now} runs at once, {later} later, {none} never")
        # Each kind of answer must be common, or the comparison shows little.
        self.assertGreater(min(open_now, later, none), CASES // 4)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
