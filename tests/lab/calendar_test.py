#!/usr/bin/python3
"""Runs that wait for suitable times, in the night in which London's clocks go forward; the real actuator and hosts.

Only the actuator's wall clock is false (faketime). Its steady clock, the hosts and Prometheus have true time: leases and receipts
count by steady clocks and by the hosts' own uptimes, a gate compares Prometheus' samples with a host's uptime, and SSH has no
certificates that expire. So nothing else needs to be shifted, and the night may be any night.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from labkit import evidence, layout, stack, watch  # noqa: E402

BUILD = os.environ.get("MAILHUB_BUILD", "build/dev")
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
CLOCK = layout.STATE / "actuator.clock"
# 28 March 2027: 01:00 GMT is 02:00 BST.
EVENING, CHANGE_DAY, NEXT_DAY = "2027-03-27", "2027-03-28", "2027-03-29"
# A start comes this soon after the minute that it is planned for; the machine may be busy.
SOON_S = 20

CALENDAR = f"""
time_intervals:
  - name: small hours
    time_intervals:
      - times: [{{start_time: '00:30', end_time: '03:30'}}]
        location: Europe/London
periods:
  - {{name: move of the store, begin: "{EVENING} 22:00", end: "{CHANGE_DAY} 02:30", location: Europe/London}}
"""
# The gate shows that evidence counts although the actuator's clock is months away.
RUNBOOK = """
runbook: {name}
summary: Note its start on mailhub1, when it may
lock: {name}
target: mailhub1
expected: {expected}
{when}
steps:
  - name: Note the start
    run: {{on: mailhub1, command: /opt/lab/bin/note {name} began}}
    verify: mailhub_service_state{{instance="mailhub1",name="regclient",state="active"}} == 1
"""
RUNBOOKS = {"short": ("1h", "windows: [small hours]"),
            "long": ("2h30m", "windows: [small hours]"),
            "frozen": ("10m", "blackouts: [move of the store]")}


def utc(day, clock):
    return datetime.datetime.fromisoformat(f"{day}T{clock}+00:00").timestamp()


class SuitableTimes(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        stack.stop_left_running()
        # A new journal needs hosts that obey none.
        subprocess.run([layout.LAB_DIR / "lab", "down", "--wipe"], check=True, timeout=60)
        subprocess.run([layout.LAB_DIR / "lab", "up"], check=True, timeout=400)
        cls.programs = stack.Stack(BUILD)
        cls.addClassCleanup(cls.programs.down)
        cls.configure()
        cls.set_clock(utc(EVENING, "23:00:00"))
        for name in ("exporter", "prometheus"):
            cls.programs.start(name)
        cls.programs.start("actuator", ["env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={CLOCK}",
                                        "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"])
        for name in ("exporter", "prometheus", "actuator"):
            cls.programs.await_ready(name)

    @classmethod
    def configure(cls):
        cls.programs.configure()
        folder = layout.CONFIG / "nightly"
        folder.mkdir(exist_ok=True)
        for name, (expected, when) in RUNBOOKS.items():
            layout.write_file(folder / f"{name}.yml", RUNBOOK.format(name=name, expected=expected, when=when))
        layout.write_file(layout.CONFIG / "calendar.yml", CALENDAR)
        actuator = layout.CONFIG / "actuator.yml"
        text = actuator.read_text(encoding="utf-8").replace("runbooks: runbooks", "runbooks: nightly\ncalendar: calendar.yml")
        layout.write_file(actuator, re.split(r"^receivers:", text, flags=re.M)[0])

    # --- the false clock ---

    @classmethod
    def set_clock(cls, at):
        layout.write_file(CLOCK, f"{round(at - time.time()):+d}\n")

    def jump(self, day, clock):
        """The actuator would notice a step of its clock within a minute; a reload has it plan at once."""
        self.set_clock(utc(day, clock))
        status, text = stack.post("/-/reload", {}, self.programs.token)
        self.assertEqual(status, 200, text)

    # --- what people see ---

    def mailhubctl(self, *words):
        done = subprocess.run([self.programs.bin / "mailhubctl", "--url", stack.ACTUATOR, "--utc", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def start(self, runbook):
        status, text = stack.post("/api/v1/runs", {"runbook": runbook, "reason": "a night", "parameters": {}},
                                  self.programs.token)
        self.assertIn(status, (200, 201, 202), text)
        return json.loads(text)["data"]["run"]

    def assert_waits(self, run, why, planned):
        """The reason begins so, and the planned start is this; the same in API, `run show`, `run list` and `status`."""
        state = watch.until(f"the plan of {run}", lambda: next(
            (seen for seen in [stack.api(f"runs/{run}")] if seen["waitingFor"].startswith(why)), None), 10)
        self.assertEqual(state["state"], "queued")
        self.assertEqual(stack.parse_time(state["startsAt"]), planned)
        shown = datetime.datetime.fromtimestamp(planned, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S +0000")
        # What is left of a window is said by the minute, so it may change between two looks.
        sentence = re.sub(r"\S+ are left", "X are left", state["waitingFor"])
        for words in (("run", "show", run), ("run", "list"), ("status",)):
            text = re.sub(r"\S+ are left", "X are left", re.sub(r"\s+", " ", self.mailhubctl(*words)))
            self.assertIn(sentence, text, words)
            self.assertIn(shown, text, words)
        return state

    def assert_begins(self, run, name, planned):
        """By the actuator's clock not before its time, and once by the host."""
        state = watch.await_state(run, ["finished"], 40)
        self.assertEqual(state["result"], "succeeded", state["resultDetail"])
        started = stack.parse_time(state["startedAt"])
        self.assertTrue(planned <= started < planned + SOON_S, f"{name}: {state['startedAt']}")
        self.assertEqual(len(evidence.read("mailhub1", program=name, event="began")), 1)

    def assert_not_begun(self, *names):
        for name in names:
            self.assertEqual(evidence.read("mailhub1", program=name, event="began"), [], name)

    # --- the night ---

    def test_the_night_in_which_the_clocks_go_forward(self):
        runs = {name: self.start(name) for name in RUNBOOKS}
        self.in_the_evening_all_wait(runs)
        self.the_window_opens(runs)
        self.the_blackout_ends_by_the_new_clock(runs)
        self.the_long_run_has_the_next_night(runs)

    def in_the_evening_all_wait(self, runs):
        """23:00 GMT. The night lasts from 00:30 GMT to 03:30 BST: two hours by a clock that does not change."""
        seen = self.assert_waits(runs["short"], f"window «small hours» is closed until {CHANGE_DAY} 00:30 GMT",
                                 utc(CHANGE_DAY, "00:30:00"))
        self.assertIn(f"next slot: {CHANGE_DAY} 00:30 GMT to {CHANGE_DAY} 03:30 BST", seen["waitingFor"])
        self.assertIn("it needs 1h (`expected` of its runbook; 0 runs so far)", seen["waitingFor"])
        # Two hours and a half fit into a night of three hours, but not into this one.
        seen = self.assert_waits(runs["long"], f"window «small hours» is closed until {CHANGE_DAY} 00:30 GMT",
                                 utc(CHANGE_DAY, "23:30:00"))
        self.assertIn(f"next slot: {NEXT_DAY} 00:30 BST to {NEXT_DAY} 03:30 BST", seen["waitingFor"])
        self.assert_waits(runs["frozen"], f"blackout «move of the store» until {CHANGE_DAY} 02:30 BST",
                          utc(CHANGE_DAY, "01:30:00"))
        self.assert_not_begun(*RUNBOOKS)

    def the_window_opens(self, runs):
        self.jump(CHANGE_DAY, "00:29:55")
        self.assert_begins(runs["short"], "short", utc(CHANGE_DAY, "00:30:00"))
        seen = self.assert_waits(runs["long"], "needs 2h30m, ", utc(CHANGE_DAY, "23:30:00"))
        self.assertRegex(seen["waitingFor"], r"needs 2h30m, 1h5\dm are left of «small hours»")
        self.assert_not_begun("long", "frozen")

    def the_blackout_ends_by_the_new_clock(self, runs):
        """02:30 BST is 01:30 UTC: half an hour after the change."""
        self.jump(CHANGE_DAY, "01:29:55")
        self.assert_begins(runs["frozen"], "frozen", utc(CHANGE_DAY, "01:30:00"))
        self.assert_not_begun("long")

    def the_long_run_has_the_next_night(self, runs):
        """00:30 BST is 23:30 UTC."""
        self.jump(CHANGE_DAY, "23:29:55")
        self.assert_begins(runs["long"], "long", utc(CHANGE_DAY, "23:30:00"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
