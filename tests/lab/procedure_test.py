#!/usr/bin/python3
"""The operators' page on the lab, end to end, judged by the hosts' own logs.

Real alerts start everything: a leak starts a restart of the directory, stale tables a rebuild of mailhub2. The actuator
is
killed in the middle of the rebuild. The tests run in the order of their names and build on each other.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from labkit import evidence, faults, knobs, layout, mail, site, stack  # noqa: E402
from labkit.watch import (await_run, await_state, between, decisions, expected_story,  # noqa: E402
                          rebuild_story, runs, span, times, until)

BUILD = os.environ.get("MAILHUB_BUILD", "build/dev")
TARGET = "mailhub2"
QUIET = 0.9
# As tests/lab/config/actuator.yml gives it to the runbooks.
QUIET_WINDOW_S = 5
SHORT = {"quiet_window": f"{QUIET_WINDOW_S}s", "quiet_for": "1s", "quiet_timeout": "2m",
         "check_timeout": "20s"}
MEMORY = 'mailhub_process_resident_memory_bytes{instance="x500",process="eddy"}'


class Procedure(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        stack.stop_left_running()
        # A new site: receipts of an earlier journal would, rightly, refuse a new one.
        subprocess.run([layout.LAB_DIR / "lab", "down", "--wipe"], check=True, timeout=60)
        subprocess.run([layout.LAB_DIR / "lab", "up"], check=True, timeout=400)
        faults.clear()
        knobs.set_all(["reset", "qubra_crash=0", "rebuild_seconds=20", "resync_seconds=3",
                       "resync_after_rebuild_seconds=6"])
        cls.stack = stack.Stack(BUILD)
        cls.addClassCleanup(cls.stack.down)
        cls.stack.up()
        cls.began = time.time()

    # --- (a) an alert restarts the directory ---

    def test_01_a_leak_past_500_mb_has_the_directory_restarted_through_alertmanager(self):
        since = time.time()
        faults.leak()
        run = await_state(await_run("directory-restart", since), ["finished"], 240)
        self.assertEqual(run["result"], "succeeded", run["resultDetail"])
        self.assertEqual(run["by"], "alertmanager")
        begin, end = span(run)
        self.assertEqual(len(times("x500", begin, end, program="S81eddy", event="stop")), 1)
        self.assertEqual(len(times("x500", begin, end, program="S81eddy", event="start")), 1)
        self.assertLess(stack.value(MEMORY), 200e6)
        self.assert_clients_came_back_gated(begin, end, ["mailhub1", "mailhub2", "mailhub3"])

    def assert_clients_came_back_gated(self, begin, end, order):
        """One after the other, each on a server that had been quiet for the whole window and then was not."""
        starts = {host: times(host, begin, end, program="regclient", event="start") for host in order}
        for host in order:
            self.assertEqual(len(starts[host]), 1, f"{host} in {starts}")
        self.assertEqual(sorted(order, key=lambda host: starts[host][0]), order)
        for host in order:
            start = starts[host][0]
            before = evidence.idle_ratio("x500", start - QUIET_WINDOW_S, start)
            self.assertGreaterEqual(before, QUIET, f"before {host}'s start")
            after = min(evidence.idle_ratio("x500", at, at + 1) or 1 for at in (start + 0.5, start + 1, start + 1.5))
            self.assertLess(after, QUIET, f"after {host}'s start")

    # --- (b) an alert starts the whole rebuild; the actuator is killed in its middle ---

    def test_02_stale_tables_start_the_rebuild_and_a_killed_actuator_adopts_it(self):
        since = time.time()
        faults.stale_tables(TARGET)
        type(self).routed_before = [mail.routes(TARGET, a) for a in (layout.LIVING_ALIAS, layout.DELETED_ALIAS)]
        run = await_run("mailhub-rebuild", since)
        until("the rebuild to begin", lambda: evidence.read(TARGET, since, program="rebuild", event="begin"), 240)
        knobs.set_all(["qubra_crash=1"])  # from now on: it crashes when the directory is restarted after the rebuild
        self.stack.kill("actuator")
        self.stack.start("actuator")
        self.stack.await_ready("actuator")
        self.deliver_again(TARGET)
        type(self).rebuild = await_state(run, ["finished"], 300)
        self.assertEqual(self.rebuild["result"], "succeeded", self.rebuild["resultDetail"])

    @staticmethod
    def query_failures():
        """Every query of every dashboard and rule, asked while all is running; empty when each has data."""
        script = layout.LAB_DIR / "live_queries.py"
        done = subprocess.run([sys.executable, script, stack.PROMETHEUS, "--window", "30m", "--wait", "15"],
                              capture_output=True, text=True, timeout=90, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def deliver_again(self, host):
        """The same alert three times more, and from a second Alertmanager with another startsAt."""
        alert = next(a for a in stack.get_json(f"{stack.ALERTMANAGER}/api/v2/alerts")
                     if a["labels"]["alertname"] == "TablesStale" and a["labels"]["instance"] == host)
        body = {"version": "4", "status": "firing", "receiver": "mailhub-actuator", "groupKey": "{}", "groupLabels": {},
                "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
                "alerts": [{"status": "firing", "labels": alert["labels"], "annotations": {},
                            "startsAt": alert["startsAt"], "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                            "fingerprint": alert["fingerprint"]}]}
        for starts_at in (alert["startsAt"], alert["startsAt"], "2026-01-01T00:00:00Z"):
            body["alerts"][0]["startsAt"] = starts_at
            status, text = stack.post("/api/v1/alerts", body, self.stack.token)
            self.assertEqual(status, 200, text)

    def test_03_the_rebuild_ran_once_by_its_own_log(self):
        begin, end = span(self.rebuild)
        self.assertEqual(len(times(TARGET, begin, end, program="rebuild", event="begin")), 1)
        self.assertEqual([e["exit"] for e in between(TARGET, begin, end, program="rebuild", event="end")], [0])

    def test_04_repeated_notifications_started_one_run(self):
        self.assertEqual(len(runs("mailhub-rebuild")), 1)
        repeats = [d for d in decisions(alertname="TablesStale") if d["decision"] == "repeat"]
        self.assertGreaterEqual(len(repeats), 3)

    def test_05_events_on_the_hosts_have_the_order_of_the_page(self):
        begin, end = span(self.rebuild)
        story = rebuild_story(begin, end, TARGET)
        self.assertEqual(story.count("qubRA crashed"), 1, story)
        self.assertEqual([label for label in story if label != "qubRA crashed"],
                         expected_story(TARGET, qubra_crashes=True))

    def test_06_every_gate_was_real_by_the_independent_sampler(self):
        begin, end = span(self.rebuild)
        ended = times(TARGET, begin, end, program="rebuild", event="end")[0]
        self.assert_clients_came_back_gated(begin, times(TARGET, begin, end, program="rebuild", event="begin")[0],
                                            ["mailhub1", "mailhub2", "mailhub3"])
        self.assert_clients_came_back_gated(ended, end, ["mailhub2", "mailhub1", "mailhub3"])

    def test_07_the_memory_alert_that_the_rebuild_caused_did_not_restart_the_directory_a_third_time(self):
        begin, end = span(self.rebuild)
        raised = [d for d in decisions(alertname="DirectoryMemoryHigh", status="firing")
                  if begin <= stack.parse_time(d["at"]) <= end]
        self.assertGreaterEqual(len(raised), 1, "the 500 MB alert fired because of the rebuild")
        until("no run to be unfinished", lambda: all(run["state"] == "finished" for run in runs()), 60)
        for decision in raised:
            self.assertIn(decision["decision"], ("started_run", "joined", "repeat", "cooldown"))
            if decision["decision"] == "started_run":
                self.assertEqual(stack.api(f"runs/{decision['run']}")["result"], "dropped")
        self.assertEqual(len(times("x500", begin, time.time(), program="S81eddy", event="stop")), 2)

    def test_08_the_deleted_alias_went_and_the_living_one_stayed(self):
        self.assertEqual(self.routed_before, [True, True])
        self.assertEqual([mail.routes(TARGET, a) for a in (layout.LIVING_ALIAS, layout.DELETED_ALIAS)], [True, False])

    def test_08b_exims_own_account_reads_every_file_that_the_run_has_left(self):
        for name in ("aliases", "aliases.before", "rebuild.started"):
            mode, owner, lines = mail.table(TARGET, name)
            print(f"  {name}: mode {mode}, owner {owner}, {lines} lines for {mail.ACCOUNT}")
            self.assertEqual(int(mode, 8) & 0o133, 0, f"{name}: written by its owner only, read by all, not run")
            self.assertEqual(int(mode, 8) & 0o444, 0o444, name)
            self.assertEqual(owner, "root", name)
        self.assertEqual(mail.table(TARGET)[2], 40000)

    # --- failures ---

    def test_09_a_rebuild_fed_by_half_a_directory_holds_before_regclient_comes_back(self):
        knobs.set_all(["qubra_crash=0", "rebuild_seconds=5"])
        faults.half_loaded()
        self.addCleanup(faults.clear)
        since = time.time()
        status, text = stack.post("/api/v1/runs", {"runbook": "mailhub-rebuild", "reason": "half a directory",
                                                   "parameters": {**SHORT, "mailhub": "mailhub3"}}, self.stack.token)
        self.assertIn(status, (200, 201, 202), text)
        run = json.loads(text)["data"]["run"]
        # By now one rebuild has finished and another runs: every panel has data.
        self.assertEqual(self.query_failures(), "")
        held = await_state(run, ["held"], 240)
        self.assertIn("aliases", held["hold"]["step"])
        stopped = times("mailhub3", since, time.time(), program="regclient", event="stop")[-1]
        self.assertEqual(times("mailhub3", stopped, time.time(), program="regclient", event="start"), [])
        faults.clear()
        status, text = stack.post(f"/api/v1/runs/{run}/cancel", {"reason": "seen enough"}, self.stack.token)
        self.assertEqual(status, 200, text)
        await_state(run, ["finished"], 120)
        until("regclient to be back", lambda: times("mailhub3", stopped, time.time(), program="regclient", event="start"))

    def test_10_an_alert_about_an_unknown_host_is_rejected_and_recorded(self):
        body = {"version": "4", "status": "firing", "receiver": "r", "groupKey": "{}", "groupLabels": {}, "commonLabels": {},
                "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
                "alerts": [{"status": "firing", "labels": {"alertname": "TablesStale", "instance": "x;reboot"},
                            "annotations": {}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
                            "generatorURL": "", "fingerprint": "00000000deadbeef"}]}
        self.assertEqual(stack.post("/api/v1/alerts", body, self.stack.token)[0], 200)
        rejected = decisions(fingerprint="00000000deadbeef")
        self.assertEqual([d["decision"] for d in rejected], ["rejected"])
        self.assertIn("mailhubs", rejected[0]["detail"])

    def test_11_broken_json_and_a_wrong_token_are_refused(self):
        self.assertEqual(stack.post("/api/v1/alerts", None, self.stack.token, raw=b'{"version": "4", ')[0], 400)
        self.assertEqual(stack.post("/api/v1/alerts", {}, "wrong")[0], 401)
        self.assertEqual(stack.post("/api/v1/alerts", {}, None)[0], 401)

    def test_12_a_changed_host_key_is_refused_by_both_programs(self):
        # The cancelled rebuild has left the directory large, which starts its restart.
        until("no run to be unfinished", lambda: all(run["state"] == "finished" for run in runs()), 180)
        faults.host_key("x500")
        self.addCleanup(faults.clear)
        since = time.time()
        # Without kept sessions, each program must check the key again.
        site.exec_in("x500", "pkill", "-f", "sshd: root@")
        until("the exporter to say host_key", lambda: stack.value(
            'mailhub_probe_failure{instance="x500",reason="host_key"}') == 1)
        status, text = stack.post("/api/v1/runs", {"runbook": "directory-restart", "reason": "another key",
                                                   "parameters": SHORT}, self.stack.token)
        self.assertIn(status, (200, 201, 202), text)
        run = json.loads(text)["data"]["run"]
        held = await_state(run, ["held"], 60)
        self.assertEqual(held["hold"]["reason"], "refused")
        self.assertEqual(stack.post(f"/api/v1/runs/{run}/cancel", {"reason": "enough"}, self.stack.token)[0], 200)
        self.assertEqual(times("x500", since, time.time(), program="S81eddy", event="stop"), [])

    def test_13_wrong_files_are_refused_with_their_place(self):
        scratch = layout.STATE / "wrong"
        scratch.mkdir(exist_ok=True)
        site_text = (layout.CONFIG / "site.yml").read_text(encoding="utf-8")
        layout.write_file(scratch / "site.yml", site_text.replace("port: 22", "prot: 22", 1)
                          if "port: 22" in site_text else site_text + "\nprot: 22\n")
        done = subprocess.run([self.stack.bin / "mailhub_exporter", f"--config.file={scratch}/site.yml", "--config.check"],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, r"site\.yml:\d+:\d+: .*prot")


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
