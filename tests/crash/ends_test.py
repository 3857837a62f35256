#!/usr/bin/python3
"""Ends of runs, and the alerts meanwhile.

A stopped service is running, guarded, or a person is asked. A host that is away for ever keeps no
run for ever. Alerts are silenced only while a run acts.
"""

import json
import re
import unittest

import crashkit
import scratchkit
import smallkit
from labkit import stack, watch

# The start fails, and then: a person skips it, a person cancels, the plan ends, the plan goes on.
SKIPPED, CANCELLED, ABORTED, CONTINUED = "x500", "mailhub1", "mailhub2", "mailhub3"
AWAY_S = 90
SIDE_EFFECT = {"alertname": "SideEffect", "run_side_effect": "true"}


def host_in_run(host):
    """Whether /metrics reports that a run acts on the host, so that its alerts are silenced."""
    page = stack.get(f"{stack.ACTUATOR}/metrics")
    sample = rf'^mailhub_actuator_host_in_run{{[^}}]*instance="{host}"[^}}]*}} 1$'
    return re.search(sample, page, re.M) is not None


def silenced(host):
    """Whether Alertmanager silences a side effect on the host; None before it knows it."""
    for alert in stack.get_json(f"{stack.ALERTMANAGER}/api/v2/alerts?inhibited=true"):
        if alert["labels"].get("alertname") == "SideEffect" and alert["labels"]["instance"] == host:
            return alert["status"]["state"] == "suppressed"
    return None


class Ends(smallkit.SmallCase):
    # --- stopped services ---

    def assert_not_forgotten(self, host, run):
        """The service runs, or its host guards it, or the run is not over; returns the run."""
        state = stack.api(f"runs/{run}")
        if scratchkit.runs(host) or scratchkit.guarded(host, run):
            return state
        end = f"{state['state']}, {state['result']}, and the service is down on {host}"
        self.assertNotEqual(state["state"], "finished", end)
        return state

    def test_1_no_run_ends_with_its_service_down(self):
        runs = {SKIPPED: self.begin("start-fails", on=SKIPPED),
                CANCELLED: self.begin("start-fails", on=CANCELLED),
                ABORTED: self.begin("start-fails-abort", on=ABORTED),
                CONTINUED: self.begin("start-fails-continue", on=CONTINUED)}
        skipped = self.await_holds(runs[SKIPPED], ["step_failed"])
        self.await_holds(runs[CANCELLED], ["step_failed"])
        self.answer("skip", runs[SKIPPED], skipped["step_failed"], "somebody else will start it")
        cancelled = self.mailhubctl("run", "cancel", runs[CANCELLED], "--reason", "enough")
        self.assertEqual(cancelled.returncode, 0, cancelled.stderr)
        for host, run in runs.items():
            with self.subTest(host):
                self.assert_meanwhile(lambda at=host, of=run: self.assert_not_forgotten(at, of),
                                      smallkit.QUIET_S)
                self.ends_with_its_service_up(host, run)

    def ends_with_its_service_up(self, host, run):
        """Restarted by the host itself, or by a person who was asked."""
        def settled():
            state = self.assert_not_forgotten(host, run)
            return state if state["state"] in ("held", "finished") else None
        what = f"the run on {host} to be held or finished"
        state = watch.until(what, settled, smallkit.LEASE_OVER_S)
        if state["state"] == "held":
            self.assertIn("Stop", json.dumps(self.holds(run)), "the hold names what was stopped")
            scratchkit.by_hand(host, "start")
            for hold in self.holds(run):
                self.answer("resolve", run, hold["number"], "started by hand")
        self.await_finished(run)
        self.assertTrue(scratchkit.runs(host), f"the service runs on {host}")

    # --- a host that does not return ---

    def test_2_a_host_that_is_away_for_ever_holds_its_run(self):
        """One leaves before its run's end, the other one before its stop is repeated."""
        ending, retried, elsewhere = "mailhub1", "mailhub2", "mailhub3"
        runs = {retried: self.begin("person-waits", on=retried)}
        self.await_phase(runs[retried], "2", "confirm")
        self.await_restored_while_cut(retried, ["stop"])
        numbers = self.await_holds(runs[retried], ["dead_man_restored"])
        runs[ending] = self.begin("host-leaves", on=ending, elsewhere=elsewhere)
        self.await_story(elsewhere, ["work"])
        for host in (ending, retried):
            self.cut(host)
        self.answer("retry", runs[retried], numbers["dead_man_restored"])
        for host, run in runs.items():
            with self.subTest(host):
                watch.await_state(run, ["held"], AWAY_S)
                self.assertIn(host, json.dumps(self.holds(run)), "the hold names the host")
                self.assertFalse(host_in_run(host), "its alerts are heard")
                lines = self.mailhubctl("run", "list").stdout.splitlines()
                listed = [line for line in lines if run[:12] in line]
                self.assertEqual(len(listed), 1, listed)
                self.assertIn("held", listed[0])
                self.assertNotIn("succeeded", listed[0])

    # --- alerts ---

    def test_3_alerts_of_a_host_are_silenced_only_while_the_run_acts(self):
        host = "mailhub2"
        crashkit.tell_alertmanager({**SIDE_EFFECT, "instance": host}, 600)
        acting = self.begin("work-follows", on=host, takes="10")
        self.await_story(host, ["stop"])
        watch.until("the acting run to be seen", lambda: host_in_run(host), 5)
        watch.until("its side effects to be silenced", lambda: silenced(host), 15)
        self.await_finished(acting)
        with self.subTest("a person is asked"):
            asking = self.begin("two-questions", on=host)
            self.await_phase(asking, "1", "confirm")
            self.assert_heard(host)
        self.mailhubctl("run", "cancel", asking)
        self.await_finished(asking)
        with self.subTest("held"):
            held = self.begin("work-fails", on=host)
            self.await_holds(held, ["step_failed"])
            self.assert_heard(host)

    def test_4_alerts_of_a_host_are_heard_in_mode_halted(self):
        host = "mailhub3"
        crashkit.tell_alertmanager({**SIDE_EFFECT, "instance": host}, 600)
        run = self.begin("gate-waits", on=host)
        self.await_phase(run, "2", "gate")
        watch.until("its side effects to be silenced", lambda: silenced(host), 15)
        self.addCleanup(self.mailhubctl, "mode", "set", "active")
        self.assertEqual(self.mailhubctl("mode", "set", "halted").returncode, 0)
        self.assert_heard(host)
        crashkit.say(self.mailhubctl("run", "show", run).stdout)

    def assert_heard(self, host):
        watch.until(f"/metrics to say that no run acts on {host}", lambda: not host_in_run(host), 5)
        what = f"Alertmanager to let the alerts of {host} through"
        watch.until(what, lambda: silenced(host) is False, 15)


if __name__ == "__main__":
    unittest.main(verbosity=2)
