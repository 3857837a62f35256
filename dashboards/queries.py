"""Finds every PromQL expression in dashboards/ and rules/, and the series that each one reads.

Why: two tests need them, one without a Prometheus (dashboards_test.py) and one with the lab's live one
(tests/lab/live_queries.py), and both must use the same queries.
"""

import json
import pathlib
import re
from dataclasses import dataclass

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DASHBOARDS = (
    "general/hosts.json",
    "general/internals.json",
    "general/runs.json",
    "university/directory-health.json",
    "university/rebuilds.json",
    "university/registration.json",
)
WORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"}


@dataclass(frozen=True)
class Query:
    where: str  # for people: file, panel or rule
    expr: str
    instant: bool


def load_dashboard(name):
    return json.loads((ROOT / "dashboards" / name).read_text(encoding="utf-8"))


def substitute(expr, window="30m", rate_interval="1m"):
    """Replaces Grafana's variables as if everything was selected."""
    expr = expr.replace("$__rate_interval", rate_interval).replace("$__interval", rate_interval)
    expr = expr.replace("$__range", window)
    return re.sub(r"\$\{?(?!__)\w+\}?", ".*", expr)


def dashboard_queries(name):
    """Queries of panels, annotations and variables."""
    content = load_dashboard(name)
    found = []
    for panel in content["panels"]:
        for target in panel.get("targets", []):
            found.append(Query(f"{name}: panel '{panel['title']}'", target["expr"], target["instant"]))
    for annotation in content["annotations"]["list"]:
        found.append(Query(f"{name}: annotation '{annotation['name']}'", annotation["expr"], False))
    for variable in content["templating"]["list"]:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable.get("definition", ""))
        if match:
            expr = f"count by ({match[2]}) ({match[1]})"
            found.append(Query(f"{name}: variable '{variable['name']}'", expr, False))
    return found


def all_dashboard_queries():
    return [query for name in DASHBOARDS for query in dashboard_queries(name)]


def rule_files():
    return sorted(path for chosen in ("general", "university") for path in (ROOT / "rules" / chosen).glob("*.yml"))


def load_rules():
    """(file name, rule) pairs."""
    for path in rule_files():
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield f"{path.parent.name}/{path.name}", rule


def rule_queries():
    return [Query(f"{name}: {rule.get('alert') or rule['record']}", rule["expr"], True) for name, rule in load_rules()]


def selectors(expr, keep_variables=False):
    """The series selectors of an expression with a metric name; with matchers, without ranges."""
    text = re.sub(r"#.*", "", expr if keep_variables else substitute(expr))
    text = re.sub(r"(?<![\w:])\{[^}]*\}", "", text)  # nameless
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    found = set()
    for match in re.finditer(r"(?<![\w.:\"])([a-zA-Z_:][\w:]*)(\{[^}]*\})?(\s*\()?", text):
        if match[1] not in WORDS and not match[3]:
            found.add(match[1] + (match[2] or ""))
    return found


def metric_names(expr):
    return {selector.split("{")[0] for selector in selectors(expr)}


def documented_metrics():
    """Names in docs/metrics.md; a histogram's three series included."""
    names = set()
    for line in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines():
        match = re.match(r"\| `([^`]+)` \| (\w*)", line)
        if not match:
            continue
        names.add(match[1])
        if match[2] == "histogram":
            names |= {match[1] + suffix for suffix in ("_bucket", "_sum", "_count")}
    return names
