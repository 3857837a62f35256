"""The lab's one resident process: boots the hosts, boots them again after a reboot, collects the
evidence.

`lab up` starts it and `lab down` ends it. It takes requests as files, so that a request outlives
either side:
  wanted.json          the hosts that shall run, and where the stand-ins are
  requests/HOST.reset  cut this host's power and boot it again
and publishes the hosts' state in hosts.json.
"""

import json
import os
import pathlib
import selectors
import signal
import sys
import time

from . import boot, cgroups, layout
from .collector import Collector

PID = layout.RUN / "keeper.pid"
WANTED = layout.RUN / "wanted.json"
HOSTS = layout.RUN / "hosts.json"
REQUESTS = layout.RUN / "requests"
REBOOT_EXIT = 133  # exit status of nspawn with --keep-unit when the host rebooted itself
FAST_DEATH_SECONDS = 2.0
MAX_FAST_DEATHS = 3
ORDERLY_STOP_SECONDS = 6.0


def running_pid():
    """The live keeper's pid, or None."""
    try:
        pid = int(PID.read_text())
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"labkit.keeper" in words and layout.process_alive(pid) else None


class Host:
    """One host's life across reboots."""

    def __init__(self, name):
        self.name = name
        self.process = None
        self.leader = None
        self.boots = 0
        self.started = 0.0
        self.fast_deaths = 0
        self.state = "off"

    def public(self):
        return {
            "state": self.state,
            "nspawn": self.process.pid if self.process else None,
            "leader": self.leader,
            "boots": self.boots,
            "since": self.started,
        }


class Keeper:
    """Owns the hosts' processes. One thread; every wait is in the selector."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.collector = Collector(self.selector)
        self.hosts = {name: Host(name) for name in layout.HOSTS}
        self.wanted = {"hosts": [], "standins": ""}
        self.published = None
        self.stopping = False

    def run(self):
        for name in layout.HOSTS:
            self.collector.listen(name)
        REQUESTS.mkdir(parents=True, exist_ok=True)
        PID.write_text(str(os.getpid()))
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        while not self.stopping:
            self.wanted = layout.read_json(WANTED, self.wanted)
            for host in self.hosts.values():
                self.tend(host)
            self.publish()
            self.collect(0.1)
        self.stop_all()

    def collect(self, seconds):
        """Receives the hosts' reports; waits at most this long for one."""
        for key, _ in self.selector.select(timeout=seconds):
            key.data()

    def tend(self, host):
        reset = REQUESTS / f"{host.name}.reset"
        if host.process is not None:
            if host.leader is None:
                host.leader = boot.leader(host.process.pid)
                if host.leader:
                    host.state = "running"
            if reset.exists():
                cgroups.kill(host.name)
            if host.process.poll() is not None:
                self.ended(host, host.process.returncode, reset)
        elif host.name in self.wanted["hosts"] and (host.state == "off" or reset.exists()):
            reset.unlink(missing_ok=True)
            self.start(host)

    def start(self, host):
        host.process = boot.start(host.name, pathlib.Path(self.wanted["standins"]))
        host.boots += 1
        host.started = time.time()
        host.state = "booting"
        self.note(host, "power_on", boots=host.boots)

    def ended(self, host, code, reset):
        """A reboot or a reset boots again; a host that switched itself off stays off until the next
        `up`."""
        lived = time.time() - host.started
        host.process = host.leader = None
        host.fast_deaths = host.fast_deaths + 1 if lived < FAST_DEATH_SECONDS else 0
        again = (code == REBOOT_EXIT or reset.exists()) and host.fast_deaths < MAX_FAST_DEATHS
        reset.unlink(missing_ok=True)
        self.note(host, "power_off", exit_code=code, lived_seconds=round(lived, 3))
        cgroups.kill(host.name)
        host.state = "off" if again else "halted"

    def note(self, host, event, **fields):
        self.collector.append(
            {
                "time": round(time.time(), 6),
                "host": host.name,
                "program": "keeper",
                "event": event,
                **fields,
            }
        )

    def publish(self):
        now = {name: host.public() for name, host in self.hosts.items()}
        if now != self.published:
            layout.write_file(HOSTS, json.dumps(now, indent=1))
            self.published = now

    def stop_all(self):
        """Asks every host to power off, collects their last reports, then cuts the power."""
        for host in self.hosts.values():
            if host.process and host.leader:
                try:
                    os.kill(host.leader, signal.SIGRTMIN + 4)
                except ProcessLookupError:
                    pass
        deadline = time.monotonic() + ORDERLY_STOP_SECONDS
        while time.monotonic() < deadline and any(
            h.process and h.process.poll() is None for h in self.hosts.values()
        ):
            self.collect(0.1)
        self.collect(0)
        for host in self.hosts.values():
            cgroups.kill(host.name)
        PID.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        Keeper().run()
    except Exception as error:  # only the log can report it
        print(f"keeper: {error!r}", file=sys.stderr, flush=True)
        raise
