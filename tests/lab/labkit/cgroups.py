"""One control group per host in every hierarchy the machine has.

lxcfs computes a host's CPU values from its cpuacct group over the CPUs of its cpuset group, so
each host needs its own of both. `lab down` also uses these groups to find every process of the
lab.
"""

import os
import pathlib
import signal

from . import layout

ROOT = pathlib.Path("/sys/fs/cgroup")
# `systemd` and `unified` keep the hosts' own unit trees apart; lxcfs reads the others.
WANTED = ["cpu", "cpuacct", "memory", "cpuset", "systemd", "unified", "pids"]
# The directory server answers promptly while the machine compiles: weights, not reservations.
SHARES = {"": 4096, "x500": 2048}


def hierarchies():
    """The machine's hierarchies, each once even if controllers are mounted together."""
    found = {}
    for name in WANTED:
        directory = ROOT / name
        if (directory / "cgroup.procs").exists():
            found.setdefault(directory.resolve(), name)
    return list(found)


def make(name=""):
    """Makes the lab's own group, and in it `name`'s; returns that group's directory per
    hierarchy."""
    made = []
    for hierarchy in hierarchies():
        parts = [hierarchy / layout.CGROUP]
        if name:
            parts.append(parts[0] / name)
        for directory in parts:
            directory.mkdir(exist_ok=True)
            _inherit_cpus(directory)
        shares = parts[-1] / "cpu.shares"
        if shares.exists():
            shares.write_text(str(SHARES.get(name, 1024)))
        made.append(parts[-1])
    return made


def _inherit_cpus(directory):
    for item in ("cpuset.cpus", "cpuset.mems"):
        own = directory / item
        if own.exists() and not own.read_text().strip():
            own.write_text((directory.parent / item).read_text())


def enter(name):
    """Moves the calling process into `name`'s groups."""
    for directory in make(name):
        (directory / "cgroup.procs").write_text(str(os.getpid()))


def processes(name=""):
    """Every process in the lab's groups, or in one host's."""
    pids = set()
    for hierarchy in hierarchies():
        top = hierarchy / layout.CGROUP / name if name else hierarchy / layout.CGROUP
        for directory, _, files in os.walk(top):
            if "cgroup.procs" in files:
                try:
                    pids.update(
                        int(p) for p in pathlib.Path(directory, "cgroup.procs").read_text().split()
                    )
                except OSError:
                    pass
    pids.discard(0)
    pids.discard(os.getpid())
    return pids


def kill(name=""):
    """Ends every process in the groups; waits until none is left."""

    def nothing_left():
        pids = processes(name)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not pids

    layout.wait_until(f"the processes of {name or 'the lab'} to end", nothing_left, 20)


def remove(name=""):
    """Removes the groups, deepest first. They must be empty."""
    for hierarchy in hierarchies():
        top = hierarchy / layout.CGROUP / name if name else hierarchy / layout.CGROUP
        for directory, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                pass


def left_over():
    return [str(h / layout.CGROUP) for h in hierarchies() if (h / layout.CGROUP).exists()]
