#!/usr/bin/env python3
"""The shipped runbooks at production pace beside a script over ssh, on the lab: outage of the directory, and time."""

import argparse
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent.parent / "tests" / "lab"))

import measure  # noqa: E402
from labkit import evidence, identity, knobs, layout, stack, watch  # noqa: E402

TARGET = "mailhub2"
QUIET = 0.9
LONGEST_S = 900


class Outage:
    """Connects to the directory's port every 100 ms; afterwards `seconds` is the longest time without an answer."""

    def __enter__(self):
        self._looks, self._over = [], threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.1):
            at = time.time()
            try:
                socket.create_connection(layout.DIRECTORY, timeout=1).close()
                self._looks.append((at, True))
            except OSError:
                self._looks.append((at, False))

    def seconds(self):
        longest, down_since = 0.0, None
        for at, answers in self._looks:
            if not answers:
                down_since = down_since or at
            elif down_since:
                longest, down_since = max(longest, at - down_since), None
        if down_since or longest == 0:
            raise RuntimeError("the directory was never down, or did not come back")
        return longest


class Production(stack.Stack):
    """The lab's programs with the production files' pace. No alert starts a run."""

    def configure(self):
        super().configure()
        config = layout.CONFIG
        shipped = (stack.PROJECT / "rules" / "prometheus.yml").read_text(encoding="utf-8")
        shipped = re.sub(r"(?ms)^rule_files:\n.*?\n\n", "rule_files: [rules/general/*.yml, rules/university/*.yml]\n\n", shipped)
        layout.write_file(config / "prometheus.yml", shipped)
        example = (stack.PROJECT / "actuator" / "actuator.example.yml").read_text(encoding="utf-8")
        lab = (config / "actuator.yml").read_text(encoding="utf-8").split("\ntriggers:")[0]
        poll = re.search(r"(?ms)^poll:\n.*", example)[0]
        layout.write_file(config / "actuator.yml", re.sub(r"(?m)^poll: .*$", lambda _: poll, lab))


def busy_seconds(spans):
    """The seconds within the spans in which x500's sampler shows less than QUIET idle."""
    samples = evidence.read("x500", min(begin for begin, _ in spans) - 1, cpu=True)
    busy, last = 0.0, None
    for sample in samples:
        if last is None:
            last = sample
        if sample["time"] - last["time"] < 1:
            continue
        total = sample["total_ticks"] - last["total_ticks"]
        if total > 0 and (sample["idle_ticks"] - last["idle_ticks"]) / total < QUIET:
            busy += sum(max(0.0, min(end, sample["time"]) - max(begin, last["time"])) for begin, end in spans)
        last = sample
    return busy


def measured(begin, end, down_s):
    """Outage, whole time, job, busy time outside the job, and what is left."""
    jobs = [tuple(watch.times(TARGET, begin, end, program="rebuild", event=event)) for event in ("begin", "end")]
    if jobs[0]:
        job_begin, job_end = jobs[0][0], jobs[1][0]
        spans = [(begin, job_begin), (job_end, end)]
        job = job_end - job_begin
    else:
        spans, job = [(begin, end)], 0.0
    busy = busy_seconds(spans)
    return [down_s, end - begin, job, busy, end - begin - job - busy]


def run_shipped(programs, runbook, **parameters):
    with Outage() as outage:
        status, text = stack.post("/api/v1/runs", {"runbook": runbook, "reason": "bench", "parameters": parameters},
                                  programs.token)
        if status not in (200, 201, 202):
            raise RuntimeError(f"{runbook}: {status} {text}")
        started = time.time() - 1
        run = watch.await_state(watch.await_run(runbook, started), ["finished"], LONGEST_S)
    if run["result"] != "succeeded":
        raise RuntimeError(f"{runbook}: {run['result']}, {run['resultDetail']}")
    slow = sorted(((step["elapsedSeconds"] or 0, step["name"]) for step in run["steps"]), reverse=True)[:6]
    print(f"  {runbook}: longest steps: " + ", ".join(f"{name} {seconds:.1f} s" for seconds, name in slow))
    return measured(*watch.span(run), outage.seconds())


def run_script(on, *words):
    begin = time.time()
    with Outage() as outage:
        subprocess.run([HERE / "by_hand.sh", *words], check=True, timeout=LONGEST_S, stdout=subprocess.DEVNULL,
                       env={**os.environ, "ON": str(on)})
    return measured(begin, time.time(), outage.seconds())


def write_on(folder):
    """A program that runs a command on a host of the lab."""
    on = pathlib.Path(folder) / "on"
    cases = " ".join(f"{host}) address={address};;" for host, address in layout.ADDRESSES.items())
    on.write_text(f"""#!/bin/sh
case $1 in {cases} esac
exec ssh -F /dev/null -n -i {identity.client_key("actuator")} -o BatchMode=yes -o IdentitiesOnly=yes \\
  -o UserKnownHostsFile={identity.known_hosts()} root@$address "$2"
""", encoding="utf-8")
    on.chmod(on.stat().st_mode | stat.S_IXUSR)
    return on


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    print(measure.describe_machine())
    stack.stop_left_running()
    lab = layout.LAB_DIR / "lab"
    subprocess.run([lab, "down", "--wipe"], check=True, timeout=60)
    subprocess.run([lab, "up"], check=True, timeout=400)
    try:
        knobs.set_all(["reset", "qubra_crash=0"])
        with Production(build) as programs, tempfile.TemporaryDirectory() as folder:
            on = write_on(folder)
            rows = [
                ["restart, runbook", *run_shipped(programs, "directory-restart")],
                ["restart, script", *run_script(on, "restart")],
                ["rebuild, runbook", *run_shipped(programs, "mailhub-rebuild", mailhub=TARGET)],
                ["rebuild, script", *run_script(on, "rebuild", TARGET)],
            ]
    finally:
        subprocess.run([lab, "down"], check=True, timeout=60)
    measure.print_table(["seconds", "longest outage", "whole", "job", "busy beside it", "less both"],
                        [[row[0], *(f"{value:.1f}" for value in row[1:])] for row in rows])
    for row, most_down, most_left in ((rows[0], 5, 60), (rows[2], 5, 180)):
        print(f"{row[0]}: outage {row[1]:.1f} s, promised <= {most_down}: {'yes' if row[1] <= most_down else 'NO'};"
              f" less job and busy {row[5]:.1f} s, promised <= {most_left}: {'yes' if row[5] <= most_left else 'NO'}")


if __name__ == "__main__":
    main()
