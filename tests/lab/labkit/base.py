"""The tree all hosts share: a minimal Debian, made once and named by its recipe.

It is never changed after it is made; a host sees it through overlays. A changed recipe has
another digest and so another tree, and the old one may be deleted by hand.
"""

import hashlib
import json
import os
import shutil
import subprocess

from . import layout
from .layout import LabError, say

RECIPE = {
    "version": 2,
    "suite": "bookworm",
    "mirror": "http://deb.debian.org/debian",
    "variant": "minbase",
    "packages": [
        "systemd",
        "systemd-sysv",
        "openssh-server",
        "iproute2",
        "procps",
        "dbus",
        "exim4-daemon-light",
    ],
    # Units that a short-lived host does not need; each costs boot time or background load.
    "masked": [
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "e2scrub_reap.service",
        "fstrim.timer",
        "exim4-base.timer",
        "exim4.service",
        "systemd-logind.service",
        "getty.target",
        "console-getty.service",
        "systemd-networkd.service",
        "systemd-resolved.service",
        "systemd-timesyncd.service",
        "systemd-update-utmp.service",
        "systemd-update-utmp-runlevel.service",
        "systemd-journal-flush.service",
        "systemd-update-done.service",
        "systemd-sysctl.service",
        "systemd-firstboot.service",
        "sys-kernel-debug.mount",
        "sys-kernel-tracing.mount",
        "dev-hugepages.mount",
        "dev-mqueue.mount",
        "ldconfig.service",
    ],
}


def digest():
    return hashlib.sha256(json.dumps(RECIPE, sort_keys=True).encode()).hexdigest()[:12]


def path():
    return layout.CACHE / f"lab-base-{digest()}"


def ensure():
    """Returns the tree's path, making it first when it is missing (about a minute)."""
    tree = path()
    if tree.is_dir():
        return tree
    say(f"making the base tree {tree} (once; about a minute)")
    layout.CACHE.mkdir(parents=True, exist_ok=True)
    work = tree.with_name(f"{tree.name}.making-{os.getpid()}")
    try:
        _debootstrap(work)
        _finish(work)
        work.rename(tree)
    finally:
        if work.exists():
            shutil.rmtree(work, ignore_errors=True)
    return tree


def _debootstrap(work):
    log = layout.CACHE / "lab-base.log"
    argv = [
        "debootstrap",
        f"--variant={RECIPE['variant']}",
        f"--include={','.join(RECIPE['packages'])}",
        RECIPE["suite"],
        str(work),
        RECIPE["mirror"],
    ]
    with open(log, "wb") as out:
        code = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        ).returncode
    if code != 0:
        raise LabError(f"debootstrap exited {code}; see {log}")


def _finish(work):
    """Turns the package set into a host without an identity of its own."""
    for unit in RECIPE["masked"]:
        link = work / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    for key in (work / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (work / "etc/machine-id").write_text("", encoding="utf-8")
    (work / "etc/hostname").unlink(missing_ok=True)
    (work / "etc/motd").write_text("", encoding="utf-8")
    for archive in (work / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()
