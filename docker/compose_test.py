#!/usr/bin/python3
"""docker/: compose.yaml against Compose's own schema; secrets are files; configurations are good; no service has more rights than it needs."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import yaml

DOCKER = pathlib.Path(__file__).resolve().parent
ROOT = DOCKER.parent


def run(*words):
    return subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True, timeout=60)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = run("docker-compose", "-f", DOCKER / "compose.yaml", "config")
        assert done.returncode == 0, done.stderr
        cls.whole = yaml.safe_load(done.stdout)
        cls.services = cls.whole["services"]

    def test_a_mistake_is_found(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write((DOCKER / "compose.yaml").read_text(encoding="utf-8").replace("read_only: true", "read_onli: true"))
            file.flush()
            self.assertNotEqual(run("docker-compose", "-f", file.name, "config").returncode, 0)

    def test_each_service_is_confined(self):
        for name, service in self.services.items():
            self.assertTrue(service["read_only"], name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertNotIn("privileged", service)
            self.assertEqual(service.get("cap_add", []), [])

    def test_what_is_published_is_on_loopback(self):
        for name, service in self.services.items():
            for port in service.get("ports", []):
                self.assertTrue(str(port).startswith("127.0.0.1:"), f"{name}: {port}")

    def test_secrets_are_files_and_are_not_in_the_repository(self):
        for name, secret in self.whole["secrets"].items():
            self.assertEqual(pathlib.Path(secret["file"]).parent, DOCKER / "secrets", name)
        self.assertIn("secrets/", (DOCKER / ".gitignore").read_text(encoding="utf-8").split())
        self.assertIn("docker/secrets", (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n"))
        for name, service in self.services.items():
            for variable, value in (service.get("environment") or {}).items():
                if any(word in variable for word in ("PASSWORD", "TOKEN", "SECRET")):
                    self.assertTrue(variable.endswith("__FILE") and value.startswith("/run/secrets/"), f"{name}: {variable}")

    def test_each_file_that_a_service_gets_exists(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0] if isinstance(volume, str) else volume["source"]
                if source.startswith("/"):
                    self.assertTrue(pathlib.Path(source).exists(), f"{name}: {source}")

    def test_configurations_are_good(self):
        for words in (("promtool", "check", "config", "--syntax-only", DOCKER / "config/prometheus.yml"),
                      ("amtool", "check-config", DOCKER / "config/alertmanager.yml")):
            done = run(*words)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_they_differ_from_the_examples_in_places_only(self):
        """docker/config has copies of rules/*.yml with other ports and paths."""
        for name in ("prometheus", "alertmanager"):
            ours = (DOCKER / f"config/{name}.yml").read_text(encoding="utf-8")
            example = (ROOT / f"rules/{name}.yml").read_text(encoding="utf-8")
            for lab, usual in (("19115", "9715"), ("19110", "9110"), ("19090", "9090"), ("19093", "9093")):
                example = example.replace(":" + lab, ":" + usual)
            example = example.replace("/etc/mailhub/webhook.token", "/run/secrets/webhook.token")
            for file in ("general/*.yml", "university/*.yml"):
                example = example.replace(f"  - {file}\n", f"  - rules/{file}\n")
            self.assertEqual(ours, example)

    def test_dashboards_and_their_data_source_are_provisioned(self):
        source = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))["datasources"][0]
        self.assertEqual((source["type"], source["url"]), ("prometheus", "http://127.0.0.1:9090"))
        provider = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/mailhub.yml").read_text(encoding="utf-8"))["providers"][0]
        targets = {str(v).split(":")[1] if isinstance(v, str) else v["target"] for v in self.services["grafana"]["volumes"]}
        self.assertIn(provider["options"]["path"], targets)
        for board in (ROOT / "dashboards").rglob("*.json"):
            json.loads(board.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
