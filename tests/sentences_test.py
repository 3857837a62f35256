#!/usr/bin/env python3
"""docs/sentences.md has each sentence and word that people see about decisions, waits and holds, and no other."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = "docs/sentences.md"
# The tables of sentences. Each enumeration in them needs a table on the page.
SENTENCES = ("actuator/engine/sentences.h", "actuator/calendar/sentences.h", "actuator/condition/sentences.h")
# Where a sentence might be written instead of being one of a table. Here no text has two words in a row.
SAY_ONLY = (
    "actuator/calendar/suitable.cc", "actuator/condition/evidence.cc", "actuator/condition/judge.cc",
    *(f"actuator/engine/{name}" for name in (
        "admission.cc", "attempt.cc", "current_step.cc", "decisions.cc", "episodes.cc", "gate_wait.cc", "history.cc", "leases.cc",
        "leases.h", "live_run_view.cc", "lost_leases.cc", "no_answer.h", "passed_over.cc", "preparation.cc", "runs.cc",
        "schedule.cc", "trigger.cc")))
# Texts there that no person sees in a decision or wait, each with its reason.
APART = {
    "too many open episodes; send it again later": "the answer to a notification that is not taken",
    "a run is named by at least 6 characters of its id": "the answer to a request",
    "no run has the id ": "the answer to a request",
    "a host": "for {host}",
    "in its newest scrape": "for {during}",
    "within the last ": "for {during}",
    " and ": "between names",
    "more than ": "the check of a configuration",
    'the calendar has no interval "': "the check of a configuration",
    '", which is named as a ': "the check of a configuration",
    " and last_over_time(": "PromQL",
    "max by (instance) (timestamp(": "PromQL",
}
TEXT = r'"((?:[^"\\\n]|\\.)*)"'


def unquoted(texts):
    return "".join(text.replace('\\"', '"').replace("\\\\", "\\") for text in re.findall(TEXT, texts))


def vocabularies():
    """{enumeration: ({value: its words}, its file)} of the actuator."""
    found = {}
    for path in sorted((ROOT / "actuator").rglob("*.h")):
        for name, table in re.findall(r"Vocabulary<(\w+)>\(\s*\{(.*?)\}\s*\)\s*;", path.read_text(encoding="utf-8"), re.S):
            words = {value: unquoted(texts)
                     for value, texts in re.findall(r"\{\s*(k\w+),\s*((?:" + TEXT.replace("(", "(?:", 1) + r"\s*)+)\}", table)}
            found.setdefault(name, (words, str(path.relative_to(ROOT))))
    return found


def tables(page):
    """(enumeration, first cells, rows) of each marked table."""
    for name, table in re.findall(r"<!-- words of (\w+) -->\n((?:\|.*\n)+)", page):
        rows = [row.strip("|").split(" | ") for row in table.splitlines()[2:]]
        yield name, [cells[0].strip() for cells in rows], rows


def code_of(cell):
    """The text of a cell that is code alone."""
    found = re.fullmatch(r"(`+)(.+?)\1", cell)
    text = found.group(2) if found else ""
    return text.strip() if "`" in text else text


def texts_in(code):
    """The texts of a source, each with the neighbours that the compiler joins to it."""
    code = re.sub(r"//[^\n]*", "", code)
    code = re.sub(r"^\s*#.*$", "", code, flags=re.M)
    code = re.sub(r"\bRequire\([^;]*;", ";", code)  # for us alone
    return [unquoted(texts) for texts in re.findall(r"(?:" + TEXT.replace("(", "(?:", 1) + r"\s*)+", code)]


class Sentences(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.known = vocabularies()
        cls.page = (ROOT / PAGE).read_text(encoding="utf-8")

    def test_the_page_has_each_and_no_other(self):
        marked = [name for name, _, _ in tables(self.page)]
        self.assertEqual(len(marked), len(set(marked)), "one table each")
        for name, cells, _ in tables(self.page):
            with self.subTest(name):
                self.assertIn(name, self.known, "no enumeration of the actuator has this name")
                self.assertCountEqual([code_of(cell) for cell in cells], self.known[name][0].values())

    def test_each_enumeration_of_sentences_has_its_table(self):
        marked = {name for name, _, _ in tables(self.page)}
        for name, (words, place) in self.known.items():
            if place in SENTENCES:
                self.assertIn(name, marked, f"{PAGE} lacks what {place} says")
                self.assertGreater(len(words), 0)

    def test_each_sentence_says_what_it_means_and_what_to_do(self):
        for name, _, rows in tables(self.page):
            for cells in rows:
                self.assertEqual([len(cells), all(cell.strip() for cell in cells)], [3, True], f"{name}: {cells}")

    def test_the_holds_of_operating_are_those_of_the_code(self):
        operating = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
        section = operating.split("## A run holds")[1].split("\n## ")[0]
        self.assertCountEqual(re.findall(r"^\| `(\w+)` \|", section, re.M), self.known["HoldReason"][0].values())

    def test_each_sentence_is_said(self):
        code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "actuator").rglob("*")
                       if path.suffix in (".cc", ".h") and not re.search(r"_test\.|testing", path.name))
        said = set(re.findall(r"\b\w+::k\w+", code))
        for name, (words, place) in self.known.items():
            if place in SENTENCES:
                unsaid = [value for value in words if f"{name}::{value}" not in said]
                self.assertEqual(unsaid, [], f"{place}: {name}")

    def test_no_sentence_is_written_elsewhere(self):
        for place in SAY_ONLY:
            for text in texts_in((ROOT / place).read_text(encoding="utf-8")):
                if text not in APART:
                    self.assertNotRegex(text, r"[a-z,;:] [a-z]", f"{place}: it belongs to a table of sentences.h")


if __name__ == "__main__":
    unittest.main()
