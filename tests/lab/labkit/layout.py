"""Common names, places and small helpers of the lab."""

import fcntl
import json
import os
import pathlib
import subprocess
import sys

LAB_DIR = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(1, str(LAB_DIR.parent))

from kit.programs import until  # noqa: E402

CACHE = pathlib.Path("/var/cache/mailhub")
STATE = pathlib.Path("/var/lib/mailhub-lab")
RUN = pathlib.Path("/run/mailhub-lab")

CONFIG = STATE / "config"  # files for exporter, actuator and Prometheus
CONTROL = STATE / "control"  # knobs and faults; bound read-only into every host as /etc/lab
EVIDENCE = STATE / "evidence"  # the stand-ins' reports; never bound into a host
KNOBS = STATE / "knobs.json"  # a link into CONTROL, so that people find it

BRIDGE = "mhlab0"
BRIDGE_ADDRESS = "10.231.77.1/24"
CGROUP = "mailhub-lab"

# Host name -> address and kind. The order is the order of `lab status`.
ADDRESSES = {
    "x500": "10.231.77.10",
    "mailhub1": "10.231.77.11",
    "mailhub2": "10.231.77.12",
    "mailhub3": "10.231.77.13",
    "cvshost": "10.231.77.20",
    "ex2k10-365a": "10.231.77.30",
}
HOSTS = list(ADDRESSES)
MAILHUBS = [name for name in HOSTS if name.startswith("mailhub")]
WINDOWS = {"ex2k10-365a"}
DIRECTORY = (ADDRESSES["x500"], 17003)

# A living and a deleted alias, to ask for by SMTP before and after a rebuild.
LIVING_ALIAS = "alice.adams@qub.test"
DELETED_ALIAS = "gone.person@qub.test"


class LabError(Exception):
    """An error for the person at the terminal; printed as one line."""


def say(text):
    print(f"lab: {text}", flush=True)


def warn(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def host_state(host):
    return STATE / "hosts" / host


def run(*argv, check=True, timeout=60, **options):
    """Runs a command quietly and returns it with its output; failure names the command."""
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    done = subprocess.run(
        [str(a) for a in argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
        **options,
    )
    if check and done.returncode != 0:
        words = " ".join(str(a) for a in argv)
        raise LabError(
            f"`{words}` exited {done.returncode}: {(done.stderr or done.stdout).strip()[-800:]}"
        )
    return done


def wait_until(what, condition, seconds, every=0.05):
    """Waits until condition() is true; raises LabError naming `what` when the time is up."""
    return until(what, condition, seconds, every, failure=LabError)


def write_file(path, text, mode=0o644):
    """Writes a whole file by rename, so that a reader sees the old or the new one."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "w", encoding="utf-8") as out:
        out.write(text)
        os.fchmod(out.fileno(), mode)
    os.replace(temporary, path)


def read_json(path, default=None):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return default


def process_alive(pid):
    """Whether a process (not a zombie) has this pid."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Lock:
    """One `up` or `down` at a time on this machine; released when the process ends."""

    def __init__(self, name="lab"):
        STATE.mkdir(parents=True, exist_ok=True)
        self._file = open(STATE / f".{name}.lock", "w", encoding="utf-8")

    def __enter__(self):
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *unused):
        self._file.close()
