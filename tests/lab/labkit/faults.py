"""All faults that the lab can make. Each is written into the evidence before it is made."""

import json
import os
import pathlib
import signal
import time

from . import cgroups, evidence, hostfiles, identity, knobs, layout, network, seed, site
from .layout import LabError, say

USAGE = """\
  knob NAME=VALUE ...           change settings (`lab knobs` lists them); `knob reset`: defaults
  leak                          the directory leaks past 500 MB within ten seconds
  stale-tables HOST [HOURS]     its table is that old (default 2160 h) and lists the deleted again
  half-loaded                   the directory serves the first half of its entries, until cleared
  kill-thread HOST THREAD       a thread of qubRA (x500) or openRA (cvshost) ends by itself
  kill-qubra                    qubRA is killed
  kill-eddy [root]              the directory's main (or root) process is killed
  deltas N                      a backlog of N delta files
  host-key HOST                 the host answers with a key that known_hosts does not list
  net-down HOST | net-up HOST   pull the host's cable, put it back
  service HOST NAME STATE       Windows: running, stopped, start_pending, stop_pending, paused
  clear [half-loaded|host-key HOST]  take a lasting fault back; without a name: all of them
"""


def _note(host, name, *details):
    event = {
        "time": round(time.time(), 6),
        "host": host,
        "program": "lab",
        "event": "fault",
        "fault": name,
        "details": list(details),
    }
    with open(evidence.path(host), "a", encoding="utf-8") as out:
        out.write(json.dumps(event, separators=(",", ":")) + "\n")


def _host(name, among=layout.HOSTS):
    if name not in among:
        raise LabError(f"`{name}` is none of: {', '.join(among)}")
    return name


def knob(*assignments):
    if not assignments:
        raise LabError("knob NAME=VALUE")
    knobs.set_all(assignments)


def leak():
    _note("x500", "leak")
    knobs.set_fault("leak", knobs.fault("leak") + 1)


def stale_tables(host, hours="2160"):
    _note(_host(host, layout.MAILHUBS), "stale-tables", hours)
    seed.restore_table(host)
    old = time.time() - float(hours) * 3600
    os.utime(hostfiles.persist_dir(host, "home-exim") / "tables" / "aliases", (old, old))


def half_loaded():
    _note("x500", "half-loaded")
    knobs.set_fault("half_loaded", 1)


def kill_thread(host, thread):
    program = {"x500": "qubRA", "cvshost": "openRA"}[_host(host, ["x500", "cvshost"])]
    _note(host, "kill-thread", thread)
    site.exec_in(host, "/opt/qub/bin/ractl", program, "die", thread)


def _kill(host, name, matches):
    _note(host, name)
    killed = 0
    for pid in cgroups.processes(host):
        try:
            words = (
                pathlib.Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .decode("utf-8", "replace")
                .split("\0")
            )
        except OSError:
            continue
        if matches(words):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    if not killed:
        raise LabError(f"nothing to kill on {host}")


def kill_qubra():
    _kill("x500", "kill-qubra", lambda words: words[0] == "/opt/qub/sbin/qubRA")


def kill_eddy(which="main"):
    _kill(
        "x500",
        f"kill-eddy {which}",
        lambda words: words[0] == "/opt/isode/sbin/isode.eddy"
        and ("-D" in words) == (which == "root"),
    )


def deltas(count):
    _note("x500", "deltas", count)
    spool = hostfiles.persist_dir("x500", "spool") / "deltas"
    now = int(time.time() * 1e6)
    for number in range(int(count)):
        (spool / f"{now}-fault{number:05d}.delta").write_text("modify student\n", encoding="utf-8")


def host_key(host):
    _note(_host(host), "host-key")
    identity.swap_host_key(host)
    site.exec_in(host, "systemctl", "restart", "ssh")


def net_down(host):
    _note(_host(host), "net-down")
    network.unplug(host)


def net_up(host):
    _note(_host(host), "net-up")
    network.plug(host)


def service(host, name, state):
    if state not in seed.WINDOWS_STATES:
        raise LabError(f"`{state}` is none of: {', '.join(seed.WINDOWS_STATES)}")
    _note(_host(host, sorted(layout.WINDOWS)), "service", name, state)
    seed.set_service(name, state)


def clear(name="all", *hosts):
    if name not in ("all", "half-loaded", "host-key"):
        raise LabError("clear takes half-loaded, host-key HOST or nothing")
    if name in ("all", "half-loaded"):
        _note("x500", "clear half-loaded")
        knobs.set_fault("half_loaded", 0)
    if name in ("all", "host-key"):
        for host in hosts or layout.HOSTS:
            if identity.restore_host_key(_host(host)):
                _note(host, "clear host-key")
                site.exec_in(host, "systemctl", "restart", "ssh", check=False)
    if name == "all":
        seed.set_service("MailboxCreation", "running")
        for host in layout.HOSTS:
            if network.cable(host) in network.links():
                network.plug(host)


FAULTS = {
    function.__name__.replace("_", "-"): function
    for function in (
        knob,
        leak,
        stale_tables,
        half_loaded,
        kill_thread,
        kill_qubra,
        kill_eddy,
        deltas,
        host_key,
        net_down,
        net_up,
        service,
        clear,
    )
}


def run(name, arguments):
    try:
        FAULTS[name](*arguments)
    except TypeError as error:
        raise LabError(f"fault {name}: {error}\n{USAGE}") from None
    say(f"fault {name} {' '.join(arguments)}".rstrip())
