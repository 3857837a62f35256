#!/usr/bin/python3
"""Checks across rules, their tests, their documentation, and the lab's copies of the configuration."""

import copy
import pathlib
import re
import subprocess
import tempfile
import unittest
import unittest.mock

import yaml

import render

RULES = pathlib.Path(__file__).resolve().parent
ROOT = RULES.parent
LAB = ROOT / "tests" / "lab" / "config"
TRIGGERS = {"DirectoryMemoryHigh": "directory-restart", "TablesStale": "mailhub-rebuild"}
# The alerts that a run itself causes, by stopping, restarting or loading something.
SIDE_EFFECTS = {
    "DirectoryProcessDown",
    "DirectoryRootProcessDown",
    "DirectoryNotAnswering",
    "CpuIdleLow",
    "QubraProcessDown",
    "QubraThreadDown",
    "DeltaBacklog",
    "RegclientDown",
}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules():
    for name in render.RULE_FILES:
        for group in load(RULES / name)["groups"]:
            yield from group["rules"]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Alerts(unittest.TestCase):
    def test_every_alert_has_severity_sentence_value_and_link(self):
        headings = set(re.findall(r"^### (\w+)$", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.M))
        self.assertEqual(headings, set(alerts()), "docs/alerts.md has one heading for each alert")
        for name, rule in alerts().items():
            with self.subTest(alert=name):
                self.assertIn(rule["labels"]["severity"], {"critical", "warning", "info"})
                self.assertLess(len(rule["annotations"]["summary"]), 100)
                self.assertRegex(
                    rule["annotations"]["description"] + rule["annotations"]["summary"], r"\$value|\$labels"
                )
                self.assertEqual(rule["annotations"]["runbook_url"], f"docs/alerts.md#{name.lower()}")

    def test_alert_names_are_unique(self):
        names = [rule["alert"] for rule in rules() if "alert" in rule]
        self.assertEqual(len(names), len(set(names)))

    def test_only_the_triggers_carry_a_runbook(self):
        carried = {name: rule["labels"]["runbook"] for name, rule in alerts().items() if rule["labels"].get("runbook")}
        self.assertEqual(carried, TRIGGERS)

    def test_only_a_runs_own_alerts_are_labelled_as_its_side_effect(self):
        labelled = {name for name, rule in alerts().items() if rule["labels"].get("run_side_effect") == "true"}
        self.assertEqual(labelled, SIDE_EFFECTS)

    def test_no_side_effect_outlives_its_cure(self):
        for name in SIDE_EFFECTS:
            self.assertNotIn("keep_firing_for", alerts()[name], name)

    def test_the_missing_threshold_alert_counts_the_thresholds_there_are(self):
        count = len([rule for rule in rules() if rule.get("record", "").startswith("mailhub:threshold:")])
        self.assertTrue(alerts()["ThresholdMissing"]["expr"].endswith(f"< {count}"))

    def test_every_alert_has_a_test_that_fires_with_its_text_and_one_that_does_not(self):
        fires, still = set(), set()
        for path in (RULES / "tests").glob("*.yml"):
            for group in load(path)["tests"]:
                for case in group.get("alert_rule_test", []):
                    expected = case.get("exp_alerts")
                    (fires if expected else still).add(case["alertname"])
        self.assertEqual(fires, set(alerts()))
        self.assertEqual(still, set(alerts()) - {"Watchdog"})


class Rendering(unittest.TestCase):
    def render(self, folder, *arguments):
        render.main([str(folder), *arguments])
        return {name: load(folder / name) for name in render.RULE_FILES}

    def test_scale_one_changes_nothing(self):
        for name in render.RULE_FILES:
            text = (RULES / name).read_text(encoding="utf-8")
            self.assertEqual(render.render(text, 1, 15_000), text)

    def test_every_duration_is_scaled_and_every_number_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            rendered = self.render(pathlib.Path(folder) / "r")
            self.assertEqual(rendered["thresholds.yml"], load(RULES / "thresholds.yml"))
            for name, content in rendered.items():
                for rule in [rule for group in content["groups"] for rule in group["rules"]]:
                    for key in ("for", "keep_firing_for"):
                        self.assertLessEqual(render.to_ms(rule.get(key, "1s")), 60_000, rule)
                    for found in re.findall(r"\[(\w+)\]|offset (\w+)", rule["expr"]):
                        ms = render.to_ms(found[0] or found[1])
                        self.assertTrue(15_000 <= ms <= 60_000, rule)
            done = run("promtool", "check", "rules", *(str(pathlib.Path(folder) / "r" / n) for n in render.RULE_FILES))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_short_duration_never_grows(self):
        self.assertEqual(render.scaled("5s", 60, 15_000), "5s")
        self.assertEqual(render.scaled("1m", 60, 15_000), "15s")
        self.assertEqual(render.scaled("5m", 40, 1_000), "7500ms")

    def test_every_duration_in_the_rules_is_written_so_that_it_is_found(self):
        for name in render.RULE_FILES:
            for number, line in enumerate((RULES / name).read_text().splitlines(), start=1):
                if re.match(r"\s*(for|keep_firing_for)\s*:", line):
                    self.assertRegex(line, render.HOLD, f"{name}:{number}")

    def test_the_rules_themselves_are_never_overwritten(self):
        with self.assertRaises(SystemExit), open("/dev/null", "w") as quiet, unittest.mock.patch("sys.stderr", quiet):
            render.main([str(RULES)])

    def test_no_rule_file_is_forgotten(self):
        self.assertEqual(
            {p.name for p in RULES.glob("alerts-*.yml")} | {"thresholds.yml", "recordings.yml"}, set(render.RULE_FILES)
        )


class Configuration(unittest.TestCase):
    def test_the_lab_s_prometheus_loads_the_rendered_rules(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "prometheus.yml"
            config.write_text((LAB / "prometheus.yml").read_text())
            render.main([str(pathlib.Path(folder) / "rules")])
            done = run("promtool", "check", "config", str(config))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(render.RULE_FILES)} rule files found", done.stdout)

    def test_the_lab_scrapes_as_production_does_but_for_its_pace(self):
        lab, production = load(LAB / "prometheus.yml"), load(RULES / "prometheus.yml")
        for job in lab["scrape_configs"]:
            for discovery in job.get("http_sd_configs", []):
                discovery.pop("refresh_interval", None)
        self.assertEqual(lab["scrape_configs"], production["scrape_configs"])
        self.assertEqual(lab["alerting"], production["alerting"])

    def test_the_lab_notifies_as_production_does_but_for_pace_mail_and_token_file(self):
        def essence(config):
            config = copy.deepcopy(config)
            config.pop("global", None)
            for route in [config["route"], *config["route"]["routes"]]:
                for key in ("group_wait", "group_interval"):
                    route.pop(key, None)
            for receiver in config["receivers"]:
                receiver.pop("email_configs", None)
                for webhook in receiver.get("webhook_configs", []):
                    webhook["http_config"]["authorization"].pop("credentials_file")
            return config

        self.assertEqual(essence(load(LAB / "alertmanager.yml")), essence(load(RULES / "alertmanager.yml")))

    def receivers(self, **labels):
        done = run(
            "amtool",
            "config",
            "routes",
            "test",
            f"--config.file={RULES / 'alertmanager.yml'}",
            *(f"{k}={v}" for k, v in labels.items()),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip().split(",")

    def test_triggers_reach_the_actuator_and_people_everything_else_people_alone(self):
        for name, rule in alerts().items():
            labels = {k: v for k, v in rule["labels"].items() if v and "{{" not in v}
            expected = ["operators"]
            if name in TRIGGERS:
                expected = ["mailhub-actuator", "operators"]
            elif name == "Watchdog":
                expected = ["watchdog"]
            elif labels["severity"] == "info":
                expected = ["nobody"]
            self.assertEqual(self.receivers(alertname=name, **labels), expected, name)


if __name__ == "__main__":
    unittest.main()
