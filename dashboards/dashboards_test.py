#!/usr/bin/python3
"""Checks of the dashboards for people who import them, without Grafana or a live Prometheus."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

import generate
import queries

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "rules"))
import mixin  # noqa: E402  (found through the line above)

# Prometheus and Alertmanager make these themselves.
FOREIGN = {"up", "ALERTS", "alertmanager_notifications_failed_total", "prometheus_rule_evaluation_failures_total"}
CONFIG = mixin.load()
THRESHOLDS = {name: CONFIG.number(name) for name in CONFIG.thresholds}
# What only the university has: hosts, runs and internals are for every site.
UNIVERSITY = re.compile(r"eddy|qubra|openra|regclient|mailboxcreation|aliases|deltas|mailhub-rebuild|threshold:", re.I)


def all_panels():
    for name in queries.DASHBOARDS:
        for panel in queries.load_dashboard(name)["panels"]:
            yield name, panel


def content_panels():
    return [(name, panel) for name, panel in all_panels() if panel["type"] != "row"]


class Dashboards(unittest.TestCase):
    def test_the_committed_json_is_what_the_generator_writes(self):
        for name, text in generate.documents(CONFIG).items():
            committed = (HERE / name).read_text(encoding="utf-8")
            self.assertTrue(committed == text, f"run rules/render.py . and commit {name}")

    def test_every_json_file_here_is_tested(self):
        there = {str(path.relative_to(HERE)) for path in HERE.rglob("*.json")}
        self.assertEqual(there, set(queries.DASHBOARDS))
        self.assertEqual(there, set(generate.documents(CONFIG)))

    def test_the_dashboards_of_every_site_know_nothing_of_one_site(self):
        for name in queries.DASHBOARDS:
            if name.startswith("general/"):
                self.assertEqual(UNIVERSITY.findall((HERE / name).read_text(encoding="utf-8")), [], name)

    def test_panel_ids_and_dashboard_uids_are_unique(self):
        uids = [queries.load_dashboard(name)["uid"] for name in queries.DASHBOARDS]
        self.assertEqual(len(uids), len(set(uids)))
        for name in queries.DASHBOARDS:
            ids = [panel["id"] for panel in queries.load_dashboard(name)["panels"]]
            self.assertEqual(len(ids), len(set(ids)), name)

    def test_no_two_panels_overlap_and_none_leaves_the_grid(self):
        for name in queries.DASHBOARDS:
            taken = {}
            for panel in queries.load_dashboard(name)["panels"]:
                grid = panel["gridPos"]
                self.assertLessEqual(grid["x"] + grid["w"], 24, panel["title"])
                for x in range(grid["x"], grid["x"] + grid["w"]):
                    for y in range(grid["y"], grid["y"] + grid["h"]):
                        other = taken.setdefault((x, y), panel["title"])
                        self.assertEqual(other, panel["title"], f"{name}: overlap at {x},{y}")

    def test_every_query_parses(self):
        rules = [
            {"record": f"test:query:{i}", "expr": queries.substitute(query.expr)}
            for i, query in enumerate(queries.all_dashboard_queries())
        ]
        self.assertGreater(len(rules), 150)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}, file)
            file.flush()
            done = subprocess.run(
                ["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(rules)} rules found", done.stdout)

    def test_red_begins_where_the_alert_does(self):
        compared = set()
        for name, panel in content_panels():
            steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
            named = {
                n.rsplit(":", 1)[1]
                for target in panel["targets"]
                for n in queries.metric_names(target["expr"])
                if n.startswith("mailhub:threshold:")
            }
            drawn = panel["fieldConfig"]["defaults"]["custom"].get("thresholdsStyle")
            for threshold in named if drawn else ():
                self.assertEqual(steps, [None, THRESHOLDS[threshold]], f"{name}: {panel['title']}")
                compared.add(threshold)
            allowed = {None, 1, *THRESHOLDS.values()}
            self.assertLessEqual(set(steps), allowed, f"{name}: {panel['title']} has a threshold of its own")
        self.assertEqual(compared, set(THRESHOLDS), "a threshold that no panel draws")

class Metrics(unittest.TestCase):
    def test_rules_and_dashboards_name_only_documented_metrics(self):
        known = queries.documented_metrics() | FOREIGN
        for query in queries.all_dashboard_queries() + queries.rule_queries():
            self.assertLessEqual(queries.metric_names(query.expr), known, query.where)

    def test_every_series_that_a_rule_reads_is_that_of_a_configured_job(self):
        own = re.compile(r"(mailhub|probe)_\w+|up")
        texts = [(query.where, query.expr) for query in queries.rule_queries()]
        for name, rule in queries.load_rules():
            for words in rule.get("annotations", {}).values():
                texts += [(f"{name}: {rule['alert']}, in its words", asked) for asked in re.findall(r"`([^`]+)`", words)]
        count = 0
        for where, expr in texts:
            for selector in queries.selectors(expr):
                if own.fullmatch(selector.split("{")[0]):
                    self.assertIn('{job="mailhub', selector, where)
                    count += 1
        self.assertGreater(count, 50)

    def test_every_recorded_series_is_documented(self):
        for name, rule in queries.load_rules():
            if "record" in rule:
                self.assertIn(rule["record"], queries.documented_metrics(), name)

    def test_selectors_are_found_in_awkward_expressions(self):
        expr = (
            'sum by (instance, job) (rate(a_total{mode="idle"}[1m])) / on (instance) group_left () b:c:d > 5e6 '
            'or label_replace(x{y=~"$z"} offset 1h, "p", "q", "", "") and count({__name__=~"m:.+"}) unless f'
        )
        self.assertEqual(queries.selectors(expr), {'a_total{mode="idle"}', "b:c:d", 'x{y=~".*"}', "f"})


if __name__ == "__main__":
    unittest.main()
