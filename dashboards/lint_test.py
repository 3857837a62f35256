#!/usr/bin/python3
"""The rules that Grafana's dashboard-linter has for mixins, as far as they hold here, and a few more.

Why: a dashboard that is imported somewhere else must find its data source, its jobs and its hosts there.
"""

import re
import unittest

import queries

UNITS = {"decbytes", "percentunit", "short", "s", "Bps", "reqps", "ops", "dateTimeFromNow"}
MARKS = {"Runs", "Holds", "Restarts on hosts", "Restarts of the programs"}
# Metrics without a job: they are recorded from a constant, or have the job of whatever they are about.
WITHOUT_JOB = re.compile(r"mailhub:threshold:\w+|ALERTS")
# Counters that are shown as they are. A run is so rare that rate() would miss the first one of each series.
SINCE_THE_START = {
    "mailhub_actuator_runs_total",
    "mailhub_actuator_alerts_total",
    "mailhub_actuator_step_duration_seconds_sum",
    "mailhub_actuator_step_duration_seconds_count",
    "mailhub_actuator_gate_wait_seconds_sum",
    "mailhub_actuator_gate_wait_seconds_count",
    "mailhub_actuator_journal_commit_seconds_sum",
    "mailhub_actuator_journal_commit_seconds_count",
    "mailhub_actuator_run_duration_seconds_bucket",
}
OVER_TIME = ("rate", "increase", "irate")
# The panels about all hosts or all runs in dashboards that choose some.
OF_ALL = {
    "university/directory-health.json": {
        "Processes",
        "Threads",
        "Probes",
        "Collectors",
        "Probe duration",
        "Mailbox creation service and directory port",
    },
    "university/registration.json": {"Mailbox creation"},
}


def boards():
    return [(name, queries.load_dashboard(name)) for name in queries.DASHBOARDS]


def content_panels():
    return [(name, panel) for name, board in boards() for panel in board["panels"] if panel["type"] != "row"]


def variables(board):
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def series(expr):
    """(metric, its matchers) of each selector with a name."""
    return [
        (selector.split("{")[0], selector.partition("{")[2].rstrip("}"))
        for selector in queries.selectors(expr, keep_variables=True)
    ]


def counters():
    text = (queries.ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    kinds = dict(re.findall(r"^\| `([a-z_]+)` \| (counter|histogram) \|", text, re.M))
    found = {name for name, kind in kinds.items() if kind == "counter"}
    return found | {name + end for name, kind in kinds.items() if kind == "histogram" for end in ("_bucket", "_sum", "_count")}


class Variables(unittest.TestCase):
    def test_the_data_source_is_chosen_first(self):
        for name, board in boards():
            first = board["templating"]["list"][0]
            self.assertEqual((first["name"], first["type"], first["query"]), ("datasource", "datasource", "prometheus"), name)
            self.assertEqual(first["label"], "Data source", name)

    def test_jobs_and_hosts_are_chosen_and_asked_anew_when_the_time_changes(self):
        for name, board in boards():
            found = variables(board)
            self.assertIn("job", found, name)
            self.assertTrue({"instance", "host", "mailhub"} & set(found), name)
            for variable in list(found.values())[1:]:
                with self.subTest(dashboard=name, variable=variable["name"]):
                    self.assertEqual((variable["type"], variable["refresh"]), ("query", 2))
                    self.assertEqual(variable["datasource"]["uid"], "${datasource}")
                    self.assertEqual((variable["multi"], variable["includeAll"]), (True, True))
                    self.assertTrue(variable["label"])
                    self.assertRegex(variable["definition"], r"^label_values\(.+, \w+\)$")
                    self.assertEqual(variable["query"]["query"], variable["definition"])

    def test_all_jobs_are_those_that_are_listed_and_all_hosts_are_any(self):
        for name, board in boards():
            for variable in list(variables(board).values())[1:]:
                if variable["name"].endswith("job"):
                    self.assertNotIn("allValue", variable, name)  # else another site's jobs on the same Prometheus
                else:
                    self.assertIn(variable["allValue"], (".+", ".*"), name)

    def test_every_variable_that_a_query_uses_is_defined_and_every_one_is_used(self):
        for name, board in boards():
            used = set()
            for query in queries.dashboard_queries(name):
                used |= set(re.findall(r"\$\{?(\w+)", query.expr))
            used -= {"__rate_interval", "__range", "__interval"}
            self.assertEqual(used, set(variables(board)) - {"datasource"}, name)


class Panels(unittest.TestCase):
    def test_every_panel_has_a_title_a_description_a_unit_and_the_chosen_datasource(self):
        for name, panel in content_panels():
            with self.subTest(dashboard=name, panel=panel["title"]):
                self.assertTrue(panel["title"])
                self.assertRegex(panel["description"], r"^[A-Z0-9a-z].{14,}\.$")
                self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS)
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")
                self.assertTrue(panel["targets"])
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"]["uid"], "${datasource}")

    def test_no_two_panels_of_a_kind_have_the_same_title(self):
        for name, board in boards():
            titles = [(panel["type"], panel["title"]) for panel in board["panels"]]
            self.assertEqual(sorted(titles), sorted(set(titles)), name)

    def test_a_dashboard_is_not_edited_in_grafana(self):
        for name, board in boards():
            self.assertFalse(board["editable"], name)
            self.assertTrue(board["title"] and board["description"] and board["tags"], name)

    def test_runs_holds_and_restarts_are_marked(self):
        for name, board in boards():
            marks = board["annotations"]["list"]
            self.assertEqual({mark["name"] for mark in marks}, MARKS, name)
            for mark in marks:
                self.assertEqual(mark["datasource"]["uid"], "${datasource}")
                self.assertTrue(mark["enable"] and mark["titleFormat"])


class Targets(unittest.TestCase):
    def test_every_query_of_a_panel_is_about_the_chosen_job(self):
        for query, metric, matchers in self.selected():
            if not WITHOUT_JOB.fullmatch(metric):
                self.assertRegex(matchers, r'(^|,)job(=~"\$(actuator_)?job"|="mailhub\w*")', f"{query.where}: {metric}")

    def test_every_query_of_a_panel_is_about_the_chosen_hosts(self):
        for name, panel in content_panels():
            if panel["title"] in OF_ALL.get(name, ()) or name.endswith(("runs.json", "rebuilds.json")):
                continue  # an actuator's series have no `instance` of a host; their `host` is tested below
            for target in panel["targets"]:
                for metric, matchers in series(target["expr"]):
                    if not WITHOUT_JOB.fullmatch(metric):
                        self.assertRegex(matchers, r'instance=~"\$(instance|mailhub)"', f"{name}: {panel['title']}: {metric}")

    def test_the_history_of_runs_is_that_of_the_chosen_targets(self):
        for query, metric, matchers in self.selected():
            if metric.startswith("mailhub_actuator_last_run_"):
                self.assertRegex(matchers, r'host=~"\$(host|mailhub)"', query.where)

    def test_a_rate_goes_by_the_rate_interval(self):
        count = 0
        for name in queries.DASHBOARDS:
            for query in queries.dashboard_queries(name):
                for function, interval in re.findall(r"\b(\w+)\([^()]*\[([^\]]+)\]", query.expr):
                    if function in OVER_TIME:
                        self.assertEqual(interval, "$__rate_interval", query.where)
                        count += 1
        self.assertGreater(count, 15)

    def test_a_counter_is_never_shown_as_it_is(self):
        seen = set()
        for name in queries.DASHBOARDS:
            for query in queries.dashboard_queries(name):
                bare = re.sub(rf"\b({'|'.join(OVER_TIME)})\([^()]*\[[^\]]+\]\)", " ", query.expr)
                shown = queries.metric_names(bare) & counters()
                self.assertLessEqual(shown, SINCE_THE_START, query.where)
                seen |= shown
        self.assertEqual(seen, SINCE_THE_START, "an exception for nothing")

    def test_the_exceptions_are_panels(self):
        for name, titles in OF_ALL.items():
            self.assertLessEqual(titles, {panel["title"] for panel in queries.load_dashboard(name)["panels"]}, name)

    @staticmethod
    def selected():
        return [
            (query, metric, matchers)
            for name in queries.DASHBOARDS
            for query in queries.dashboard_queries(name)
            if ": panel '" in query.where
            for metric, matchers in series(query.expr)
        ]


if __name__ == "__main__":
    unittest.main()
