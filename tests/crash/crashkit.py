"""A lab with the real actuator, whose lives end at chosen commits; and judges of the result."""

import datetime
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))

from labkit import knobs, layout, site, stack, watch  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MAILHUB_BUILD", "build/dev")).resolve()
SHIM = BUILD / "tests" / "crash" / "libcrash_shim.so"
LAB = layout.LAB_DIR / "lab"
JOURNAL = layout.STATE / "actuator" / "journal.db"
# The step of mailhub-rebuild that takes hours on a real site.
JOB = "7"
KNOBS = ["reset", "qubra_crash=0", "rebuild_seconds=12", "resync_seconds=1", "resync_after_rebuild_seconds=2",
         # The rebuild does not raise the memory alert, so all counts come from the rebuild alone.
         "leak_rebuild_mb=100"]


def wipe_lab():
    subprocess.run([LAB, "down", "--wipe"], check=True, timeout=60)


def fresh_lab():
    """A new site needs a new journal: a host obeys one journal."""
    stack.stop_left_running()
    wipe_lab()
    subprocess.run([LAB, "up"], check=True, timeout=400)
    knobs.set_all(KNOBS)


def say(text):
    print(text, flush=True)


def write_report(name, lines):
    report = BUILD / "tests" / "crash" / name
    report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    say("\n".join(lines) + f"\n({report})")


def command(path, body, token):
    """A POST that must be accepted; its data."""
    status, text = stack.post(path, body, token)
    if status not in (200, 201, 202):
        raise AssertionError(f"POST {path}: {status} {text}")
    return text


def tell_alertmanager(labels, seconds):
    now = datetime.datetime.now(datetime.timezone.utc)
    alert = {"labels": labels, "startsAt": now.isoformat(),
             "endsAt": (now + datetime.timedelta(seconds=seconds)).isoformat()}
    request = urllib.request.Request(f"{stack.ALERTMANAGER}/api/v2/alerts", data=json.dumps([alert]).encode(),
                                     headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


# --- the journal ---

def query(sql, *values):
    """Reads the journal of a running actuator without disturbing it."""
    with sqlite3.connect(f"file:{JOURNAL}?mode=ro", uri=True, timeout=5) as journal:
        rows = journal.execute(sql, values).fetchall()
    journal.close()
    return rows


def query_dead(sql):
    """Reads a copy of a dead actuator's journal, so that the next one finds the log unchanged."""
    with tempfile.TemporaryDirectory() as scratch:
        for end in ("", "-wal"):
            if pathlib.Path(f"{JOURNAL}{end}").exists():
                shutil.copy(f"{JOURNAL}{end}", pathlib.Path(scratch, f"copy.db{end}"))
        journal = sqlite3.connect(pathlib.Path(scratch, "copy.db"))
        rows = journal.execute(sql).fetchall()
        journal.close()
    return rows


def has(run, kind, path):
    """Whether the journal has such an event of a run's step."""
    return bool(query("SELECT 1 FROM events WHERE run = ? AND kind = ? AND json_extract(body, '$.path') = ?", run, kind, path))


BOUNDARY = """SELECT seq, kind, coalesce(json_extract(body, '$.path'), json_extract(body, '$.decision'), '')
  FROM events WHERE kind NOT IN ('actuator_started', 'mode_changed') ORDER BY seq DESC LIMIT 1"""


class Point:
    """The end of one life: how, and after which event of the journal."""

    def __init__(self, how):
        self.how = how
        self.at = time.time()
        rows = query_dead(BOUNDARY)
        self.seq, self.kind, self.about = rows[0] if rows else (0, "empty journal", "")

    def name(self):
        where = {"before": "before the commit after", "torn": "in the commit after"}.get(self.how, self.how)
        return f"{where} {self.kind} {self.about}".strip()

    def expected(self):
        """The row of docs/execution_model.md, shortened; no point of these holds a run."""
        unrecorded = self.how in ("before", "torn")
        return {
            "empty journal": "Alertmanager sends it again",
            "run_swept": "Alertmanager sends it again" if unrecorded else "nothing is left to do",
            "alert_decided": "goes on" if unrecorded else "what comes again is a repeat",
            "run_queued": "what comes again is a repeat",
            "step_started": "same key: runs, receipt, or adopted; a gate asks again",
            "step_settled": "verified",
            "step_done": "the next step begins",
            "run_started": "what comes again is a repeat, the first step begins",
            "dead_man_armed": "armed before the step begins",
        }.get(self.kind, "goes on") + "; completes"

    def seen(self):
        rows = query("SELECT kind, coalesce(json_extract(body, '$.path'), json_extract(body, '$.decision'), ''), at_ms"
                     " FROM events WHERE seq > ? AND kind <> 'actuator_started' ORDER BY seq LIMIT 1", self.seq)
        if not rows:
            return "nothing was left to do"
        kind, about, at_ms = rows[0]
        return f"{kind} {about} after {at_ms / 1000 - self.at:.1f} s"


# --- the actuator's lives ---

class Lives:
    """Starts the actuator repeatedly. `ended` tells from the journal whether the story is over."""

    def __init__(self, programs):
        self.programs = programs
        self.points = []

    def crash_at(self, number, how, ended, seconds=120):
        """One life up to the given commit of its own; false when the story was over before."""
        return self._live(how, ended, seconds, lambda: False, [
            "env", f"LD_PRELOAD={SHIM}", f"CRASH_AT={number}", f"CRASH_WHEN={how}"])

    def crash_after(self, delay, ended, patient):
        """One life of the given length in seconds; a patient one counts from its first recorded step event."""
        steps = "SELECT count(*) FROM events WHERE kind LIKE 'step_%'"
        so_far = query_dead(steps)
        over = [None if patient else time.monotonic() + delay]

        def is_time():
            if over[0] is None and query(steps) != so_far:
                over[0] = time.monotonic() + delay
            return over[0] is not None and time.monotonic() >= over[0]

        return self._live("at an instant after", ended, 120, is_time, [])

    def _live(self, how, ended, seconds, is_time, prefix):
        self.programs.start("actuator", prefix)
        process = self.programs.processes["actuator"]
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            if is_time():
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            elif ended() or time.monotonic() > deadline:
                self.programs.stop("actuator")
                return False
            time.sleep(0.02)
        del self.programs.processes["actuator"]
        if process.returncode != -signal.SIGKILL:
            raise AssertionError(f"the actuator exited {process.returncode} by itself")
        self.points.append(Point(how))
        return True

    def settle(self):
        """The last life, which is not ended."""
        self.programs.start("actuator")
        self.programs.await_ready("actuator")


def rebuild_since(since):
    """The rebuild queued after `since`, from the journal: (run, result or None)."""
    rows = query("SELECT run, result FROM runs WHERE runbook = 'mailhub-rebuild' AND queued_ms >= ? ORDER BY queued_ms",
                 int(since * 1000))
    return rows[0] if rows else None


# --- the judges ---

class Judge:
    """Mixed into test cases: what must be true of every rebuild."""

    def assert_rebuilt_once(self, run, target, rebuild=("rebuild began", "rebuild ended"), attempts=1):
        """By the hosts' own logs every effect happened once, in the page's order; by the journal, every step."""
        state = watch.await_state(run, ["finished"], 30)
        self.assertEqual(state["result"], "succeeded", state["resultDetail"])
        begin, end = watch.span(state)
        self.assertEqual(watch.rebuild_story(begin, end, target), watch.expected_story(target, rebuild))
        self.assertEqual(watch.between(target, begin, end, program="rebuild", event="end")[-1]["exit"], 0)
        for kind in ("step_started", "step_settled"):
            twice = query("SELECT json_extract(body, '$.path'), json_extract(body, '$.attempt'), count(*) FROM events"
                          " WHERE run = ? AND kind = ? GROUP BY 1, 2 HAVING count(*) > 1", run, kind)
            self.assertEqual(twice, [], kind)
        most = query("SELECT max(json_extract(body, '$.attempt')) FROM events WHERE run = ? AND kind = 'step_started'", run)
        self.assertEqual(most, [(attempts,)])
        self.assert_regclients_run()

    def assert_never_held(self, run):
        self.assertEqual(query("SELECT body FROM events WHERE run = ? AND kind = 'run_held'", run), [])

    def assert_regclients_run(self):
        for host in layout.MAILHUBS:
            state = site.exec_in(host, "systemctl", "is-active", "regclient", check=False).stdout.strip()
            self.assertEqual(state, "active", f"regclient on {host}")

    def assert_decided_once(self, fingerprints):
        """Each alert that fired was answered by exactly one run. A repetition is a repeat, or late if its end had been
        reported. An alert after the run's first action has joined late, and is decided again at the run's end."""
        for fingerprint in fingerprints:
            found = [row[0] for row in query(
                "SELECT json_extract(body, '$.decision') FROM events WHERE kind = 'alert_decided'"
                " AND json_extract(body, '$.fingerprint') = ? AND json_extract(body, '$.firing') ORDER BY seq", fingerprint)]
            self.assertIn(found[:1], (["started_run"], ["joined"], ["joined_late"]), fingerprint)
            afresh = 1 if found[0] == "joined_late" else 0
            others = [decision for decision in found[1:] if decision not in ("repeat", "late")]
            self.assertLessEqual(len(others), afresh, f"{fingerprint}: {found}")
