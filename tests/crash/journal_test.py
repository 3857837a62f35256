#!/usr/bin/python3
"""The journal's file is moved away, replaced or removed: no event goes to a file that a start
cannot find."""

import contextlib
import sqlite3
import subprocess
import unittest

import crashkit
import smallkit
from labkit import stack

AWAY = smallkit.STATE / "away"
PARTS = ("journal.db", "journal.db-wal", "journal.db-shm")


def move(names, source, target):
    target.mkdir(exist_ok=True)
    for name in names:
        if (source / name).exists():
            (source / name).rename(target / name)


def recorded(number):
    """Whether the journal under its name has a notification."""
    return bool(crashkit.query("SELECT 1 FROM events WHERE kind = 'alert_decided'"
                               " AND json_extract(body, '$.fingerprint') = ?", f"{number:016x}"))


class JournalFile(smallkit.SmallCase):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.notify(1), 200)
        self.assertTrue(recorded(1))
        self.run_id = self.begin("two-questions", on="mailhub1")
        self.await_phase(self.run_id, "1", "confirm")

    def assert_takes_nothing(self):
        for number in range(2, 12):
            self.assertNotEqual(self.notify(number), 200, "accepted into a file that nobody finds")
        done = self.mailhubctl("run", "confirm", self.run_id, "--step", "1")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertFalse(stack.answers(stack.READY["actuator"]))

    def refused_start(self):
        """A start that must fail; returns its output."""
        log = stack.LOGS / "actuator.log"
        before = log.stat().st_size
        self.programs.start("actuator")
        process = self.programs.processes["actuator"]
        try:
            code = process.wait(15)
        except subprocess.TimeoutExpired:
            self.fail("it has begun a new journal")
        del self.programs.processes["actuator"]
        self.assertNotEqual(code, 0)
        with open(log, encoding="utf-8") as lines:
            lines.seek(before)
            return lines.read()

    def goes_on(self):
        self.programs.start("actuator")
        self.programs.await_ready("actuator")
        self.assertTrue(recorded(1))
        self.confirm(self.run_id, "1")
        self.await_phase(self.run_id, "2", "confirm")

    def test_1_a_journal_that_was_moved_away_takes_nothing_and_its_start_is_refused(self):
        move(PARTS, smallkit.STATE, AWAY)
        with self.subTest("under the running program"):
            self.assert_takes_nothing()
        self.end_actuator()
        with self.subTest("a start without it"):
            said = self.refused_start()
            self.assertIn("journal.db", said)
            self.assertIn(".lock", said)
        self.end_actuator()
        for name in PARTS:
            (smallkit.STATE / name).unlink(missing_ok=True)
        move(PARTS, AWAY, smallkit.STATE)
        self.goes_on()

    def test_2_a_journal_that_was_moved_away_with_its_lock_takes_nothing(self):
        names = (*PARTS, "journal.db.lock")
        move(names, smallkit.STATE, AWAY)
        self.assert_takes_nothing()
        self.end_actuator()
        move(names, AWAY, smallkit.STATE)
        self.goes_on()

    def test_3_a_journal_that_an_older_copy_has_replaced_takes_nothing(self):
        copy = smallkit.STATE / "copy.db"
        address = f"file:{crashkit.JOURNAL}?mode=ro"
        with (contextlib.closing(sqlite3.connect(address, uri=True)) as now,
              contextlib.closing(sqlite3.connect(copy)) as older):
            now.backup(older)
        self.assertEqual(self.notify(100), 200)
        copy.replace(crashkit.JOURNAL)
        self.assert_takes_nothing()

    def test_4_a_start_after_the_journal_was_removed_beside_its_lock_is_refused(self):
        self.end_actuator()
        for name in PARTS:
            (smallkit.STATE / name).unlink(missing_ok=True)
        self.assertTrue((smallkit.STATE / "journal.db.lock").exists())
        said = self.refused_start()
        self.assertIn("journal.db", said)
        self.assertFalse(crashkit.JOURNAL.exists(), "no new journal is begun")


if __name__ == "__main__":
    unittest.main(verbosity=2)
