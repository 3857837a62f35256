#!/usr/bin/python3
"""OpenMetrics pages of both programs, judged by another reader of the format and scraped by a real Prometheus."""

import json
import sys
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

sys.dont_write_bytecode = True

from programs import NAMES, Folder, Program, until  # noqa: E402

from harness import Exporter, Prometheus, Site, get, scrapes_of, series  # noqa: E402

TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def read(page):
    """{family: (type, {series: value})} as the other reader understands it. It raises where the page breaks a rule."""
    return {family.name: (family.type, {(s.name, tuple(sorted(s.labels.items()))): s.value for s in family.samples})
            for family in text_string_to_metric_families(page)}


class OpenMetrics(unittest.TestCase):
    def same(self, text, page):
        """Both formats have the same series. Bounds of buckets may be spelled differently."""
        def names(of):
            return {name.replace('.0"', '"') for name in series(of)}
        self.assertEqual(names(text), names(page.removesuffix("# EOF\n")))

    def check(self, get_page):
        for accept in ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text;q=0.5,text/plain;q=0.4"):
            status, head, page = get_page(accept)
            self.assertEqual((status, head["Content-Type"]), (200, TYPE))
            self.assertTrue(page.endswith("\n# EOF\n"))
            families = read(page)
        for name, (kind, samples) in families.items():
            self.assertFalse(name.endswith("_total"), name)
            for sample, _ in samples:
                self.assertFalse(sample.endswith("_created"), "it is not known")
                self.assertTrue(kind != "counter" or sample == name + "_total", sample)
        for accept in ("*/*", "text/plain;version=0.0.4", "application/openmetrics-text;q=0.4,text/plain;q=0.5"):
            status, head, text = get_page(accept)
            self.assertEqual((status, head["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
            self.same(text, page)
        return families

    def test_the_own_pages(self):
        with Folder() as folder:
            for name in NAMES:
                with Program(folder, name) as program:
                    families = self.check(lambda accept, of=program: of.get("/metrics", Accept=accept))
                    self.assertEqual(families["process_cpu_seconds"][0], "counter")
                    histogram = "mailhub_exporter_probe_seconds" if name == "exporter" else "mailhub_actuator_journal_commit_seconds"
                    self.assertEqual(families[histogram][0], "histogram")

    def test_a_probe_and_a_real_prometheus(self):
        with Site() as site:
            site.add("linux", processes={"sshd": {"exe": "/usr/sbin/sshd", "args_contain": str(site.folder)}}, files={"passwd": {"path": "/etc/passwd"}},
                     ports={"ssh": site.port}, checks={"number": {"command": "echo 42"}})
            site.add("dead", sshd=False)
            site.write()
            with Exporter(site) as exporter:
                for host in ("linux", "dead"):
                    families = self.check(lambda accept, target=host: self.text(exporter, f"/probe?target={target}", accept))
                    self.assertIn("probe_success", families)
                self.assertIn("mailhub_process_cpu_seconds", self.families(exporter, "linux"))
                with Folder() as folder, Program(folder, "actuator") as actuator:
                    jobs = scrapes_of(exporter)
                    jobs.append({"job_name": "mailhub_actuator", "static_configs": [{"targets": [actuator.url.removeprefix("http://")]}]})
                    with Prometheus(site.folder, jobs, "1s", "1s") as prometheus:
                        until("scrapes", lambda: len(prometheus.query("up == 1")) == 4)
                        self.assertEqual(prometheus.value('probe_success{instance="linux"}'), 1)
                        self.assertEqual(prometheus.value('probe_success{instance="dead"}'), 0)
                        self.assertIsNotNone(prometheus.value("mailhub_exporter_probes_total{result='success'}"))
                        self.assertIsNotNone(prometheus.value("mailhub_actuator_journal_errors_total"))
                        # Only OpenMetrics has the family under this name: so it is what Prometheus asked for.
                        for family in ("mailhub_exporter_probes", "mailhub_actuator_journal_errors", "mailhub_process_cpu_seconds"):
                            self.assertIn(family, self.metadata(prometheus))

    def text(self, exporter, path, accept):
        status, head, body = exporter.get(path, Accept=accept)
        return status, head, body.decode()

    def families(self, exporter, host):
        return read(self.text(exporter, f"/probe?target={host}", "application/openmetrics-text")[2])

    def metadata(self, prometheus):
        status, _, body = get(f"{prometheus.url}/api/v1/targets/metadata")
        self.assertEqual(status, 200)
        return {one["metric"] for one in json.loads(body)["data"] if one["type"] == "counter"}


if __name__ == "__main__":
    unittest.main()
