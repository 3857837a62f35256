"""Grafana's panels, variables and dashboards as Python values.

Why: Grafana's JSON is long and repeats itself. This module has the common part of all panels; generate.py has the
differences. The layout follows from the order of the panels.
"""

import pathlib
import re

import yaml

HERE = pathlib.Path(__file__).resolve().parent
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, RED, GREY = "green", "red", "text"


def load_thresholds():
    """The numbers of rules/thresholds.yml, by the last part of their names."""
    rules = yaml.safe_load((HERE.parent / "rules" / "thresholds.yml").read_text())["groups"][0]["rules"]
    values = {}
    for rule in rules:
        value = 1.0
        for factor in re.fullmatch(r"vector\((.+)\)", rule["expr"])[1].split("*"):
            value *= float(factor)
        values[rule["record"].rsplit(":", 1)[1]] = value
    return values


THRESHOLDS = load_thresholds()


def red_above(name):
    return [(GREEN, None), (RED, THRESHOLDS[name])]


def red_below(name):
    return [(RED, None), (GREEN, THRESHOLDS[name])]


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


def variable(name, label, source):
    """A multi-value variable; `source` is Grafana's label_values()."""
    return {
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
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


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


def dashboard(uid, title, description, since, variables, panels):
    datasource = {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "current": {},
    }
    annotations = [
        annotation("Runs", "mailhub_actuator_run_in_progress == 1", "{{runbook}} {{host}}", "blue"),
        annotation("Holds", "mailhub_actuator_run_held == 1", "held: {{runbook}} {{host}} at {{step}}", "red"),
    ]
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["mailhub"],
        "schemaVersion": 37,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": f"now-{since}", "to": "now"},
        "annotations": {"list": annotations},
        "templating": {"list": [datasource, *variables]},
        "links": [
            {
                "type": "dashboards",
                "tags": ["mailhub"],
                "title": "mailhub",
                "asDropdown": False,
                "keepTime": True,
                "includeVars": True,
            }
        ],
        "panels": place(panels),
    }
