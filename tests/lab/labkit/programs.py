"""Selects the Prometheus and Alertmanager of the lab: those on PATH, or those that MAILHUB_STACK names.

Why: the site must work with people's stacks. MAILHUB_STACK is a stack of scripts/other-stacks.sh (trixie,
forky) or a folder with the programs. These may be scripts that start the program with its own loader, but
only with `exec`: the lab ends its processes by pid.
"""

import os
import pathlib
import shutil
import subprocess

from . import layout

STACKS = pathlib.Path(os.environ.get("MAILHUB_STACKS", layout.CACHE / "stacks"))
# Debian's name for Alertmanager's program differs from its authors' name.
NAMES = {"prometheus": ("prometheus",), "alertmanager": ("prometheus-alertmanager", "alertmanager")}


def folder(stack):
    """The folder of a stack's programs; None stands for PATH."""
    if not stack:
        return None
    found = pathlib.Path(stack) if "/" in stack else STACKS / stack / "bin"
    if not found.is_dir():
        raise layout.LabError(
            f"MAILHUB_STACK={stack}: there is no folder {found}; scripts/other-stacks.sh fetches trixie and forky,"
            " anything else is a path with a / in it"
        )
    return found.resolve()


def find(name, stack=None):
    """The path of `prometheus` or `alertmanager`."""
    stack = os.environ.get("MAILHUB_STACK", "") if stack is None else stack
    where = folder(stack)
    for candidate in NAMES[name]:
        found = shutil.which(candidate, path=where)
        if found:
            return found
    raise layout.LabError(f"no program {' or '.join(NAMES[name])} in {where or 'PATH'}")


def version(name, stack=None):
    """In the program's own form: "3.5.3+ds1"."""
    done = subprocess.run([find(name, stack), "--version"], capture_output=True, text=True, check=False, timeout=30)
    words = (done.stdout + done.stderr).split()
    if done.returncode != 0 or "version" not in words[:-1]:
        raise layout.LabError(f"{find(name, stack)} --version exited {done.returncode}: {' '.join(words[:30])}")
    return words[words.index("version") + 1]


def describe():
    return f"Prometheus {version('prometheus')}, Alertmanager {version('alertmanager')}"
