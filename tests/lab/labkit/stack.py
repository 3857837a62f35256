"""The programs around the lab: exporter, Prometheus, Alertmanager, actuator; started, asked and ended by pid."""

import datetime
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from . import layout, programs

PROJECT = layout.LAB_DIR.parent.parent
LOGS = layout.STATE / "log"

PROMETHEUS = "http://127.0.0.1:19090"
ALERTMANAGER = "http://127.0.0.1:19093"
EXPORTER = "http://127.0.0.1:19115"
ACTUATOR = "http://127.0.0.1:19110"

READY = {
    "exporter": f"{EXPORTER}/-/ready",
    "actuator": f"{ACTUATOR}/-/ready",
    "alertmanager": f"{ALERTMANAGER}/-/ready",
    "prometheus": f"{PROMETHEUS}/-/ready",
}

# The production rules count in minutes and hours; here a rebuild takes half a minute.
TIME_SCALE = 60


def get(url, timeout=20):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def get_json(url, timeout=20):
    return json.loads(get(url, timeout))


def answers(url):
    try:
        get(url, timeout=2)
        return True
    except OSError:
        return False


def parse_time(text):
    """An RFC 3339 time of the API, as seconds."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def query(expr):
    """An instant query: a list of (labels, value)."""
    found = get_json(f"{PROMETHEUS}/api/v1/query?" + urllib.parse.urlencode({"query": expr}))
    return [(series["metric"], float(series["value"][1])) for series in found["data"]["result"]]


def value(expr):
    """The one value of an expression, or None."""
    found = query(expr)
    return found[0][1] if found else None


def post(path, body, token=None, raw=None):
    """A POST to the actuator; returns (status, text) for any status."""
    request = urllib.request.Request(
        f"{ACTUATOR}{path}",
        data=raw if raw is not None else json.dumps(body).encode(),
        method="POST",
        headers={"Content-Type": "application/json"},
    )
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def api(path):
    return get_json(f"{ACTUATOR}/api/v1/{path}")["data"]


class Stack:
    """Owns the four processes. Use as a context manager; leaving it ends only these, by pid."""

    def __init__(self, build, fresh=True):
        self.bin = pathlib.Path(build).resolve() / "bin"
        self.fresh = fresh
        self.processes = {}
        self.token = None

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *unused):
        self.down()

    # --- all together ---

    def up(self):
        layout.say(f"watched by {programs.describe()}")
        self.configure()
        for name in READY:
            self.start(name)
        for name in READY:
            self.await_ready(name)
        layout.wait_until(
            "the first scrape of every host",
            lambda: (value('count(probe_success{job="mailhub"} == 1)') or 0) == len(layout.HOSTS),
            120,
            0.2,
        )

    def down(self):
        for name in list(self.processes):
            self.stop(name)

    def configure(self):
        """A fresh copy of the lab's configuration beside its keys, with the rules at the lab's pace."""
        config = layout.CONFIG
        for file in (layout.LAB_DIR / "config").glob("*.yml"):
            shutil.copy(file, config / file.name)
        layout.run(
            sys.executable,
            PROJECT / "rules" / "render.py",
            config,
            "--time-scale",
            TIME_SCALE,
        )
        shutil.copytree(PROJECT / "actuator" / "runbooks", config / "runbooks", dirs_exist_ok=True)
        if self.fresh:
            for state in ("prometheus", "alertmanager", "actuator"):
                shutil.rmtree(layout.STATE / state, ignore_errors=True)
        for state in ("prometheus", "alertmanager", "actuator"):
            (layout.STATE / state).mkdir(parents=True, exist_ok=True)
        LOGS.mkdir(exist_ok=True)
        token_file = config / "webhook.token"
        if not token_file.exists():
            layout.write_file(token_file, secrets.token_hex(24) + "\n", 0o600)
        self.token = token_file.read_text(encoding="utf-8").strip()

    # --- one by one ---

    def command(self, name):
        config, state = layout.CONFIG, layout.STATE
        return {
            "exporter": [
                self.bin / "mailhub_exporter",
                f"--config.file={config}/site.yml",
                "--web.listen-address=127.0.0.1:19115",
            ],
            "actuator": [self.bin / "mailhub_actuator", f"--config.file={config}/actuator.yml"],
            "alertmanager": [
                programs.find("alertmanager"),
                f"--config.file={config}/alertmanager.yml",
                f"--storage.path={state}/alertmanager",
                "--cluster.listen-address=",
                "--web.listen-address=127.0.0.1:19093",
            ],
            "prometheus": [
                programs.find("prometheus"),
                f"--config.file={config}/prometheus.yml",
                f"--storage.tsdb.path={state}/prometheus",
                "--web.listen-address=127.0.0.1:19090",
            ],
        }[name]

    def start(self, name, prefix=()):
        if answers(READY[name]):
            raise layout.LabError(f"something answers at {READY[name]} already; end it first")
        with open(LOGS / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [*prefix, *map(str, self.command(name))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        layout.write_file(layout.STATE / f"{name}.pid", f"{self.processes[name].pid}\n")

    def await_ready(self, name, seconds=90):
        def ready():
            code = self.processes[name].poll()
            if code is not None:
                tail = (LOGS / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-1500:]
                raise layout.LabError(f"{name} exited {code}:\n{tail}")
            return answers(READY[name])

        layout.wait_until(f"{name} to be ready", ready, seconds)

    def stop(self, name, how=signal.SIGTERM, seconds=15):
        process = self.processes.pop(name)
        if process.poll() is None:
            os.kill(process.pid, how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise layout.LabError(f"{name} did not end within {seconds} s") from None

    def kill(self, name):
        """Like a crash."""
        self.stop(name, signal.SIGKILL)

    def leave_running(self):
        """Forgets the processes without ending them; their pids stay in files."""
        self.processes.clear()


def stop_left_running():
    """Ends processes that an earlier `leave_running` (or a killed demo) left, by their recorded pids."""
    for name in READY:
        file = layout.STATE / f"{name}.pid"
        try:
            pid = int(file.read_text(encoding="utf-8"))
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError):
            continue
        if "mailhub" in command and layout.process_alive(pid):
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 15
            while layout.process_alive(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
        file.unlink(missing_ok=True)
