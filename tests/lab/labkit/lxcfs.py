"""lxcfs gives each host its own /proc/stat. The lab runs its own instance beside the machine's."""

import os
import subprocess

from . import cgroups, layout
from .layout import run

MOUNT = layout.RUN / "lxcfs"


def mounts():
    """The mount points of this lxcfs, once for each mount (a dead one may be stacked)."""
    with open("/proc/self/mounts", encoding="utf-8") as table:
        return [line.split()[1] for line in table if line.split()[1] == str(MOUNT)]


def serving():
    try:
        with open(MOUNT / "proc" / "stat", encoding="utf-8") as stat:
            return stat.readline().startswith("cpu ")
    except OSError:
        return False


def up():
    if serving():
        return
    down()
    MOUNT.mkdir(parents=True, exist_ok=True)
    with open(layout.STATE / "lxcfs.log", "ab") as log:
        subprocess.Popen(
            ["lxcfs", "--enable-cfs", "-f", "-p", str(layout.RUN / "lxcfs.pid"), str(MOUNT)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: cgroups.enter("lxcfs"),
            env={"PATH": os.environ["PATH"]},
        )
    layout.wait_until("lxcfs to serve /proc/stat", serving, 10)


def down():
    """Unmounts; the process itself is in the lab's groups and ends with them."""
    for _ in mounts():
        run("umount", "-l", MOUNT, check=False)
