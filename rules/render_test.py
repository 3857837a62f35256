#!/usr/bin/python3
"""The renderer: what is committed is what it gives, a site's own file has its effect everywhere, and mistakes are told."""

import contextlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

import mixin
import render

RULES = pathlib.Path(__file__).resolve().parent
DEFAULTS = mixin.load()
# Another site: every key that rules and dashboards have, with another value.
OTHER = """
runbook_url: https://wiki.example.com/oncall/{alert}
selectors:
  probe: job="hosts",cluster="north"
  exporter: job="hosts-exporter",cluster="north"
  actuator: job=~"runner.*"
  alertmanager: job="am"
  prometheus: job="prom"
watched: {processes: 'process!="batch"', threads: 'thread!="idle"', services: 'name!="nightly"', ports: 'port!="test"'}
thresholds: {directory_memory_bytes: 123456789, directory_cpu_idle_ratio: 0.25, delta_backlog_files: 77}
dashboards: {tags: [mail, north], uid_prefix: north, title_prefix: "North: ", since: 7d, refresh: 1m}
"""


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def config(self, text, name="mine.yml"):
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def render(self, *arguments):
        """(exit status, what it says) of render.py."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            try:
                status = render.main([str(argument) for argument in arguments])
            except SystemExit as end:
                status = end.code
        return status, said.getvalue()


class Committed(Case):
    def test_the_committed_files_are_what_the_defaults_give(self):
        status, said = self.render(RULES.parent, "--check")
        self.assertEqual((status, said), (0, ""), "run rules/render.py . and commit")

    def test_the_committed_files_are_never_written_with_other_values(self):
        mine = self.config("sets: [general]")
        for more in (["--time-scale", "60"], ["--config", mine]):
            status, said = self.render(RULES.parent, *more)
            self.assertEqual(status, 2)
            self.assertIn("choose another OUT_DIR", said)

    def test_a_difference_is_told_and_nothing_is_written(self):
        out = self.folder / "out"
        self.assertEqual(self.render(out), (0, ""))
        changed = out / "rules" / "general" / "alerts-runs.yml"
        changed.write_text("groups: []\n")
        status, said = self.render(out, "--check")
        self.assertEqual(status, 1)
        self.assertIn(str(changed), said)
        self.assertEqual(changed.read_text(), "groups: []\n")

    def test_an_old_file_beside_the_rendered_ones_is_told(self):
        self.render(self.folder / "out")
        old = self.folder / "out" / "rules" / "general" / "alerts-old.yml"
        old.write_text("groups: []\n")
        status, said = self.render(self.folder / "out")
        self.assertEqual(status, 0)
        self.assertIn(f"{old} is not rendered by this", said)


class Configured(Case):
    def other(self):
        out = self.folder / "out"
        self.assertEqual(self.render(out, "--config", self.config(OTHER)), (0, ""))
        return out

    def test_every_value_of_another_site_arrives_and_none_of_the_defaults_stays(self):
        out = self.other()
        text = "\n".join(path.read_text() for path in sorted(out.rglob("*.*")))
        for old in ('job="mailhub', "docs.example.org", "500e6", "vector(0.9)", "vector(1000)", "now-24h", '"30s"'):
            self.assertNotIn(old, text)
        for new in (
            'job="hosts",cluster="north"',
            'up{job="hosts-exporter",cluster="north"} == 0',
            'mailhub_actuator_run_held{job=~"runner.*"} == 1',
            'alertmanager_notifications_failed_total{job="am",integration="webhook"}',
            'prometheus_rule_evaluation_failures_total{job="prom"}',
            'process!="batch"}[10m]',
            'thread!="idle"}[10m]',
            'name!="nightly",state="active"}[10m]',
            'port!="test"}[10m]',
            "https://wiki.example.com/oncall/runheld\n",
            "vector(123456789)",
            "vector(0.25)",
            "vector(77)",
            "vector(3024000)",
        ):
            self.assertIn(new, text)

    def test_every_value_of_another_site_arrives_in_the_dashboards(self):
        out = self.other()
        boards = [json.loads(path.read_text()) for path in out.rglob("*.json")]
        self.assertEqual(len(boards), 6)
        for board in boards:
            self.assertTrue(board["uid"].startswith("north-") and board["title"].startswith("North: "))
            self.assertEqual((board["tags"], board["time"]["from"]), (["mail", "north"], "now-7d"))
            self.assertEqual((board["links"][0]["tags"], board["refresh"]), (["mail", "north"], "1m"))
            job = next(v for v in board["templating"]["list"] if v["name"] == "job")
            self.assertRegex(job["definition"], r'\{job="hosts(-exporter)?",cluster="north"\}|\{job=~"runner\.\*"\}')
        health = json.loads((out / "dashboards" / "university" / "directory-health.json").read_text())
        memory = next(p for p in health["panels"] if p["title"] == "Directory memory")
        self.assertEqual(memory["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], 123456789)
        self.assertIn('cluster="north",job=~"$job"', memory["targets"][0]["expr"])

    def test_the_tests_of_the_rules_pass_with_other_jobs_when_their_series_have_them(self):
        mine = 'selectors: {probe: job="hosts", exporter: job="hosts-exporter", actuator: job="runner"}\n'
        out = self.folder / "out"
        self.assertEqual(self.render(out, "--config", self.config(mine)), (0, ""))
        for path in [*RULES.glob("general/tests/*.yml"), *RULES.glob("university/tests/*.yml")]:
            text = path.read_text()
            for old, new in (("mailhub_exporter", "hosts-exporter"), ("mailhub_actuator", "runner"), ("mailhub", "hosts")):
                text = re.sub(rf'\bjob(="?|: ){old}\b(?!_)', rf"job\g<1>{new}", text)
            text = text.replace("The mailhub_exporter target", "The hosts-exporter target")
            text = text.replace("The mailhub_actuator target", "The runner target")
            copied = out / "rules" / path.relative_to(RULES)
            copied.parent.mkdir(exist_ok=True)
            copied.write_text(text)
        done = promtool("test", "rules", *out.glob("rules/*/tests/*.yml"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_site_that_watches_some_hosts_has_no_other_in_rules_and_panels(self):
        mine = self.config('sets: [general]\nselectors: {probe: \'job="mailhub",instance=~"mail.+"\'}')
        out = self.folder / "out"
        self.assertEqual(self.render(out, "--config", mine), (0, ""))
        hosts = (out / "rules" / "general" / "alerts-hosts.yml").read_text()
        found = re.findall(r'\{(job="mailhub"[^}]*)\}', hosts)
        self.assertGreater(len(found), 8)
        for matchers in found:
            self.assertTrue(matchers.startswith('job="mailhub",instance=~"mail.+"'), matchers)
        self.assertEqual(promtool("check", "rules", *out.glob("rules/general/*.yml")).returncode, 0)
        board = json.loads((out / "dashboards" / "general" / "hosts.json").read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                self.assertIn('instance=~"mail.+",job=~"$job",instance=~"$instance"', target["expr"], panel["title"])

    def test_a_site_without_the_university_has_none_of_its_rules_and_dashboards(self):
        out = self.folder / "out"
        self.assertEqual(self.render(out, "--config", self.config("sets: [general]")), (0, ""))
        self.assertEqual({path.name for path in (out / "rules").iterdir()}, {"general"})
        self.assertEqual({path.name for path in (out / "dashboards" / "general").iterdir()}, {"hosts.json", "internals.json", "runs.json"})
        text = "".join(path.read_text() for path in out.rglob("*.yml"))
        self.assertNotIn("DirectoryUnwatched", text)
        self.assertEqual(text, "".join((RULES / path.relative_to(out / "rules")).read_text() for path in out.rglob("*.yml")))

    def test_a_site_has_a_set_of_its_own(self):
        (self.folder / "ours").mkdir()
        (self.folder / "ours" / "alerts.yml").write_text(
            "groups:\n  - name: ours\n    rules:\n      - record: mailhub:threshold:spool_files\n"
            "        expr: vector(<<threshold spool_files>>)\n      - alert: SpoolFull\n"
            "        expr: mailhub_directory_files{<<probe,>>directory=\"spool\"} > on () group_left () mailhub:threshold:spool_files\n"
            "        annotations: {runbook_url: <<runbook SpoolFull>>}\n"
        )
        mine = self.config("sets: [general, ours]\nthresholds: {spool_files: 50}\n")
        out = self.folder / "out"
        self.assertEqual(self.render(out, "--config", mine), (0, ""))
        rules = yaml.safe_load((out / "rules" / "ours" / "alerts.yml").read_text())["groups"][0]["rules"]
        self.assertEqual(rules[0]["expr"], "vector(50)")
        self.assertIn('{job="mailhub",directory="spool"}', rules[1]["expr"])
        self.assertEqual(rules[1]["annotations"]["runbook_url"], "https://docs.example.org/mailhub/alerts.md#spoolfull")
        self.assertEqual(promtool("check", "rules", out / "rules" / "ours" / "alerts.yml").returncode, 0)


class Mistakes(Case):
    def refused(self, text, *expected):
        status, said = self.render(self.folder / "out", "--config", self.config(text))
        self.assertEqual(status, 2, text)
        for words in expected:
            self.assertIn(words, said)
        self.assertFalse((self.folder / "out").exists(), "something was written")

    def test_each_is_told_with_its_place_its_field_and_what_was_expected(self):
        url = "an absolute http(s) address with {alert} in it"
        for text, where, expected in (
            ("selectors:\n  prob: job=\"a\"", "mine.yml:2:3: selectors.prob:", "one of the keys probe, exporter, "),
            ("selectors: {probe: ''}", "mine.yml:1:20: selectors.probe:", "PromQL matchers without blanks"),
            ("selectors: {probe: 'job=\"a\"} or {x=\"b\"'}", ":1:20: selectors.probe:", "PromQL matchers"),
            ("selectors: {probe: 'job=\"a`}}\"'}", "selectors.probe:", "PromQL matchers"),
            ("watched: {ports: 'port'}", "mine.yml:1:18: watched.ports:", "PromQL matchers"),
            ("thresholds:\n  delta_backlog_files: many", "mine.yml:2:24: thresholds.delta_backlog_files:", "a number from 0 on"),
            ("thresholds: {delta_backlog_files: -1}", "thresholds.delta_backlog_files:", "a number from 0 on"),
            ("thresholds: {delta_backlog_file: 1}", "mine.yml:1:14: thresholds.delta_backlog_file:", "of the chosen sets (delta_back"),
            ("sets: [general]\nthresholds: {delta_backlog_files: 1}", "mine.yml:2:14:", "of the chosen sets (none)"),
            ("thresholds: {Upper: 1}", "thresholds.Upper:", "small letters"),
            ("runbook_url: docs/alerts.md#{alert}", "mine.yml:1:14: runbook_url:", url),
            ("runbook_url: https://example.org/alerts.md", "runbook_url:", url),
            ("runbook_url: \"https://example.org/{alert}\\nfor: 1h\"", "runbook_url:", url),
            ("sets: []", "mine.yml:1:7: sets:", "a list of 1 to 32 items"),
            ("sets: [general, general]", "sets:", "each item once"),
            ("sets: [general, nowhere]", "sets: nowhere:", "the path of a folder of templates"),
            ("dashboards: {tags: mailhub}", "mine.yml:1:20: dashboards.tags:", "a list"),
            ("dashboards: {refresh: soon}", "dashboards.refresh:", "a duration like 30s"),
            ("dashboards: {uid_prefix: 'a/b'}", "dashboards.uid_prefix:", "1 to 20 letters"),
            ("sets: [general]\nsets: [university]", "mine.yml:2:1: sets:", "this key once"),
            ("[1, 2]", "mine.yml:1:1: the file:", "a mapping"),
            ("sets: [general", "mine.yml:1:", "expected YAML"),
            ("a: \x07", "the file:", "expected YAML in UTF-8"),
            ("#" * 70000, "the file:", "at most 65536 bytes"),
            ("[" * 30000, "the file:", "expected YAML"),
        ):
            with self.subTest(text=text[:60]):
                self.refused(text, where, expected)

    def test_a_file_that_is_not_there_is_told(self):
        status, said = self.render(self.folder / "out", "--config", self.folder / "none.yml")
        self.assertEqual(status, 2)
        self.assertIn("none.yml: cannot be read: No such file", said)

    def test_those_of_a_template_are_told_with_their_place(self):
        (self.folder / "ours").mkdir()
        template = self.folder / "ours" / "a.yml"
        rule = "groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: up{%s} == 0\n"
        for text, where, expected in (
            (rule % "<<prob>>", "a.yml:5:18: <<prob>>:", "expected a selector"),
            (rule % "<<threshold nothing>>", "a.yml:5:18:", "threshold NAME (of the configuration)"),
            (rule.replace("expr", "exprs") % "", "a.yml:", "expected only the keys"),
            ("rules: []", "a.yml:", "expected groups of rules"),
        ):
            template.write_text(text)
            with self.subTest(text=text):
                self.refused("sets: [./ours]", where, expected)
        template.unlink()
        self.refused("sets: [./ours]", "ours: expected templates of rules")


class TimeScale(Case):
    def rendered(self, *arguments):
        self.assertEqual(self.render(self.folder / "out", *arguments), (0, ""))
        return {path: yaml.safe_load(path.read_text()) for path in (self.folder / "out").rglob("*.yml")}

    def test_every_duration_is_scaled_and_every_number_is_kept(self):
        found = self.rendered("--time-scale", "60")
        thresholds = self.folder / "out" / "rules" / "university" / "thresholds.yml"
        self.assertEqual(found[thresholds], yaml.safe_load((RULES / "university" / "thresholds.yml").read_text()))
        for rule in [rule for content in found.values() for group in content["groups"] for rule in group["rules"]]:
            for key in ("for", "keep_firing_for"):
                self.assertLessEqual(render.to_ms(rule.get(key, "1s")), 60_000, rule)
            for one, other in re.findall(r"\[(\w+)\]|offset (\w+)", rule["expr"]):
                self.assertTrue(15_000 <= render.to_ms(one or other) <= 60_000, rule)
        done = promtool("check", "rules", *found)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_short_duration_never_grows(self):
        self.assertEqual(render.scaled("5s", 60, 15_000), "5s")
        self.assertEqual(render.scaled("1m", 60, 15_000), "15s")
        self.assertEqual(render.scaled("5m", 40, 1_000), "7500ms")

    def test_every_duration_in_the_templates_is_written_so_that_it_is_found(self):
        for path in RULES.glob("templates/*/*.yml"):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if re.match(r"\s*(for|keep_firing_for)\s*:", line):
                    self.assertRegex(line, render.HOLD, f"{path}:{number}")

    def test_a_scale_that_is_no_scale_is_refused(self):
        for scale in ("0", "-1", "nan"):
            self.assertEqual(self.render(self.folder / "out", "--time-scale", scale)[0], 2, scale)


if __name__ == "__main__":
    unittest.main()
