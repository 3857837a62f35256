"""The whole site: up, down, and its state."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from . import (
    base,
    boot,
    cgroups,
    hostfiles,
    identity,
    keeper,
    knobs,
    layout,
    lxcfs,
    network,
    seed,
    standins,
)
from .layout import LabError, host_state, read_json, run, say, wait_until, warn

BOOT_SECONDS = 90


def status():
    """The keeper's last published state of each host; nothing without a keeper."""
    return read_json(keeper.HOSTS, {}) if keeper.running_pid() else {}


def leader(host):
    """The pid of a running host's PID 1."""
    found = status().get(host, {}).get("leader")
    if not found or not layout.process_alive(found):
        raise LabError(f"{host} is not running")
    return found


def exec_in(host, *command, check=True, timeout=60):
    """Runs a command in a host, from the machine, accounted to that host's CPU."""
    argv = boot.inside(leader(host), *command)
    return run(*argv, check=check, timeout=timeout, preexec_fn=lambda: cgroups.enter(host))


def up(hosts, assignments):
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network, mounts and control groups")
    with layout.Lock():
        begun = time.monotonic()
        _forget_the_dead()
        base.ensure()
        programs = standins.ensure()
        _prepare(assignments)
        ready = time.monotonic()
        _start_keeper(hosts, programs)
        for host in hosts:
            if identity.restore_host_key(host):
                exec_in(host, "systemctl", "restart", "ssh", check=False)
        with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
            for _ in pool.map(_wait_for_host, hosts):
                pass
        if "x500" in hosts:
            wait_until("the directory to serve", directory_serves, 30)
            for host in set(hosts) & set(layout.MAILHUBS):
                _bring_regclient(host)
        say(
            f"up: {', '.join(hosts)}; booted in {time.monotonic() - ready:.1f} s"
            f" ({ready - begun:.1f} s of preparation)"
        )


def _remains():
    """The lab's remains on the machine: processes, mounts, links, control groups."""
    return [
        *(f"process {pid}" for pid in sorted(cgroups.processes())),
        *lxcfs.mounts(),
        *network.links(),
        *cgroups.left_over(),
    ]


def _forget_the_dead():
    """Without its killed keeper, hosts cannot be booted again: they are cleared away."""
    if keeper.running_pid() is None:
        if _remains():
            say("clearing away what an earlier lab left")
        _clear()


def _prepare(assignments):
    for directory in (layout.STATE, layout.RUN, layout.CONFIG, layout.CONTROL, layout.EVIDENCE):
        directory.mkdir(parents=True, exist_ok=True)
    layout.EVIDENCE.chmod(0o700)
    knobs.ensure()
    knobs.set_all(assignments)
    identity.ensure()
    seed.ensure()
    cgroups.make()
    lxcfs.up()
    network.up()


def _start_keeper(hosts, programs):
    wanted = read_json(keeper.WANTED, {"hosts": []}) if keeper.running_pid() else {"hosts": []}
    if wanted.get("standins", str(programs)) != str(programs):
        say("the stand-ins' sources changed: a running host takes them at its next boot")
    names = [h for h in layout.HOSTS if h in set(wanted["hosts"]) | set(hosts)]
    layout.write_file(keeper.WANTED, json.dumps({"hosts": names, "standins": str(programs)}))
    if keeper.running_pid() is None:
        keeper.HOSTS.unlink(missing_ok=True)
        with open(layout.STATE / "keeper.log", "ab") as log:
            subprocess.Popen(
                ["/usr/bin/python3", "-m", "labkit.keeper"],
                cwd=layout.LAB_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: cgroups.enter("keeper"),
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        wait_until("the lab's keeper to start", keeper.running_pid, 10)
    for host in hosts:
        if status().get(host, {}).get("state") == "halted":
            keeper.REQUESTS.mkdir(exist_ok=True)
            (keeper.REQUESTS / f"{host}.reset").touch()


def answers(host):
    """Whether sshd accepts a connection at all; cheaper than a whole login."""
    try:
        with socket.create_connection((layout.ADDRESSES[host], 22), timeout=1) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for_host(host):
    def up_or_dead():
        state = status().get(host, {}).get("state")
        if state == "halted":
            raise LabError(f"{host} does not boot; see {host_state(host) / 'console.log'}")
        return state == "running" and answers(host)

    wait_until(f"{host} to answer on port 22", up_or_dead, BOOT_SECONDS)
    command = "sc query MailboxCreation" if host in layout.WINDOWS else "true"
    for key in identity.CLIENTS:
        identity.ssh(host, command, key=key)


def directory_serves():
    try:
        with socket.create_connection(layout.DIRECTORY, timeout=1) as probe:
            probe.sendall(b"PING\n")
            return probe.recv(8) == b"PONG\n"
    except OSError:
        return False


def _bring_regclient(host):
    """A hub may have booted before the directory did."""

    def settled():
        state = exec_in(host, "systemctl", "is-active", "regclient", check=False).stdout.strip()
        return state if state != "activating" else None

    if wait_until(f"regclient on {host}", settled, 30) == "failed":
        exec_in(host, "systemctl", "start", "regclient")


def down(wipe=False):
    with layout.Lock():
        pid = keeper.running_pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            try:
                wait_until("the keeper to end", lambda: not layout.process_alive(pid), 15)
            except LabError as error:
                warn(f"{error}; killing it")
        _clear()
        left = _remains()
        if left:
            raise LabError(f"could not remove: {' '.join(left)}")
        if wipe:
            for name in ("hosts", "config", "control", "evidence"):
                shutil.rmtree(layout.STATE / name, ignore_errors=True)
            layout.KNOBS.unlink(missing_ok=True)
        say("down" + (", state removed" if wipe else ""))


def _clear():
    cgroups.kill()
    lxcfs.down()
    network.down()
    cgroups.remove()
    for host in layout.HOSTS:
        for place in ("propagate", "unix-export", "inaccessible"):
            shutil.rmtree(f"/run/systemd/nspawn/{place}/{host}", ignore_errors=True)
    shutil.rmtree(layout.RUN, ignore_errors=True)


def reboot(host, hard=False):
    """Reboots a host and waits until it answers again; `hard` cuts its power."""
    before = status().get(host, {}).get("boots", 0)
    pid = leader(host)
    begun = time.monotonic()
    if hard:
        (keeper.REQUESTS / f"{host}.reset").touch()
    else:
        os.kill(pid, signal.SIGRTMIN + 5)
    wait_until(f"{host} to boot again", lambda: status().get(host, {}).get("boots", 0) > before, 60)
    _wait_for_host(host)
    say(f"{host} is back after {time.monotonic() - begun:.1f} s")


def print_status():
    hosts = status()
    if not hosts:
        say(
            "half there: its keeper is gone; `lab up` or `lab down` clears it away"
            if _remains()
            else "down"
        )
        return 1
    print(f"{'host':12} {'address':14} {'state':8} {'boots':>5}  {'ssh':3}  details")
    for name, address in layout.ADDRESSES.items():
        host = hosts.get(name, {})
        running = host.get("state") == "running"
        detail = _details(name) if running else ""
        print(
            f"{name:12} {address:14} {host.get('state', 'off'):8} {host.get('boots', 0):5}  "
            f"{'yes' if running and answers(name) else 'no':3}  {detail}"
        )
    print(
        f"\nsite file     {layout.CONFIG / 'site.yml'}\nevidence      {layout.EVIDENCE}"
        f"\nknobs         {layout.KNOBS}"
    )
    print(
        f"living alias  {layout.LIVING_ALIAS}\ndeleted alias {layout.DELETED_ALIAS}"
        " (routes until a hub's tables are rebuilt)"
    )
    changed = {
        name: value
        for name, value in read_json(knobs.path(), {}).items()
        if value != knobs.KNOBS[name][0]
    }
    print(f"knobs changed {changed or 'none'}\nfaults        {_active_faults() or 'none'}")
    return 0


def _active_faults():
    return [name for name in ("half_loaded",) if knobs.fault(name)]


def _details(host):
    """One line about the host's purpose, seen from the machine."""
    if host == "x500":
        sizes = {}
        for pid in cgroups.processes(host):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                resident = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
            except OSError:
                continue
            if words[0].endswith(b"isode.eddy"):
                sizes["root" if b"-D" in words else "main"] = int(resident) * 4096 // (1 << 20)
        deltas = len(list((hostfiles.persist_dir(host, "spool") / "deltas").glob("*")))
        eddy = (
            ", ".join(f"{name} {size} MB" for name, size in sorted(sizes.items())) or "not running"
        )
        return f"eddy: {eddy}; deltas: {deltas}"
    if host in layout.MAILHUBS:
        table = hostfiles.persist_dir(host, "home-exim") / "tables" / "aliases"
        age = (time.time() - table.stat().st_mtime) / 3600
        with open(table, encoding="utf-8") as lines:
            count = sum(1 for _ in lines)
        state = exec_in(host, "systemctl", "is-active", "regclient", check=False).stdout.strip()
        return f"regclient {state}; {count} aliases, {age:.1f} h old"
    if host in layout.WINDOWS:
        return "; ".join(
            line.split()[0] + (" running" if line.split()[1] == "4" else " not running")
            for line in seed.services_path().read_text(encoding="utf-8").splitlines()
        )
    return (
        exec_in(host, "/opt/qub/bin/ractl", "openRA", "status", check=False)
        .stdout.strip()
        .replace("\n", "; ")
    )


def interactive(host, command):
    """Replaces this process by a command in the host, with the caller's terminal."""
    argv = boot.inside(leader(host), *command)
    cgroups.enter(host)
    sys.stdout.flush()
    os.execvp(argv[0], argv)
