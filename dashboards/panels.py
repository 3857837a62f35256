"""Grafana's panels, variables and dashboards as Python values.

Why: Grafana's JSON is long and repeats itself. This module has the common part of all panels; hosts.py, runs.py,
internals.py and university.py have the differences. The layout follows from the order of the panels.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "rules"))
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, RED, GREY = "green", "red", "text"


def braces(*matchers):
    """A selector's matchers without the empty ones: {a="b",c="d"}."""
    return "{" + ",".join(matcher for matcher in matchers if matcher) + "}"


def red_above(number):
    return [(GREEN, None), (RED, number)]


def red_below(number):
    return [(RED, None), (GREEN, number)]


RED_AT_0 = [(RED, None), (GREEN, 1)]
RED_FROM_1 = [(GREEN, None), (RED, 1)]
NO_COLOURS = [(GREY, None)]


def query(expr, legend, instant=False):
    target = {"datasource": DATASOURCE, "expr": expr, "legendFormat": legend, "editorMode": "code"}
    target.update({"instant": instant, "range": not instant})
    if instant:
        target["format"] = "table"
    return target


def panel(kind, title, description, unit, queries, steps=None, width=12, height=8, options=None, custom=None, **extra):
    """One panel; `steps` are (colour, from value) pairs, the first from minus infinity."""
    defaults = {
        "unit": unit,
        "thresholds": {"mode": "absolute", "steps": [{"color": c, "value": v} for c, v in steps or NO_COLOURS]},
        "color": {"mode": "thresholds" if kind in ("stat", "state-timeline") else "palette-classic"},
        "custom": custom or {},
    }
    if extra.get("mappings"):
        defaults["mappings"] = extra.pop("mappings")
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": [dict(target, refId=chr(ord("A") + i)) for i, target in enumerate(queries)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options or {},
        **extra,
    }


def graph(title, description, unit, *queries, steps=None, **extra):
    custom = {"lineWidth": 1, "fillOpacity": 5, "spanNulls": False}
    if steps:
        custom["thresholdsStyle"] = {"mode": "dashed"}
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, description, unit, queries, steps, custom=custom, options=options, **extra)


def stat(title, description, unit, *queries, steps=None, width=4, **extra):
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "auto",
        "justifyMode": "auto",
    }
    return panel("stat", title, description, unit, queries, steps, width=width, height=5, options=options, **extra)


def states(title, description, *queries, steps=None, words=("down", "up"), **extra):
    """A band per series, coloured by value; `words` are the meanings of 0 and 1."""
    mappings = [{"type": "value", "options": {str(i): {"text": word, "index": i} for i, word in enumerate(words)}}]
    options = {
        "mergeValues": True,
        "showValue": "never",
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom"},
    }
    return panel(
        "state-timeline",
        title,
        description,
        "short",
        queries,
        steps or RED_AT_0,
        options=options,
        mappings=mappings,
        custom={"fillOpacity": 80, "lineWidth": 0},
        **extra,
    )


def table(title, description, unit, *queries, **extra):
    return panel(
        "table",
        title,
        description,
        unit,
        queries,
        options={"showHeader": True},
        transformations=[{"id": "organize", "options": {"excludeByName": {"Time": True}}}],
        **extra,
    )


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": 24, "h": 1}}


def variable(name, label, source, every=".+"):
    """A multi-value variable; `source` is Grafana's label_values(). `every` is what *All* means; None: all that it lists."""
    found = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": source,
        "query": {"query": source, "refId": "variable"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }
    if every is not None:
        found["allValue"] = every
    return found


def job_variable(selector):
    """The jobs that `selector` finds. *All* means these alone: other jobs of the same Prometheus may be another site's."""
    return variable("job", "Job", f"label_values({selector}, job)", every=None)


def annotation(name, expr, title, colour):
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "titleFormat": title,
        "step": "15s",
        "useValueForTime": False,
    }


def place(panels):
    """Left to right, then down; ids in reading order."""
    x = y = lowest = 0
    for number, item in enumerate(panels, start=1):
        grid = item["gridPos"]
        if x + grid["w"] > 24:
            x, y = 0, lowest
        item["gridPos"] = {"x": x, "y": y, "w": grid["w"], "h": grid["h"]}
        item["id"] = number
        x += grid["w"]
        lowest = max(lowest, y + grid["h"])
    return panels


def annotations(config):
    """Runs, holds and restarts, over every panel. A start time that jitters by seconds is no restart."""

    def restarted(metric):
        return f"max_over_time({metric}[5m]) - min_over_time({metric}[5m]) > 5"

    actuator, exporter = braces(config.selectors["actuator"]), braces(config.selectors["exporter"])
    process = f"mailhub_process_start_time_seconds{braces(config.selectors['probe'])}"
    programs = " or ".join(restarted(f"process_start_time_seconds{selector}") for selector in (exporter, actuator))
    return [
        annotation("Runs", f"mailhub_actuator_run_in_progress{actuator} == 1", "{{runbook}} {{host}}", "blue"),
        annotation("Holds", f"mailhub_actuator_run_held{actuator} == 1", "held: {{runbook}} {{host}} at {{step}}", "red"),
        annotation("Restarts on hosts", restarted(process), "restarted: {{process}} on {{instance}}", "orange"),
        annotation("Restarts of the programs", programs, "restarted: {{job}} {{instance}}", "purple"),
    ]


def dashboard(config, name, title, description, variables, panels):
    chosen = config.dashboards
    datasource = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "current": {},
    }
    return {
        "uid": f"{chosen['uid_prefix']}-{name}",
        "title": chosen["title_prefix"] + title,
        "description": description,
        "tags": chosen["tags"],
        "schemaVersion": 37,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": chosen["refresh"],
        "time": {"from": f"now-{chosen['since']}", "to": "now"},
        "annotations": {"list": annotations(config)},
        "templating": {"list": [datasource, *variables]},
        "links": [
            {
                "type": "dashboards",
                "tags": chosen["tags"],
                "title": "mailhub",
                "asDropdown": False,
                "keepTime": True,
                "includeVars": True,
            }
        ],
        "panels": place(panels),
    }
