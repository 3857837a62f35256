"""Looks at runs through the actuator's API and at their effects through the evidence, for tests."""

from . import evidence, layout, stack


def until(what, condition, seconds=60):
    return layout.wait_until(what, condition, seconds, every=0.1)


def runs(runbook=None):
    return [run for run in stack.api("runs")["runs"] if runbook is None or run["runbook"] == runbook]


def newest(runbook, since):
    for run in runs(runbook):
        if stack.parse_time(run["queuedAt"]) >= since:
            return run
    return None


def await_run(runbook, since):
    return until(f"a run of {runbook}", lambda: newest(runbook, since), 90)["id"]


def await_state(run, states, seconds):
    def reached():
        state = stack.api(f"runs/{run}")
        if state["state"] == "held" and "held" not in states:
            raise AssertionError(f"run {run} holds: {state['hold']}")
        return state if state["state"] in states else None
    return until(f"run {run} to be {' or '.join(states)}", reached, seconds)


def between(host, begin, end, **wanted):
    return [e for e in evidence.read(host, begin, **wanted) if e["time"] <= end]


def times(host, begin, end, **wanted):
    return [e["time"] for e in between(host, begin, end, **wanted)]


def decisions(**wanted):
    return [a for a in stack.api("alerts?limit=1000")["alerts"] if all(a.get(k) == v for k, v in wanted.items())]


def span(run):
    return stack.parse_time(run["startedAt"]), stack.parse_time(run["finishedAt"])


# --- the story of a rebuild, by the hosts ---

RESTART = ["directory stopped", "main process gone", "root process gone", "directory started", "directory serves"]


def rebuild_story(begin, end, target):
    """The hosts' events in order."""
    story = []
    for label, host, wanted in (
            ("directory stopped", "x500", {"program": "S81eddy", "event": "stop"}),
            ("main process gone", "x500", {"program": "isode.eddy", "event": "main_exit"}),
            ("root process gone", "x500", {"program": "isode.eddy", "event": "root_exit"}),
            ("directory started", "x500", {"program": "S81eddy", "event": "start"}),
            ("directory serves", "x500", {"program": "isode.eddy", "event": "main_serving"}),
            *((f"regclient {host}", host, {"program": "regclient", "event": "start"}) for host in layout.MAILHUBS),
            ("student closed", "x500", {"program": "qubRA", "event": "thread_stop", "thread": "student"}),
            ("regclient stopped", target, {"program": "regclient", "event": "stop"}),
            ("rebuild began", target, {"program": "rebuild", "event": "begin"}),
            ("rebuild ended", target, {"program": "rebuild", "event": "end"}),
            ("qubRA crashed", "x500", {"program": "qubRA", "event": "crash"}),
            ("qubRA started", "x500", {"program": "qubRA", "event": "start"}),
            ("student started", "x500", {"program": "qubRA", "event": "thread_start", "thread": "student"})):
        story += [(at, label) for at in times(host, begin, end, **wanted)]
    # A restarted client stops first, which is not the stop of step 5.
    restarted = {at for at, label in story if label == f"regclient {target}"}
    return [label for at, label in sorted(story)
            if not (label == "regclient stopped" and any(0 <= start - at < 1 for start in restarted))]


def expected_story(target, rebuild=("rebuild began", "rebuild ended"), qubra_crashes=False):
    """The operators' page's steps of one whole rebuild."""
    first = [f"regclient {host}" for host in layout.MAILHUBS]
    last = sorted(first, key=lambda label: label != f"regclient {target}")
    return (RESTART + first + ["student closed", "regclient stopped", *rebuild]
            + RESTART + last + (["qubRA started"] if qubra_crashes else []) + ["student started"])
