#!/usr/bin/python3
"""The real actuator is killed at its journal's commits and at random moments while real alerts start rebuilds of
mailhubs.

Two rebuilds are walked through commit by commit, a third dies at random moments under a stream of notifications. The
table of all points (where, expected, seen) is printed and left in the build folder.
"""

import itertools
import os
import random
import time
import unittest

import crashkit
from labkit import faults, stack, watch

# (number of the commit that ends the life, place within that commit). Each round must make progress: work lost before a
# commit is repeated. One life of each round outlives the alerts that come again because the lives before it ended under their
# request, and so also a condition that must last some seconds: its evidence is taken anew in each life.
WALKS = {
    "mailhub2": [(2, "before"), (3, "after"), (2, "torn"), (4, "after"), (7, "before")],
    "mailhub1": [(3, "torn"), (2, "after"), (3, "before"), (7, "torn"), (3, "after"), (1, "after")],
}
INTAKE = [(2, "before"), (2, "torn"), (2, "after")]
DISTINCT = 60
SEED = int(os.environ.get("MAILHUB_CRASH_SEED", "1"))


class Kills(crashkit.Judge, unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        crashkit.fresh_lab()
        cls.addClassCleanup(crashkit.wipe_lab)
        cls.programs = stack.Stack(crashkit.BUILD)
        cls.addClassCleanup(cls.programs.down)
        cls.programs.up()
        cls.lives = crashkit.Lives(cls.programs)

    def rebuild(self, target, ends):
        """Lets the tables' age raise its alert, then lets `ends` end the lives until the run is over; returns the
        run."""
        first = len(self.lives.points)
        began = time.time()
        self.programs.stop("actuator")
        faults.stale_tables(target)

        def ended():
            found = crashkit.rebuild_since(began)
            return found is not None and found[1] is not None

        while ends(ended):
            self.assertLess(time.time() - began, 600, "the rebuild does not come to its end")
        self.lives.settle()
        run, _ = crashkit.rebuild_since(began)
        crashkit.say(f"{target}: run {run}, {len(self.lives.points) - first} lives, {time.time() - began:.0f} s")
        self.assert_rebuilt_once(run, target)
        self.assert_never_held(run)
        self.assertEqual(len(watch.runs("mailhub-rebuild")), len({p[0] for p in crashkit.query(
            "SELECT fingerprint FROM (SELECT json_extract(body, '$.fingerprint') AS fingerprint FROM events"
            " WHERE kind = 'run_queued')")}), "one run an episode")
        self.assert_decided_once([row[0] for row in crashkit.query(
            "SELECT DISTINCT json_extract(body, '$.fingerprint') FROM events WHERE kind = 'alert_decided'"
            " AND json_extract(body, '$.firing')")])

    def walk(self, target):
        steps = itertools.chain(INTAKE, itertools.cycle(WALKS[target]))
        self.rebuild(target, lambda ended: self.lives.crash_at(*next(steps), ended))

    def test_1_a_rebuild_survives_death_at_its_commits(self):
        self.walk("mailhub2")

    def test_2_another_rebuild_survives_death_at_the_commits_between(self):
        self.walk("mailhub1")

    def test_3_a_rebuild_survives_death_at_random_instants_while_notifications_come(self):
        chance = random.Random(SEED)
        crashkit.say(f"seed {SEED}")
        numbers = itertools.count(1)
        target = "mailhub3"

        def end(ended):
            # As if another Prometheus saw the same tables: they join the run, each once. None is too late to join.
            run = crashkit.rebuild_since(began)
            if run is not None and not crashkit.has(run[0], "step_started", "2"):
                crashkit.tell_alertmanager({"alertname": "TablesStale", "instance": target, "runbook": "mailhub-rebuild",
                                            "prometheus": str(next(numbers))}, 900)
            # A gate needs some seconds of one life to open, so every third life lasts until it has made progress.
            return self.lives.crash_after(chance.uniform(0.05, 2), ended, patient=len(self.lives.points) % 3 == 0)

        began = time.time()
        self.rebuild(target, end)
        sent = next(numbers) - 1
        counted = ("SELECT count(DISTINCT json_extract(body, '$.fingerprint')) FROM events WHERE kind = 'alert_decided'"
                   " AND json_extract(body, '$.labels.prometheus') IS NOT NULL")
        watch.until("every notification to be decided", lambda: crashkit.query(counted) == [(sent,)], 90)
        crashkit.say(f"{sent} notifications beside the run's own, each decided")

    def test_4_the_points_were_many_and_distinct(self):
        lines, names = [], set()
        for number, point in enumerate(self.lives.points, 1):
            names.add(point.name())
            lines.append(f"{number:4} | {point.name():60} | {point.expected():66} | {point.seen()}")
        crashkit.write_report("crash_points.txt", [f"{'':4} | {'killed':60} | {'expected':66} | seen", *lines,
                                                   f"{len(lines)} deaths at {len(names)} distinct points"])
        self.assertGreaterEqual(len(names), DISTINCT)


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
