#!/usr/bin/python3
"""Failures under a rebuild, one after the other: hosts, network, monitoring, disk, clock, pauses; then two actuators meet.

The actuator itself survives all of them, except where a clock steps. Numbers are printed and left in the build folder.
"""

import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time
import unittest

import crashkit
import pausekit
from labkit import cgroups, evidence, faults, layout, network, site, stack, watch

# The trigger's values, so that an alert joins.
PARAMETERS = {"quiet_window": "4s", "quiet_for": "1s", "quiet_timeout": "2m", "check_timeout": "20s"}
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
CLOCK = layout.STATE / "actuator.clock"
OTHER = "http://127.0.0.1:19111"
OUTAGE_S = 60
# Chooses the moment of the first pause.
SEED = int(os.environ.get("MAILHUB_CRASH_SEED", "1"))
# The first pause comes this long at most after the directory was told to stop: while it is down, or its clients come back.
FIRST_S = 12
JOB_OUTAGE_S = 11


def processes(host, matches):
    """Pids in a host with a matching command line."""
    for pid in cgroups.processes(host):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if matches(words):
            yield pid


def signal_all(how, host, matches):
    pids = list(processes(host, matches))
    for pid in pids:
        os.kill(pid, how)
    return len(pids)


def is_directory(words):
    return words[0] == "/opt/isode/sbin/isode.eddy" and "-D" not in words


def set_clock(hours):
    layout.write_file(CLOCK, f"{hours * 3600:+d}\n")


class BadDays(crashkit.Judge, unittest.TestCase):
    maxDiff = None
    figures = []

    @classmethod
    def setUpClass(cls):
        crashkit.fresh_lab()
        cls.addClassCleanup(crashkit.wipe_lab)
        # The journal on a disk that will soon be full.
        (layout.STATE / "actuator").mkdir(exist_ok=True)
        layout.run("mount", "-t", "tmpfs", "-o", "size=16m", "mailhub-crash", layout.STATE / "actuator")
        cls.addClassCleanup(layout.run, "umount", layout.STATE / "actuator")
        set_clock(0)
        cls.programs = stack.Stack(crashkit.BUILD)
        cls.addClassCleanup(cls.programs.down)
        cls.programs.up()
        cls.programs.stop("actuator")
        config = layout.CONFIG / "actuator.yml"
        layout.write_file(config, config.read_text(encoding="utf-8").replace(
            "quiet_window: 5s", "quiet_window: 4s"))
        cls.start_actuator()
        cls.addClassCleanup(lambda: crashkit.write_report("bad_days.txt", cls.figures))

    @classmethod
    def start_actuator(cls):
        """With its own wall clock, which CLOCK sets; the steady clock is the machine's."""
        cls.programs.start("actuator", ["env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={CLOCK}",
                                        "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"])
        cls.programs.await_ready("actuator")

    def figure(self, text):
        self.figures.append(text)
        crashkit.say(text)

    def begin(self, mailhub, **parameters):
        text = crashkit.command("/api/v1/runs", {"runbook": "mailhub-rebuild", "reason": "a bad day", "parameters": {
            **PARAMETERS, "mailhub": mailhub, **parameters}}, self.programs.token)
        run = json.loads(text)["data"]["run"]
        self.addCleanup(self.end, run)
        return run

    def end(self, run):
        """Frees the lock for the next test, even after a failure here."""
        if stack.api(f"runs/{run}")["state"] != "finished":
            crashkit.command(f"/api/v1/runs/{run}/cancel", {"reason": "the test failed"}, self.programs.token)
            watch.await_state(run, ["finished"], 120)

    def reached(self, run, kind, path, seconds=90):
        watch.until(f"{kind} {path} of {run}", lambda: crashkit.has(run, kind, path), seconds)

    # --- one rebuild, failing hosts ---

    def test_1_hosts_fail_under_a_rebuild(self):
        run = self.begin("mailhub2")
        self.sshd_dies_in_the_middle_of_a_step(run)
        self.network_is_cut_before_a_step(run)
        again = self.host_loses_power_under_the_job(run)
        self.network_is_cut_under_the_job(run, again)
        watch.await_state(run, ["finished"], 240)
        # mailhub2 started its client by itself when it booted.
        self.assert_rebuilt_once(run, "mailhub2", attempts=2, rebuild=[
            "rebuild began", "regclient mailhub2", "rebuild began", "rebuild ended"])

    def sshd_dies_in_the_middle_of_a_step(self, run):
        self.reached(run, "step_started", "1.6.mailhub1.1")
        gate = time.time()
        # A directory that does not answer keeps `systemctl restart regclient` waiting; it returns within its patience.
        signal_all(signal.SIGSTOP, "x500", is_directory)
        self.addCleanup(signal_all, signal.SIGCONT, "x500", is_directory)
        watch.until("regclient to be starting", lambda: evidence.read("mailhub1", gate, program="regclient", event="start"))
        killed = signal_all(signal.SIGKILL, "mailhub1", lambda words: words[0].startswith("sshd"))
        died = time.time()
        self.assertGreaterEqual(killed, 2, "the daemon and the actuator's session")
        self.assertFalse(crashkit.has(run, "step_settled", "1.6.mailhub1.2"), "killed in the middle")
        signal_all(signal.SIGCONT, "x500", is_directory)
        site.exec_in("mailhub1", "systemctl", "restart", "ssh")
        self.reached(run, "step_settled", "1.6.mailhub1.2")
        self.figure(f"sshd killed in the middle of a step: {killed} processes died, the command ran on;"
                    f" its receipt came {time.time() - died:.1f} s later")

    def network_is_cut_before_a_step(self, run):
        self.reached(run, "step_started", "1.6.mailhub3.1")
        cut = self.cut("mailhub3")
        self.reached(run, "step_done", "1.6.mailhub3.1")
        layout.wait_until("the minute to be over", lambda: time.time() - cut >= OUTAGE_S, OUTAGE_S + 5)
        # The step does not begin before its host has answered.
        self.assertFalse(crashkit.has(run, "step_started", "1.6.mailhub3.2"))
        faults.net_up("mailhub3")
        plugged = time.time()
        self.reached(run, "step_settled", "1.6.mailhub3.2")
        self.figure(f"network of mailhub3 cut for {plugged - cut:.0f} s before its step: done {time.time() - plugged:.1f} s"
                    " after the cable was back")

    def network_is_cut_under_the_job(self, run, since):
        watch.until("the rebuild to begin again", lambda: len(evidence.read(
            "mailhub2", since, program="rebuild", event="begin")) == 1)
        cut = self.cut("mailhub2")
        # After longer, the rebuild itself gives up: it reads from the directory all the time.
        layout.wait_until("the cut to be over", lambda: time.time() - cut >= JOB_OUTAGE_S, JOB_OUTAGE_S + 5)
        faults.net_up("mailhub2")
        plugged = time.time()
        self.reached(run, "step_done", crashkit.JOB)
        self.figure(f"network of mailhub2 cut for {plugged - cut:.0f} s under its job: the job went on and was done"
                    f" {time.time() - plugged:.1f} s after the cable was back")

    def cut(self, host):
        faults.net_down(host)
        self.addCleanup(network.plug, host)
        return time.time()

    def host_loses_power_under_the_job(self, run):
        self.reached(run, "step_started", crashkit.JOB)
        watch.until("the rebuild to begin", lambda: evidence.read(
            "mailhub2", stack.parse_time(stack.api(f"runs/{run}")["startedAt"]), program="rebuild", event="begin"))
        cut = time.time()
        site.reboot("mailhub2", hard=True)
        held = watch.await_state(run, ["held"], 60)
        self.assertEqual(held["hold"]["reason"], "outcome_unknown", held["hold"])
        self.assertTrue(crashkit.has(run, "run_held", crashkit.JOB))
        self.figure(f"mailhub2 lost its power under the job: held, outcome_unknown, {time.time() - cut:.1f} s after the cut;"
                    " a person retried")
        again = time.time()
        crashkit.command(f"/api/v1/runs/{run}/retry", {"hold": 1, "reason": "the power is back"}, self.programs.token)
        return again

    # --- another rebuild, failing surroundings ---

    def test_2_monitoring_disk_and_clock_fail_under_a_rebuild(self):
        run = self.begin("mailhub3")
        self.monitoring_is_away(run)
        self.disk_is_full_under_the_job(run)
        self.clock_steps(run)
        watch.await_state(run, ["finished"], 240)
        self.assert_rebuilt_once(run, "mailhub3")
        self.assert_never_held(run)

    def monitoring_is_away(self, run):
        self.reached(run, "step_started", "1.6.mailhub1.1")
        for name in ("prometheus", "alertmanager"):
            self.programs.stop(name)
        away = time.time()
        faults.stale_tables("mailhub1")
        layout.wait_until("the minute to be over", lambda: time.time() - away >= OUTAGE_S, OUTAGE_S + 5)
        self.assertFalse(crashkit.has(run, "step_done", "1.6.mailhub1.1"), "no gate opens without Prometheus")
        for name in ("alertmanager", "prometheus"):
            self.programs.start(name)
        back = time.time()
        self.reached(run, "step_done", "1.6.mailhub1.1")
        opened = time.time() - back
        # A failure meanwhile still raises its alert, once.
        other = watch.await_run("mailhub-rebuild", away)
        self.figure(f"Prometheus and Alertmanager away for {back - away:.0f} s: the gate stayed shut and opened {opened:.1f} s"
                    f" after their start; the alert of meanwhile was decided {time.time() - back:.1f} s after it")
        crashkit.command(f"/api/v1/runs/{other}/cancel", {"reason": "one is enough"}, self.programs.token)
        self.assert_decided_once([row[0] for row in crashkit.query(
            "SELECT DISTINCT json_extract(body, '$.fingerprint') FROM events WHERE kind = 'alert_decided' AND run = ?",
            other)])

    def disk_is_full_under_the_job(self, run):
        self.reached(run, "step_started", crashkit.JOB)
        ballast = layout.STATE / "actuator" / "ballast"
        self.addCleanup(ballast.unlink, missing_ok=True)
        with open(ballast, "wb", buffering=0) as out, self.assertRaises(OSError):
            while True:
                out.write(bytes(4096))
        full = time.time()
        body = {"version": "4", "status": "firing", "receiver": "r", "groupKey": "{}", "groupLabels": {}, "commonLabels": {},
                "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
                "alerts": [{"status": "firing", "labels": {"alertname": "TablesStale", "instance": "mailhub3", "disk": "full"},
                            "annotations": {}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
                            "generatorURL": "", "fingerprint": "00000000f0110000"}]}
        refusals = []

        def refused():
            refusals.append(stack.post("/api/v1/alerts", body, self.programs.token))
            return refusals[-1][0] == 503

        watch.until("a notification to be refused", refused)
        self.assertEqual([status for status, _ in refusals], [503], "none is accepted on a full disk")
        self.assertFalse(stack.answers(stack.READY["actuator"]))
        watch.until("the rebuild to end", lambda: evidence.read("mailhub3", full, program="rebuild", event="end"), 90)
        self.assertFalse(crashkit.has(run, "step_settled", crashkit.JOB))
        ballast.unlink()
        freed = time.time()
        self.reached(run, "step_settled", crashkit.JOB)
        watch.until("the notification to be accepted", lambda: stack.post(
            "/api/v1/alerts", body, self.programs.token)[0] == 200)
        self.assert_decided_once(["00000000f0110000"])
        self.figure(f"journal's disk full for {freed - full:.1f} s, in which the job ended: webhook 503"
                    f" ({refusals[-1][1].strip()[:120]}); went on {time.time() - freed:.1f} s after there was room")

    def clock_steps(self, run):
        self.reached(run, "step_started", "10.6.mailhub3.1")
        set_clock(+1)
        forward = time.time()
        self.reached(run, "step_done", "10.6.mailhub3.2")
        took = time.time() - forward
        self.reached(run, "step_started", "10.6.mailhub1.1")
        set_clock(-1)
        back = time.time()
        self.reached(run, "step_done", "10.6.mailhub1.2")
        stayed = time.time() - back
        self.reached(run, "step_started", "10.6.mailhub2.1")
        self.programs.kill("actuator")
        self.start_actuator()
        again = time.time()
        self.reached(run, "step_done", "10.6.mailhub2.2")
        shown = [row[0] / 1000 - time.time() for row in crashkit.query("SELECT max(at_ms) FROM events UNION ALL SELECT at_ms"
                                                                      " FROM events WHERE seq = (SELECT max(seq) FROM events)")]
        set_clock(0)
        self.assertGreater(shown[0], 3000, "the actuator's clock was an hour ahead")
        self.assertLess(shown[1], -3000, "and then an hour behind")
        self.figure(f"clock an hour ahead: gate and client took {took:.1f} s; two hours back: {stayed:.1f} s;"
                    f" killed there and started: {time.time() - again:.1f} s")

    # --- a third rebuild, whose actuator stops for longer than its leases last ---

    def test_3_the_actuator_is_paused_under_a_rebuild(self):
        target, lease = "mailhub1", f"{pausekit.LEASE_S}s"
        run = self.begin(target, restore_after=lease, regclient_restore_after=lease)
        began = time.time()
        self.reached(run, "step_started", "1.1")
        moment = time.time() + random.Random(SEED).uniform(0, FIRST_S)
        layout.wait_until("a random moment", lambda: time.time() >= moment, FIRST_S + 5)
        pauses = [self.pause(run, target, f"at a random moment (seed {SEED})")]
        watch.until("the rebuild to begin", lambda: evidence.read(target, began, program="rebuild", event="begin"), 180)
        pauses.append(self.pause(run, target, "while the job acts"))
        self.reached(run, "step_started", f"10.6.{target}.1", 120)
        pauses.append(self.pause(run, target, "while a gate waits"))
        state = watch.await_state(run, ["finished"], 180)
        self.assertEqual(state["result"], "succeeded", state["resultDetail"])
        self.assert_each_once(target, *watch.span(state), pauses)
        self.assertEqual({(target, "regclient")} <= pauses[1].down & pauses[2].down, True, "both had to bring it back")

    def pause(self, run, target, name):
        """One pause; a person answers the holds after it. Nothing is done by it but what its hosts bring back."""
        pause = pausekit.Pause(self.programs.processes["actuator"], target, name)
        pause.end()
        state = pause.settle(run)
        held = state["state"] == "held"
        if held:
            end = time.time() + pausekit.QUIET_S
            layout.wait_until("the held run to show that it is quiet", lambda: time.time() >= end, pausekit.QUIET_S + 5)
        pause.answered = time.time() if held else pause.ended
        effects = pause.effects(pause.answered)
        back = {(*what, "start") for what in pause.down}
        spare = {("x500", "S81eddy", "start")}  # a dead man starts the directory also if it was not stopped yet
        self.assertEqual(set(effects) - spare, back - spare, f"{name}: {effects}")
        self.assertLessEqual(back, set(effects), f"{name}: the hosts bring back what was down")
        self.assertEqual(set(effects.values()) - {1}, set(), f"{name}: {effects}")
        self.assertTrue(held or not back, f"{name}: the run goes on although a host has acted")
        pause.again = {}
        for hold in state["holds"]:
            self.assertEqual(hold["reason"], "dead_man_restored", hold)
            crashkit.command(f"/api/v1/runs/{run}/retry", {"hold": hold["number"], "reason": "looked at it"}, self.programs.token)
            what = ("x500", "S81eddy") if hold["step"].startswith("Stop the main") else (target, "regclient")
            pause.again[what] = 1
        self.figure(f"paused for {pausekit.PAUSE_S} s {name}, leases of {pausekit.LEASE_S} s: "
                    + (f"the hosts brought back {', '.join(sorted(program for _, program in pause.down)) or 'nothing'};"
                       f" held {len(state['holds'])} times, nothing else was done" if held else "the run went on by itself"))
        return pause

    def assert_each_once(self, target, begin, end, pauses):
        """Each command of the rebuild once, and once more what a person has answered with `retry`."""
        counts = {}
        for _, *what in pausekit.begun(target, begin, end):
            counts[tuple(what)] = counts.get(tuple(what), 0) + 1
        again = {what: sum(pause.again.get(what, 0) for pause in pauses) for what in (("x500", "S81eddy"), (target, "regclient"))}
        self.assertEqual(counts[("x500", "S81eddy", "stop")], 2 + again[("x500", "S81eddy")], counts)
        once = [(target, "rebuild", "begin"), ("x500", "qubRA", "thread_stop"), ("x500", "qubRA", "thread_start")]
        self.assertEqual({what: counts.get(what) for what in once}, {what: 1 for what in once})
        self.assertEqual([e["exit"] for e in watch.between(target, begin, end, program="rebuild", event="end")], [0])
        for host in layout.MAILHUBS:
            back = sum((host, "regclient") in pause.down for pause in pauses)
            self.assertEqual(counts[(host, "regclient", "start")], 2 + back, f"{host}: {counts}")
        self.assertTrue(pausekit.directory_serves())
        self.assert_regclients_run()

    # --- two actuators ---

    def second_actuator(self, journal):
        """The command line of a second one for the same site."""
        text = (layout.CONFIG / "actuator.yml").read_text(encoding="utf-8")
        other = layout.CONFIG / "second.yml"
        layout.write_file(other, text.replace("../actuator/journal.db", str(journal)).replace(
            stack.ACTUATOR.removeprefix("http://"), OTHER.removeprefix("http://")))
        return [self.programs.bin / "mailhub_actuator", f"--config.file={other}"]

    def test_4_a_second_actuator_on_the_same_journal_does_not_start(self):
        done = subprocess.run(self.second_actuator(crashkit.JOURNAL), capture_output=True, text=True, timeout=20, check=False)
        said = done.stdout + done.stderr
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("another actuator", said)
        self.assertIn(f"pid {self.programs.processes['actuator'].pid}", said)
        self.assertTrue(stack.answers(stack.READY["actuator"]))
        self.figure(f"a second actuator on the same journal: {re.search('why=.*', said).group()}")

    def test_5_a_second_actuator_with_a_journal_of_its_own_is_refused_by_the_host(self):
        since = time.time()
        (layout.STATE / "second").mkdir(exist_ok=True)
        self.addCleanup(lambda: subprocess.run(["rm", "-r", layout.STATE / "second"], check=True))
        with open(stack.LOGS / "second.log", "wb") as log:
            second = subprocess.Popen(self.second_actuator(layout.STATE / "second" / "journal.db"), stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)
        self.addCleanup(second.wait, 15)
        self.addCleanup(second.terminate)
        watch.until("the second to be ready", lambda: stack.answers(f"{OTHER}/-/ready"))
        self.addCleanup(setattr, stack, "ACTUATOR", stack.ACTUATOR)
        stack.ACTUATOR = OTHER
        text = crashkit.command("/api/v1/runs", {"runbook": "directory-restart", "reason": "I thought that I was alone",
                                                 "parameters": {}}, self.programs.token)
        held = watch.await_state(json.loads(text)["data"]["run"], ["held"], 60)
        self.assertEqual(held["hold"]["reason"], "refused")
        self.assertIn("journal", held["hold"]["detail"])
        self.assertEqual(watch.times("x500", since, time.time(), program="S81eddy"), [], "nothing was done")
        self.figure(f"a second actuator with its own journal: held, refused: {held['hold']['detail']}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
