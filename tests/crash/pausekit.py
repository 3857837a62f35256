"""Pauses of the actuator that are longer than its leases; what happens on the hosts meanwhile, by their own logs."""

import os
import signal
import time

from labkit import evidence, layout, stack, watch

PAUSE_S = 60
# What the rebuild is started with: two thirds of it remain after the last renewal, and a host looks every few seconds.
LEASE_S = 30
# A command that was sent before the pause may still begin on its host.
ON_ITS_WAY_S = 3
QUIET_S = 4


def begun(target, begin, end):
    """What the rebuild's commands began on the hosts in that time, in order: (time, host, program, event)."""
    wanted = [("x500", "S81eddy", "stop"), ("x500", "S81eddy", "start"), ("x500", "qubRA", "thread_stop"),
              ("x500", "qubRA", "thread_start"), (target, "rebuild", "begin"),
              *((host, "regclient", "start") for host in layout.MAILHUBS)]
    return sorted((at, *what) for what in wanted
                  for at in watch.times(what[0], begin, end, program=what[1], event=what[2]))


def is_down(target):
    """What a command has stopped at this moment: the directory, the target's client. (A client that ends by itself says `exit`.)"""
    directory = [e for e in evidence.read("x500", program="S81eddy") if e["event"] in ("stop", "start")]
    client = [e for e in evidence.read(target, program="regclient") if e["event"] in ("stop", "start")]
    down = set()
    if directory and directory[-1]["event"] == "stop":
        down.add(("x500", "S81eddy"))
    if client and client[-1]["event"] == "stop":
        down.add((target, "regclient"))
    return down


class Pause:
    """One pause under a run: when it began and ended, and what a host had to bring back."""

    def __init__(self, process, target, name):
        self.target, self.name = target, name
        self.pid = process.pid
        os.kill(self.pid, signal.SIGSTOP)
        self.began = time.time()
        until = self.began + ON_ITS_WAY_S
        layout.wait_until("what was on its way to have begun", lambda: time.time() >= until, ON_ITS_WAY_S + 5)
        self.down = is_down(target)

    def end(self):
        """After the whole minute; even after a failure the process goes on."""
        try:
            until = self.began + PAUSE_S
            layout.wait_until("the pause to be over", lambda: time.time() >= until, PAUSE_S + 5)
        finally:
            os.kill(self.pid, signal.SIGCONT)
        self.ended = time.time()

    def settle(self, run):
        """The run afterwards: it holds, is over, or goes on with a step that began after the pause."""
        def known():
            state = stack.api(f"runs/{run}")
            if state["state"] in ("held", "finished"):
                return state
            began = [step["startedAt"] for step in state["steps"] if step["startedAt"]]
            return state if max(map(stack.parse_time, began)) > self.ended else None
        try:
            return watch.until(f"run {run} to hold or to go on after the pause {self.name}", known, 90)
        except layout.LabError as error:
            raise AssertionError(f"{error}; down before: {self.down}, begun since: {self.effects(time.time())}") from error

    def effects(self, end):
        """What began from the pause on up to `end`, apart from what was on its way: {(host, program, event): number}."""
        counts = {}
        for _, *what in begun(self.target, self.began + ON_ITS_WAY_S, end):
            counts[tuple(what)] = counts.get(tuple(what), 0) + 1
        return counts


def directory_serves():
    """By the directory's own log."""
    def last(event):
        return max((e["time"] for e in evidence.read("x500", program="isode.eddy", event=event)), default=0.0)
    return last("main_serving") > last("main_exit")
