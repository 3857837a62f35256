#!/usr/bin/env python3
"""Random events of iCalendar files: their times are those of dateutil's rules and Python's time zones.

ics_differential_test.py VERDICTS [CASES [SEED]]
"""

import datetime
import json
import pathlib
import random
import subprocess
import sys
import unittest
import zoneinfo

from dateutil import rrule

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import made_up  # noqa: E402

VERDICTS = sys.argv[1]
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 3_000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
BEGIN, END = made_up.instant("2027-01-01"), made_up.instant("2029-01-01")
FREQUENCIES = {"YEARLY": rrule.YEARLY, "MONTHLY": rrule.MONTHLY, "WEEKLY": rrule.WEEKLY, "DAILY": rrule.DAILY}
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
LAST = datetime.datetime(2029, 1, 3)


def first_moment(local, zone):
    """The first moment with this local time; if there is none, that of the change."""
    at = local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp()
    if datetime.datetime.fromtimestamp(at, made_up.UTC).astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None) == local:
        return at
    low, high = at - 86400, at + 86400
    while high - low > 1:
        middle = (low + high) // 2
        shown = datetime.datetime.fromtimestamp(middle, made_up.UTC).astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
        low, high = (middle, high) if shown < local else (low, middle)
    return high


def make_rule(chance, i, start, is_date, zone):
    """(text of an RRULE, dateutil's rule)."""
    name = chance.choice(list(FREQUENCIES))
    parts, options = [f"FREQ={name}"], {}

    def some(values, most):
        return sorted(chance.sample(values, chance.randint(1, most)))

    def put(key, option, values):
        parts.append(f"{key}={','.join(map(str, values))}")
        options[option] = values

    # Sparse rules are left out: dateutil looks for their next time until the year 9999.
    if chance.random() < 0.4:
        put("INTERVAL", "interval", [chance.randint(1, 5)])
        options["interval"] = options["interval"][0]
    if (name != "MONTHLY" or "interval" not in options) and chance.random() < 0.3:
        put("BYMONTH", "bymonth", some(range(1, 13), 4))
    in_month = name == "MONTHLY" or (name == "YEARLY" and "bymonth" in options)
    if in_month and chance.random() < 0.3:
        put("BYMONTHDAY", "bymonthday", some([*range(-28, 0), *range(1, 29)], 3))
    if chance.random() < 0.5:
        days = some(range(7), 3)
        number = 4 if in_month and "bymonthday" not in options else 0
        # dateutil finds nothing where days with and without a number are mixed.
        numbers = [chance.choice([*range(-number, 0), *range(1, number + 1)]) if number and i % 2 else 0 for _ in days]
        parts.append("BYDAY=" + ",".join(f"{n or ''}{DAYS[day]}" for n, day in zip(numbers, days)))
        options["byweekday"] = [rrule.weekday(day, n or None) for n, day in zip(numbers, days)]
        if in_month and chance.random() < 0.5:
            put("BYSETPOS", "bysetpos", some([-1, 1], 2))
    if name == "YEARLY" and not set(options) - {"interval"} and chance.random() < 0.3:
        put("BYYEARDAY", "byyearday", some([*range(-20, 0), *range(1, 366)], 4))
    if chance.random() < 0.2:
        first = chance.choice([0, 6])
        parts.append(f"WKST={DAYS[first]}")
        options["wkst"] = first
    end = chance.random()
    if end < 0.2:
        options["count"] = chance.randint(1, 40)
        parts.append(f"COUNT={options['count']}")
    elif end < 0.5:
        until = start + datetime.timedelta(days=chance.randint(0, 900))
        options["until"] = until
        if is_date:
            parts.append(until.strftime("UNTIL=%Y%m%d"))
        else:
            moment = datetime.datetime.fromtimestamp(first_moment(until, zone), made_up.UTC)
            parts.append(moment.strftime("UNTIL=%Y%m%dT%H%M%SZ"))
            options["until"] = moment.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    options["until"] = min(options.get("until", LAST), LAST)
    return ";".join(parts), rrule.rrule(FREQUENCIES[name], dtstart=start, **options)


def make_case(i):
    """(text of the file, [[begin, end]] that are expected), or None: a rule without a time."""
    chance = random.Random(SEED * 1_000_003 + i)
    is_date = chance.random() < 0.4
    zone = "Europe/London" if is_date else chance.choice(made_up.ZONES)
    start = datetime.datetime(2025, 1, 1) + datetime.timedelta(days=chance.randint(0, 1400))
    if not is_date:
        start += datetime.timedelta(minutes=15 * chance.randrange(96))
    times, lines = {start}, []
    if chance.random() < 0.9:
        text, rule = make_rule(chance, i, start, is_date, zone)
        start = next(iter(rule), None)
        if start is None:
            return None
        lines.append("RRULE:" + text)
        times = set(rule.replace(dtstart=start))
    length = datetime.timedelta(days=chance.randint(1, 3)) if is_date else datetime.timedelta(minutes=15 * chance.randint(1, 200))
    parameters = ";VALUE=DATE" if is_date else "" if zone == "UTC" else f";TZID={zone}"
    form = "%Y%m%d" if is_date else "%Y%m%dT%H%M%S" + ("Z" if zone == "UTC" else "")
    lines = ["BEGIN:VEVENT", f"UID:{i}", f"DTSTART{parameters}:{start.strftime(form)}", *lines]
    by_end = is_date or chance.random() < 0.6
    if by_end:
        lines.append(f"DTEND{parameters}:{(start + length).strftime(form)}")
    else:
        lines.append(f"DURATION:PT{int(length.total_seconds()) // 60}M")
    listed = sorted(times)
    removed = chance.sample(listed, min(len(listed), chance.choice([0, 0, 1, 3])))
    added = [start + datetime.timedelta(days=chance.randint(1, 500)) for _ in range(chance.choice([0, 0, 1, 2]))]
    for name, some in (("EXDATE", removed), ("RDATE", added)):
        if some:
            lines.append(f"{name}{parameters}:" + ",".join(at.strftime(form) for at in some))
    lines.append("END:VEVENT")
    spans = []
    for at in (times | set(added)) - set(removed):
        begin = first_moment(at, zone)
        spans.append((begin, first_moment(at + length, zone) if by_end else begin + length.total_seconds()))
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]), made_up.union(spans, BEGIN, END)


class IcsDifferential(unittest.TestCase):
    maxDiff = None

    def test_times_of_events_are_those_of_dateutil(self):
        cases = [case for case in map(make_case, range(CASES)) if case]
        calendar = json.dumps({"ics": [{"name": "it", "file": "a.ics", "location": "Europe/London"}]})
        lines = [json.dumps({"calendar": calendar, "files": {"/a.ics": text}, "within": [BEGIN * 1000, END * 1000], "asks": []})
                 for text, _ in cases]
        answers = subprocess.run([VERDICTS], input="\n".join(lines), stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
        self.assertEqual(len(answers), len(cases))
        for i, ((text, expected), line) in enumerate(zip(cases, answers)):
            self.assertEqual(json.loads(line).get("spans", {}).get("it"), expected, f"case {i} of seed {SEED}: {text}\n{line[:300]}")
        print(f"{len(cases)} events, {sum(len(expected) for _, expected in cases)} times")


if __name__ == "__main__":
    # dateutil warns of COUNT together with an end, which only saves time here.
    unittest.main(argv=sys.argv[:1], warnings="ignore")
