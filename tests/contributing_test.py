#!/usr/bin/env python3
"""CONTRIBUTING.md names the files that its examples touch."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The spelling of each example in the code.
SPELLED = {
    "always_failed": r"\bkAlwaysFailed\b|\balways_failed\b",
    "host_takeover": r"\bHostTakeover\b|\bhost_takeover\b",
    "skip": r"\bkSkip\b|\"skip\"",
    "CloseEpisode": r"\bCloseEpisode\b|/api/v1/episodes/",
    "unfinished_runs": r"unfinished_runs",
    "slack": r"\bSlackBody\b|\"slack\"",
    "sysv": r"\bkSysv\b|\bsysv\b",
    "mailhub_port_connect_seconds": r"\bmailhub_port_connect_seconds\b",
    "mailhub_actuator_queue_length": r"\bmailhub_actuator_queue_length\b",
    "HostKeyMismatch": r"\bHostKeyMismatch\b",
    "/api/v1/history": r"/api/v1/history\b|\bHistory\(const (http::Request|engine::RunFilter)&|\bPastRunText\b|\bParseHistory\b",
    "history": r'"history"|/api/v1/history"',
    "confirm": r'"confirm"|\bkConfirm\b|^\| `confirm',
    "checks": r"\bkChecks\b|\bkCheckCollector\b|\bmailhub_check_success\b",
}
# Where each may be spelled for other reasons: its users are not part of adding it.
APART = {
    "mailhub_port_connect_seconds": ("dashboards",),
    "mailhub_actuator_queue_length": ("dashboards", "rules"),
    "checks": ("dashboards",),
    "history": ("actuator/api",),
    "confirm": ("actuator/engine", "actuator/api", "actuator/ctl", "actuator/notify", "actuator/service", "docs/operating.md", "docs/sentences.md", "rules"),
    "host_takeover": (),
    "skip": ("actuator/engine/input.h",),
    "unfinished_runs": ("actuator/ctl", "docs/sentences.md"),
}


def product():
    for top in ("actuator", "exporter", "lib", "rules", "dashboards", "docs"):
        for path in sorted((ROOT / top).rglob("*")):
            name = str(path.relative_to(ROOT))
            test = re.search(r"_test\.(cc|py)$|/tests?/|testing|sample_events", name)
            if path.is_file() and not test and path.suffix in (".cc", ".h", ".py", ".yml", ".json", ".md", ".sh"):
                yield name, path.read_text(encoding="utf-8")


class Contributing(unittest.TestCase):
    maxDiff = None

    def test_each_list_has_the_files_of_its_example(self):
        text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        sections = re.findall(r"^### [^\n]* like `([^`]+)`\n(.*?)(?=^###|\Z)", text, re.M | re.S)
        self.assertEqual({example for example, _ in sections}, set(SPELLED))
        files = list(product())
        for example, section in sections:
            listed = set(re.findall(r"^\d+\. `([^`]+)`", section, re.M))
            apart = APART.get(example, ())
            touched = {name for name, content in files
                       if re.search(SPELLED[example], content, re.M) and not name.startswith(apart)}
            with self.subTest(example):
                self.assertEqual(listed, touched)


if __name__ == "__main__":
    unittest.main()
