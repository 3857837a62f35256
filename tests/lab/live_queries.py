#!/usr/bin/python3
"""Runs every query of the dashboards and every series that the rules read against a live Prometheus.

Why: a valid query may still use a label that does not exist. While the demo runs, none may fail and each must
return data; the few that cannot are listed below with the reason.

    live_queries.py http://127.0.0.1:19090 [--window 30m] [--wait 60]

Exit status 0 if all is well, 1 if a query failed or returned nothing, 2 if Prometheus could not be asked.
"""

import argparse
import json
import math
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dashboards"))
import queries  # noqa: E402  (found through the line above)

ACTUATOR = 'job="mailhub_actuator"'
RESTARTED = " or ".join(
    f'max_over_time(process_start_time_seconds{{job="mailhub_{program}"}}[5m]) - '
    f'min_over_time(process_start_time_seconds{{job="mailhub_{program}"}}[5m]) > 5'
    for program in ("exporter", "actuator")
)
# Expression or selector: why a healthy demo has no data for it. An unused entry is an error.
EXCEPTIONS = {
    f'mailhub_actuator_person_asked{{{ACTUATOR},kind="confirm"}}': "exists only while a run asks, and the demo's runs do not",
    f'mailhub_actuator_person_asked{{{ACTUATOR},kind="pause"}}': "exists only while a person has paused a run, and the demo's are not",
    'mailhub_actuator_person_asked{job=~".*"}': "the same, of both kinds",
    f"mailhub_actuator_run_held{{{ACTUATOR}}}": "exists only while a run holds, and the demo's runs do not",
    f"mailhub_actuator_run_held{{{ACTUATOR}}} == 1": "the same, as the dashboards' annotation",
    'mailhub_actuator_run_held{job=~".*"}': "the same, in panels",
    f'mailhub_actuator_runs_total{{{ACTUATOR},result="failed"}}': "the series appears with the first failed run",
    RESTARTED: "has a sample only after a restart of a program, and the demo does not restart them",
}
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
MAX_POINTS = 5000


class PrometheusAway(Exception):
    pass


def ask(url, path, **parameters):
    """The result list of a query. A refused query is a ValueError with Prometheus's own words."""
    request = f"{url.rstrip('/')}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        try:
            raise ValueError(json.loads(text)["error"]) from error
        except (json.JSONDecodeError, KeyError):
            raise PrometheusAway(f"{error}: {text[:200]}") from error
    except OSError as error:
        raise PrometheusAway(str(error)) from error


def has_data(result):
    for series in result:
        if isinstance(series, dict):
            values = series.get("values") or [series["value"]]
            if any(not math.isnan(float(value)) for _, value in values):
                return True
    return False


def checks(window, rate_interval):
    """(where, exception key, expression, instant, needs data) of all queries, each expression once."""
    found = {}

    def add(where, key, expr, instant, needs_data=True):
        found.setdefault((expr, instant), (where, key, expr, instant, needs_data))

    for query in queries.all_dashboard_queries():
        add(query.where, query.expr, queries.substitute(query.expr, window, rate_interval), query.instant)
    for query in queries.rule_queries():
        add(query.where, query.expr, query.expr, True, needs_data=False)
        for selector in sorted(queries.selectors(query.expr)):
            add(f"{query.where} reads", selector, f"last_over_time({selector}[{window}])", True)
    for query in queries.all_dashboard_queries():
        for selector in sorted(queries.selectors(query.expr)):
            add(f"{query.where} reads", selector, f"last_over_time({selector}[{window}])", True)
    return list(found.values())


def complaint(url, check, window_seconds):
    """None, or the check's present defect."""
    _, key, expr, instant, needs_data = check
    now = time.time()
    try:
        if instant:
            result = ask(url, "query", query=expr, time=now)
        else:
            step = max(1, math.ceil(window_seconds / MAX_POINTS))
            result = ask(url, "query_range", query=expr, start=now - window_seconds, end=now, step=step)
    except ValueError as error:
        return f"failed: {error}"
    if needs_data and key not in EXCEPTIONS and not has_data(result):
        return "returned no data"
    return None


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument(
        "--window", default="30m", help="how far back a graph or a series may have its data (default 30m)"
    )
    parser.add_argument("--rate-interval", default="15s", help="what $__rate_interval stands for (default 15s)")
    parser.add_argument("--wait", type=float, default=0, help="seconds to ask again what returned nothing (default 0)")
    args = parser.parse_args(argv)
    match = re.fullmatch(r"(\d+)([smh])", args.window)
    if not match:
        parser.error("--window is a number and s, m or h")
    return args, int(match[1]) * UNIT_SECONDS[match[2]]


def main(argv=None):
    args, window_seconds = parse(argv)
    pending = checks(args.window, args.rate_interval)
    total = len(pending)
    unused = set(EXCEPTIONS) - {check[1] for check in pending}
    deadline = time.monotonic() + args.wait
    complaints = []
    try:
        while True:
            complaints = [(check, said) for check in pending if (said := complaint(args.url, check, window_seconds))]
            pending = [check for check, _ in complaints]
            if not pending or time.monotonic() >= deadline:
                break
            time.sleep(1)
    except PrometheusAway as error:
        print(f"live_queries: {args.url} cannot be asked: {error}", file=sys.stderr)
        return 2
    for (where, _, expr, _, _), said in complaints:
        print(f"{where}: {' '.join(expr.split())}: {said}")
    for key in sorted(unused):
        print(f"exception for nothing: {key}")
    print(f"live_queries: {total - len(complaints)} of {total} queries answered as they should")
    return 1 if complaints or unused else 0


if __name__ == "__main__":
    sys.exit(main())
