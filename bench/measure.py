"""Common parts of the benches: processes that end with it, CPU seconds from /proc, percentiles, one table."""

import ctypes
import os
import platform
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def start(argv, **kwargs):
    """Starts a process that is killed at any end of this one."""
    libc = ctypes.CDLL(None)

    def die_with_parent():
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    return subprocess.Popen([str(word) for word in argv], preexec_fn=die_with_parent, **kwargs)


def stop(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.01)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stat(pid):
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return int(words[1]), sum(int(word) for word in words[11:15]) / TICK  # parent; user and system, reaped children's too


def cpu_seconds(pid):
    """CPU seconds so far of a process and the children it has waited for."""
    return _stat(pid)[1]


def tree_cpu_seconds(root):
    """CPU seconds so far of a process and all processes below it, dead or alive; and the number of live ones."""
    children, seconds = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent, seconds[int(name)] = _stat(name)
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(name))
    total, todo, alive = 0.0, [root], 0
    while todo:
        pid = todo.pop()
        total += seconds.get(pid, 0)
        alive += 1
        todo += children.get(pid, [])
    return total, alive


def wait_until_idle(pid, seconds=60):
    """Until a process and its children use less than 2 % of a core, so that their remaining work does not fall into
    another's turn."""
    deadline = time.monotonic() + seconds
    while True:
        before = tree_cpu_seconds(pid)[0]
        time.sleep(0.5)
        if tree_cpu_seconds(pid)[0] - before < 0.01:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} was still busy after {seconds} s")


def percentile(samples, percent):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def describe_machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(": ")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, load average at the start: {load}"


def print_table(head, rows):
    """Columns as wide as needed; the first left-aligned, numbers right-aligned."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
