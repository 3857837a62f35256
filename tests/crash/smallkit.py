"""Small cases on the lab: short dead men, a journal on a small disk, people at terminals.

Each case begins with an empty journal and with hosts that obey none, so that cases are independent.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import crashkit
import scratchkit
from labkit import cgroups, faults, layout, network, stack, watch

STATE = layout.STATE / "actuator"
# Longer than a dead man of the small runbooks waits (15 s), and its timer's ticks.
LEASE_OVER_S = 30
# Any effect happens within this time.
QUIET_S = 6


def prefer_lab():
    """Short dead men cannot wait for a compiler: on a busy machine the lab's hosts come first."""
    for hierarchy in cgroups.hierarchies():
        shares = hierarchy / layout.CGROUP / "cpu.shares"
        if shares.exists():
            shares.write_text("100000", encoding="utf-8")


class Programs(stack.Stack):
    """The lab's programs; the actuator with the small cases' configuration."""

    def configure(self):
        super().configure()
        shutil.copy(scratchkit.FOLDER / "actuator.yml", layout.CONFIG / "actuator.yml")
        runbooks = scratchkit.FOLDER / "runbooks"
        shutil.copytree(runbooks, layout.CONFIG / "scratch", dirs_exist_ok=True)
        site_file = layout.CONFIG / "site.yml"
        text = site_file.read_text(encoding="utf-8")
        everywhere = ", ".join(scratchkit.HOSTS)
        go_on = "      go_on: {path: /usr/local/share/go_on}"
        text = text.replace("groups:\n", f"groups:\n  everywhere: [{everywhere}]\n")
        text = text.replace("    files:\n", f"    files:\n{go_on}\n")
        layout.write_file(site_file, text)

    def up(self):
        """Without waiting for every host's first scrape, because the gates wait."""
        self.configure()
        for name in stack.READY:
            self.start(name)
        for name in stack.READY:
            self.await_ready(name)


class SmallCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(crashkit.wipe_lab)
        crashkit.fresh_lab()
        prefer_lab()
        scratchkit.install()
        STATE.mkdir(exist_ok=True)
        layout.run("mount", "-t", "tmpfs", "-o", "size=8m", "mailhub-crash", STATE)
        cls.addClassCleanup(layout.run, "umount", STATE)
        for host in scratchkit.HOSTS:
            scratchkit.reset(host)
        cls.programs = Programs(crashkit.BUILD)
        cls.addClassCleanup(cls.programs.down)
        cls.programs.up()

    def setUp(self):
        self.start_afresh()

    # --- the actuator ---

    def start_afresh(self, prefix=()):
        self.end_actuator()
        for entry in STATE.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for host in scratchkit.HOSTS:
            scratchkit.reset(host)
        self.programs.start("actuator", prefix)
        self.programs.await_ready("actuator")

    def end_actuator(self):
        process = self.programs.processes.get("actuator")
        if process is None:
            return
        if process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
            self.programs.stop("actuator")
        else:
            del self.programs.processes["actuator"]

    def pid(self):
        return self.programs.processes["actuator"].pid

    def is_stopped(self):
        stat = pathlib.Path(f"/proc/{self.pid()}/stat").read_text(encoding="utf-8")
        return stat.rpartition(")")[2].split()[0] == "T"

    # --- runs, as a user sees them ---

    def begin(self, runbook, **parameters):
        body = {"runbook": runbook, "reason": "a small case", "parameters": parameters}
        text = crashkit.command("/api/v1/runs", body, self.programs.token)
        return json.loads(text)["data"]["run"]

    def await_phase(self, run, path, phase, seconds=60):
        def reached():
            steps = stack.api(f"runs/{run}")["steps"]
            return phase in (step["phase"] for step in steps if step["path"] == path)
        watch.until(f"step {path} of {run} to be in phase {phase}", reached, seconds)

    def result_of(self, run, path):
        """The result of a step; None as long as it is not over."""
        steps = stack.api(f"runs/{run}")["steps"]
        return next(step["result"] for step in steps if step["path"] == path)

    def holds(self, run):
        """The run's holds without an answer."""
        return stack.api(f"runs/{run}")["holds"]

    def await_holds(self, run, reasons, seconds=60):
        """Waits until the run has exactly these holds; returns the numbers by reason."""
        def held():
            state = stack.api(f"runs/{run}")
            found = {hold["reason"]: hold["number"] for hold in self.holds(run)}
            return found if state["state"] == "held" and set(found) == set(reasons) else None
        return watch.until(f"run {run} to be held for {' and '.join(reasons)}", held, seconds)

    def await_finished(self, run, seconds=60):
        return watch.await_state(run, ["finished"], seconds)

    # --- people ---

    def mailhubctl(self, *words, by="operator"):
        """A person's command; returns the ended process with its output."""
        done = self.typing(*words, by=by)
        out, err = done.communicate(timeout=60)
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def typing(self, *words, by="operator"):
        """The same, still running."""
        return subprocess.Popen(
            [self.programs.bin / "mailhubctl", "--url", stack.ACTUATOR, "--by", by,
             "--token-file", layout.CONFIG / "webhook.token", *map(str, words)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def answer(self, verb, run, hold, reason="looked at it on the host"):
        """A person answers one hold, by its number."""
        done = self.mailhubctl("run", verb, run, "--hold", hold, "--reason", reason)
        self.assertEqual(done.returncode, 0, done.stderr)

    def confirm(self, run, path, attempt=1):
        """A person confirms the question of one step, asked for the attempt-th time."""
        done = self.mailhubctl("run", "confirm", run, "--step", path, "--attempt", attempt)
        self.assertEqual(done.returncode, 0, done.stderr)

    def post_verb(self, run, verb, body):
        """The same over HTTP, with the state that the person saw in the body: (status, text)."""
        body = {"by": "operator", **body}
        return stack.post(f"/api/v1/runs/{run}/{verb}", body, self.programs.token)

    # --- hosts ---

    def await_story(self, host, story, seconds=LEASE_OVER_S):
        what = f"{' '.join(story)} on {host}"
        watch.until(what, lambda: scratchkit.story(host) == story, seconds)

    def assert_meanwhile(self, check, seconds):
        """Calls `check` repeatedly for so long."""
        end = time.monotonic() + seconds

        def over():
            check()
            return time.monotonic() >= end
        layout.wait_until("the time to be over", over, seconds + 5, every=0.1)

    def assert_quiet(self, stories, seconds=QUIET_S):
        """Nothing more happens on these hosts: {host: its story}."""
        def check():
            self.assertEqual({host: scratchkit.story(host) for host in stories}, stories)
        self.assert_meanwhile(check, seconds)

    def assert_not_done(self, host, what, seconds=QUIET_S):
        """One thing does not happen, whatever else does."""
        self.assert_meanwhile(lambda: self.assertNotIn(what, scratchkit.story(host)), seconds)

    def cut(self, host):
        faults.net_down(host)
        self.addCleanup(network.plug, host)

    def await_restored_while_cut(self, host, before):
        """Cuts the host off until its dead man has acted, and reconnects it."""
        self.cut(host)
        self.await_story(host, [*before, "restore"])
        faults.net_up(host)

    # --- the journal's disk ---

    def fill_disk(self):
        ballast = STATE / "ballast"
        self.addCleanup(ballast.unlink, missing_ok=True)
        with open(ballast, "wb", buffering=0) as out, self.assertRaises(OSError):
            while True:
                out.write(bytes(4096))
        return ballast

    def notify(self, number):
        """For an alert without a trigger; returns the HTTP status, or None without an answer."""
        alert = {"status": "firing", "labels": {"alertname": "Small"}, "annotations": {},
                 "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
                 "generatorURL": "", "fingerprint": f"{number:016x}"}
        body = {"version": "4", "status": "firing", "receiver": "r", "groupKey": "{}",
                "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
                "truncatedAlerts": 0, "alerts": [alert]}
        try:
            return stack.post("/api/v1/alerts", body, self.programs.token)[0]
        except OSError:
            return None
