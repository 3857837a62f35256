"""What every bench needs: CPU seconds of process trees, the machine, one table; and the kit of the tests."""

import os
import pathlib
import platform
import sys
import time

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

from kit.programs import accepts, end, free_port, parent_and_cpu_seconds, percentile, start, until  # noqa: E402, F401


def cpu_seconds(pid):
    """CPU seconds so far of a process and the children it has waited for."""
    return parent_and_cpu_seconds(pid)[1]


def tree_cpu_seconds(root):
    """CPU seconds so far of a process and all processes below it, dead or alive; and the number of live ones."""
    children, seconds = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent, seconds[int(name)] = parent_and_cpu_seconds(name)
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
