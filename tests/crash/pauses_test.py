#!/usr/bin/python3
"""The actuator is stopped, or its journal's disk is full, for longer than a dead man waits.

The hosts' own logs tell their actions meanwhile.
"""

import os
import signal
import time
import unittest

import crashkit
import scratchkit
import smallkit
from labkit import faults, layout, stack, watch

PAUSE_S = 60
STOP_FILE = smallkit.STATE.parent / "actuator.stop"

# Each run's place when the actuator stops, by its host.
IN_A_COMMIT, IN_A_STEP, AT_A_GATE, AT_A_QUESTION = "mailhub1", "x500", "mailhub2", "mailhub3"
RESTORED = ["stop", "restore"]
ALL = (IN_A_COMMIT, IN_A_STEP, AT_A_GATE, AT_A_QUESTION)


class Pauses(smallkit.SmallCase):
    # --- the program is stopped ---

    def test_1_a_pause_in_a_commit_begins_nothing_that_was_decided_before_it(self):
        self.addCleanup(STOP_FILE.unlink, missing_ok=True)
        self.start_afresh(["env", f"LD_PRELOAD={crashkit.SHIM}", f"CRASH_STOP_FILE={STOP_FILE}"])
        runs = self.begin_everywhere()
        STOP_FILE.touch()
        watch.until("the commit of the step's end to be stopped", self.is_stopped, 10)
        self.assertIn("stop ended", scratchkit.events(IN_A_COMMIT)[-1][1])
        self.pause_and_go_on(runs)

    def test_2_a_pause_at_any_other_moment_begins_nothing_that_was_decided_before_it(self):
        runs = self.begin_everywhere()
        os.kill(self.pid(), signal.SIGSTOP)
        self.pause_and_go_on(runs)

    def begin_everywhere(self):
        """A run on each host, each at a different moment of its life; none commits anything now."""
        runs = {AT_A_GATE: self.begin("gate-waits", on=AT_A_GATE),
                AT_A_QUESTION: self.begin("person-waits", on=AT_A_QUESTION)}
        self.await_phase(runs[AT_A_GATE], "2", "gate")
        self.await_phase(runs[AT_A_QUESTION], "2", "confirm")
        # Longer than its dead man waits: that one counts anew while its step works.
        runs[IN_A_STEP] = self.begin("work-follows", on=IN_A_STEP, takes="20")
        self.await_story(IN_A_STEP, ["stop"])
        runs[IN_A_COMMIT] = self.begin("work-follows", on=IN_A_COMMIT, takes="3")
        self.await_story(IN_A_COMMIT, ["stop"])
        return runs

    def pause_and_go_on(self, runs):
        since = time.monotonic()
        # Without another obstacle, this would let two of them continue.
        scratchkit.go_on(AT_A_GATE).touch()
        person = self.typing("run", "confirm", runs[AT_A_QUESTION], "--step", "2")
        self.addCleanup(person.communicate)
        self.addCleanup(person.kill)
        end = since + PAUSE_S
        layout.wait_until("the pause to be over", lambda: time.monotonic() >= end, PAUSE_S + 5)
        for host in ALL:
            self.assertEqual(scratchkit.story(host), RESTORED, f"{host} has acted by itself")
        os.kill(self.pid(), signal.SIGCONT)
        self.assert_quiet({host: RESTORED for host in ALL})
        person.wait(30)
        for host, run in runs.items():
            with self.subTest(host):
                self.goes_on_when_answered(host, run)

    def goes_on_when_answered(self, host, run):
        numbers = self.await_holds(run, ["dead_man_restored"])
        self.assertEqual(scratchkit.story(host), RESTORED, "nothing begins without an answer")
        self.answer("retry", run, numbers["dead_man_restored"])
        if host == AT_A_QUESTION and self.asks_again(run):
            self.confirm(run, "2", attempt=2)
        self.await_story(host, [*RESTORED, "stop", "work", "start"], 60)
        self.assertEqual(self.await_finished(run)["result"], "succeeded")

    def asks_again(self, run):
        """Whether the question is asked again, after the step before it was repeated."""
        def known():
            state = stack.api(f"runs/{run}")
            if state["state"] == "finished":
                return "finished"
            return "asks" if not state["holds"] and state["asks"] else None
        return watch.until("the run to ask or to end", known, 40) == "asks"

    # --- the journal's disk is full ---

    def begin_and_fill_disk(self, *hosts):
        """The end of each host's first step cannot be recorded, nor anything else."""
        runs = {host: self.begin("work-follows", on=host, takes="3") for host in hosts}
        for host in hosts:
            self.await_story(host, ["stop"])
        ballast = self.fill_disk()
        for host in hosts:
            ended = lambda at=host: scratchkit.events(at)[-1][1] == "stop ended"
            watch.until(f"the step on {host} to end", ended, 10)
        watch.until("a commit to fail", lambda: not stack.answers(stack.READY["actuator"]), 15)
        return runs, ballast

    def test_3_leases_are_renewed_while_nothing_can_be_recorded(self):
        gate = self.begin("gate-waits", on=AT_A_GATE)
        self.await_phase(gate, "2", "gate")
        runs, ballast = self.begin_and_fill_disk(IN_A_COMMIT)
        full = time.monotonic()
        stories = {IN_A_COMMIT: ["stop"], AT_A_GATE: ["stop"]}
        self.assert_quiet(stories, smallkit.LEASE_OVER_S)
        self.assertIn(self.notify(1), (None, 503))
        ballast.unlink()
        crashkit.say(f"journal's disk full for {time.monotonic() - full:.0f} s, dead men of 15 s")
        scratchkit.go_on(AT_A_GATE).touch()
        for run in (runs[IN_A_COMMIT], gate):
            self.assertEqual(self.await_finished(run)["result"], "succeeded")
        for host in stories:
            self.assertEqual(scratchkit.story(host), ["stop", "work", "start"])

    def test_4_an_unrecorded_decision_is_not_performed_after_a_dead_man_has_acted(self):
        """One host is back before the disk has room, the other one after."""
        first, second = "mailhub1", "mailhub3"
        runs, ballast = self.begin_and_fill_disk(first, second)
        self.cut(second)
        self.await_restored_while_cut(first, ["stop"])
        self.await_story(second, RESTORED)
        ballast.unlink()
        restored = {first: RESTORED, second: RESTORED}
        self.assert_quiet(restored)
        faults.net_up(second)
        self.assert_quiet(restored, 12)
        for host, run in runs.items():
            with self.subTest(host):
                self.await_holds(run, ["dead_man_restored"])
        self.assertEqual({host: scratchkit.story(host) for host in restored}, restored)


if __name__ == "__main__":
    unittest.main(verbosity=2)
