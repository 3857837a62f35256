#!/usr/bin/python3
"""Checks across rules, their tests, their documentation, and the lab's copies of the configuration."""

import copy
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import mixin
import render

RULES = pathlib.Path(__file__).resolve().parent
ROOT = RULES.parent
LAB = ROOT / "tests" / "lab" / "config"
SETS = ("general", "university")
# What only the university has: none of it may be in the rules of other sites.
UNIVERSITY = re.compile(
    r"eddy|qubra|openra|regclient|mailboxcreation|x500|cvshost|ex2k10|mailhub\d|aliases|deltas|registration|universit"
    r"|directory-restart|mailhub-rebuild|threshold",
    re.I,
)
TRIGGERS = {"DirectoryMemoryHigh": "directory-restart", "TablesStale": "mailhub-rebuild"}
# The alerts that a run itself causes, or may cause, by stopping, restarting or loading something.
SIDE_EFFECTS = {
    "DirectoryProcessDown",
    "DirectoryRootProcessDown",
    "DirectoryNotAnswering",
    "CpuIdleLow",
    "QubraProcessDown",
    "QubraThreadDown",
    "DeltaBacklog",
    "RegclientDown",
    "ProcessDown",
    "ThreadDown",
    "ServiceDown",
    "PortClosed",
}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rule_files(*sets):
    return sorted(path for chosen in sets for path in (RULES / chosen).glob("*.yml"))


def rules(*sets):
    for path in rule_files(*(sets or SETS)):
        for group in load(path)["groups"]:
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
                self.assertEqual(
                    rule["annotations"]["runbook_url"], f"https://docs.example.org/mailhub/alerts.md#{name.lower()}"
                )

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
        named = [rule["record"][18:] for rule in rules() if rule.get("record", "").startswith("mailhub:threshold:")]
        expr = alerts()["ThresholdMissing"]["expr"]
        self.assertEqual(re.search(r":\((.+?)\)", expr)[1].split("|"), named)
        self.assertTrue(expr.rstrip().endswith(f"< {len(named)}"))
        self.assertEqual(set(named), set(mixin.load().thresholds), "a number of the configuration that no rule uses")

    def test_the_rules_of_every_site_know_nothing_of_one_site(self):
        for path in rule_files("general"):
            found = [
                line for line in path.read_text(encoding="utf-8").splitlines()
                if UNIVERSITY.search(line.split("runbook_url")[0])
            ]
            self.assertEqual(found, [], path)
        names = {rule["alert"] for rule in rules("general") if "alert" in rule}
        self.assertNotIn("DirectoryUnwatched", names)
        self.assertIn("ProbesAbsent", names, "which says at every site that there is no data")

    def test_each_name_with_an_alert_of_its_own_is_named_by_one(self):
        asked = " ".join(rule["expr"] for rule in rules("university") if "alert" in rule)
        general = " ".join(rule["expr"] for rule in rules("general") if "alert" in rule)
        own = [rule for rule in rules("university") if rule.get("record", "").startswith("mailhub:own_alert:")]
        self.assertGreater(len(own), 5)
        for rule in own:
            ((label, name),) = rule["labels"].items()
            self.assertIn(f'{label}="{name}"', asked, rule)
            self.assertIn(f"unless on ({label}) {rule['record']}\n", general + "\n", rule)

    def test_every_alert_has_a_test_that_fires_with_its_text_and_one_that_does_not(self):
        for chosen in SETS:
            here = {rule["alert"] for rule in rules(chosen) if "alert" in rule}
            fires, still = set(), set()
            for path in (RULES / chosen / "tests").glob("*.yml"):
                for group in load(path)["tests"]:
                    for case in group.get("alert_rule_test", []):
                        expected = case.get("exp_alerts")
                        (fires if expected else still).add(case["alertname"])
            self.assertEqual(fires & here, here, chosen)
            self.assertEqual(still & here, here - {"Watchdog"}, chosen)


class Configuration(unittest.TestCase):
    def test_the_lab_s_prometheus_loads_the_rendered_rules(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "prometheus.yml"
            config.write_text((LAB / "prometheus.yml").read_text())
            self.assertEqual(render.main([folder, "--time-scale", "60"]), 0)
            done = run("promtool", "check", "config", str(config))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(rule_files(*SETS))} rule files found", done.stdout)

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
