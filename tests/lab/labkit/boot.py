"""Starts one host: its layer over the base tree, in its own control groups and mount namespace."""

import pathlib
import shlex
import subprocess

from . import base, cgroups, hostfiles, layout, lxcfs
from .layout import host_state

# Every mount the lab makes for a host is made in a private namespace, and so ends with the host.
# `exec` keeps the process: the pid that the keeper started is nspawn's own.
SCRIPT = """
for group in {groups}; do echo $$ >"$group/cgroup.procs"; done
exec unshare --mount --propagation slave -- sh -c '
  mount -t overlay overlay -o ro,lowerdir="$1:$2" "$3" && shift 3 && exec "$@"
' sh {layer} {tree} {root} {nspawn}
"""


def socket_dir(host):
    """The host's own evidence socket: it identifies the sender."""
    return layout.RUN / "sockets" / host


def start(host, standins):
    """Boots the host and returns nspawn's process. The host must not be running."""
    hostfiles.ensure_persistent(host)
    if hostfiles.role(host) == "mailhub":
        hostfiles.install_rebuild(host, standins)
    layer = hostfiles.build_layer(host, standins)
    root = host_state(host) / "root"
    root.mkdir(parents=True, exist_ok=True)
    script = SCRIPT.format(
        groups=" ".join(shlex.quote(str(g)) for g in cgroups.make(host)),
        layer=shlex.quote(str(layer)),
        tree=shlex.quote(str(base.path())),
        root=shlex.quote(str(root)),
        nspawn=" ".join(shlex.quote(a) for a in nspawn(host, root)),
    )
    with open(host_state(host) / "console.log", "ab") as console:
        return subprocess.Popen(
            ["/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "linux"},
        )


def nspawn(host, root):
    argv = [
        "systemd-nspawn",
        "--quiet",
        "--volatile=overlay",
        f"--directory={root}",
        f"--machine={host}",
        "--register=no",
        "--keep-unit",
        f"--network-bridge={layout.BRIDGE}",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--settings=no",
        "--console=pipe",
        "--boot",
        f"--bind-ro={layout.CONTROL}:/etc/lab",
        f"--bind-ro={socket_dir(host)}:/run/lab-evidence",
        f"--bind={lxcfs.MOUNT}:/run/lxcfs",
    ]
    for name, (inside, _) in hostfiles.persistent(host).items():
        argv.append(f"--bind={hostfiles.persist_dir(host, name)}:{inside}")
    return argv


def leader(nspawn_pid):
    """The pid, on the machine, of the host's PID 1; None while there is none."""
    for children in pathlib.Path(f"/proc/{nspawn_pid}/task").glob("*/children"):
        try:
            pids = children.read_text().split()
        except OSError:
            continue
        for pid in pids:
            if _is_init(pid):
                return int(pid)
    return None


def _is_init(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                numbers = line.split()[1:]
                return len(numbers) > 1 and numbers[-1] == "1"
    except OSError:
        pass
    return False


def inside(host_leader, *command):
    """The argument list that runs a command in a host from the machine, without SSH."""
    return [
        "nsenter",
        "--target",
        str(host_leader),
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--wdns=/",
        "--",
        "/usr/bin/env",
        "-i",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "USER=root",
        "LANG=C.UTF-8",
        *command,
    ]
