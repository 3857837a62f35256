"""What tests and benches of real programs share: start and end them, find a port, wait for a condition, count processor time."""

import ctypes
import os
import signal
import socket
import subprocess
import time

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_TICK = os.sysconf("SC_CLK_TCK")


def start(words, **options):
    """Starts a program that is ended when this one ends, however that ends."""
    return subprocess.Popen([str(word) for word in words], preexec_fn=lambda: _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
                            **options)


def spawn(words, log, **options):
    """The same, with its output at the end of the file `log` and nothing to read."""
    with open(log, "ab") as file:
        return start(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, **options)


def end(process, seconds=20):
    """Ends a child and returns its exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def accepts(port, address="127.0.0.1"):
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def until(what, condition, seconds=30, every=0.05, failure=AssertionError):
    """Waits until the condition is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise failure(f"waited {seconds:g} s in vain for {what}")
        time.sleep(every)


def parent_and_cpu_seconds(pid):
    """Its parent; processor seconds of it, and of the children that it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return int(words[1]), sum(map(int, words[11:15])) / _TICK


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]
