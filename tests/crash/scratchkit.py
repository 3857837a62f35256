"""The tests' own service on the lab's hosts, and its log on each host's disk."""

import pathlib
import shutil

import crashkit  # makes labkit importable
from labkit import hostfiles, layout, site

FOLDER = pathlib.Path(__file__).resolve().parent / "scratch"
HOSTS = ["x500", *layout.MAILHUBS]
SCRIPT = "/usr/local/bin/scratch"
RUNNER = ("receipts", "leases", "swept", "fence", "id")


def _local(host, name):
    """A file below the host's /usr/local, which is on the machine."""
    return hostfiles.persist_dir(host, "local") / name


def _log(host):
    return _local(host, "share/scratch.log")


def _running(host):
    return _local(host, "share/scratch.running")


def go_on(host):
    """The file that gates and steps of the small runbooks wait for."""
    return _local(host, "share/go_on")


def install():
    """On fully booted hosts: before that, arming a short dead man may take too long."""
    for host in HOSTS:
        shutil.copy(FOLDER / "scratch", _local(host, "bin/scratch"))
        site.exec_in(host, "systemctl", "is-system-running", "--wait", check=False, timeout=120)


def reset(host):
    """Makes the host new: the service runs, and no journal is obeyed."""
    _log(host).write_text("", encoding="utf-8")
    _running(host).touch()
    go_on(host).unlink(missing_ok=True)
    layout.wait_until(f"the receipts on {host} to be gone", lambda: _forgets_receipts(host), 10)


def _forgets_receipts(host):
    """A command that has just ended may still write one."""
    for name in RUNNER:
        path = hostfiles.persist_dir(host, "runner") / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return not any((hostfiles.persist_dir(host, "runner") / name).exists() for name in RUNNER)


def by_hand(host, verb):
    """A person's action on the host itself; logged like any other."""
    site.exec_in(host, SCRIPT, verb)


def events(host):
    """The calls of the script: (time, words), in order."""
    lines = _log(host).read_text(encoding="utf-8").splitlines()
    return [(float(at), what) for at, what in (line.split(" ", 1) for line in lines)]


def story(host):
    """The calls alone."""
    return [what for _, what in events(host) if not what.endswith(" ended")]


def runs(host):
    return _running(host).exists()


def guarded(host, run):
    """Whether the host itself would restart the service, or is just doing so."""
    for lease in (hostfiles.persist_dir(host, "runner") / "leases").glob(f"{run}@*.lease"):
        try:
            lines = lease.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            continue
        if "state=armed" in lines or "state=restoring" in lines:
            return True
    return False
