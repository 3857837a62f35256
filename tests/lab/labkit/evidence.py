"""Reads the evidence, for people and for tests."""

import json
import sys
import time

from . import layout


def path(host, cpu=False):
    return layout.EVIDENCE / f"{host}{'.cpu' if cpu else ''}.jsonl"


def read(host, since=0.0, cpu=False, **wanted):
    """A host's events since a time, in the order they arrived; `wanted` are fields that must be
    equal."""
    events = []
    try:
        with open(path(host, cpu), encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if event.get("time", 0) >= since and all(
                    event.get(k) == v for k, v in wanted.items()
                ):
                    events.append(event)
    except FileNotFoundError:
        pass
    return events


def idle_ratio(host, begin, end):
    """The share of CPU time that was idle between two instants, from the samples nearest inside;
    None without two."""
    samples = [s for s in read(host, begin, cpu=True) if s["time"] <= end]
    if len(samples) < 2:
        return None
    total = samples[-1]["total_ticks"] - samples[0]["total_ticks"]
    return (samples[-1]["idle_ticks"] - samples[0]["idle_ticks"]) / total if total > 0 else None


def show(host, cpu, since, follow):
    file = path(host, cpu)
    file.touch()
    with open(file, encoding="utf-8") as lines:
        while True:
            line = lines.readline()
            if line:
                if json.loads(line).get("time", 0) >= since:
                    sys.stdout.write(line)
                    sys.stdout.flush()
            elif follow:
                time.sleep(0.1)
            else:
                return
