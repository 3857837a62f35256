#!/usr/bin/python3
"""The lab's Prometheus configuration and the rendered rules in a real Prometheus, fed by a stand-in for both programs.

Why: this tests discovery, relabelling, honor_labels, recordings and every dashboard query in seconds, without hosts.
The stand-in serves docs/metrics.md: each documented metric, with the names of the lab's site.
"""

import contextlib
import http.server
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import queries

ROOT = queries.ROOT
for folder in ("rules", "tests/lab", "tests"):
    sys.path.insert(0, str(ROOT / folder))
import live_queries  # noqa: E402
import render  # noqa: E402
from kit.programs import free_port  # noqa: E402

DEADLINE = 60
MAILHUBS = ("mailhub1", "mailhub2", "mailhub3")
SERVICES = {**{hub: "regclient" for hub in MAILHUBS}, "ex2k10-365a": "MailboxCreation"}
PROCESSES = {"x500": ("eddy", "eddy_root", "qubRA"), "cvshost": ("openRA",)}
THREADS = {"x500": ("qubRA", ("student",)), "cvshost": ("openRA", ("UNS", "alias"))}
HOSTS = (*SERVICES, *PROCESSES)
RUNS = ('runbook="mailhub-rebuild",host="mailhub2"', 'runbook="directory-restart",host=""')


def documented(section):
    """(name, type) pairs of a section of docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z_]+)` \| (gauge|counter|histogram) \|", text, re.M)


def labels_on(host, name):
    """The label sets of a host's metric; none if the host does not have its subject."""
    if name.startswith("mailhub_process_"):
        return [f'process="{process}"' for process in PROCESSES.get(host, ())]
    if name.startswith("mailhub_thread_"):
        process, threads = THREADS.get(host, ("", ()))
        return [
            f'process="{process}",thread="{thread}"' + (',state="S"' if name.endswith("state") else "")
            for thread in threads
        ]
    if name == "mailhub_service_state":
        return (
            [f'name="{SERVICES[host]}",state="{state}"' for state in ("active", "failed")] if host in SERVICES else []
        )
    if name.startswith("mailhub_service_"):
        return [f'name="{SERVICES[host]}"'] if host in SERVICES else []
    if name.startswith("mailhub_directory_"):
        return ['directory="deltas"'] if host == "x500" else []
    if name.startswith("mailhub_port_"):
        return ['port="directory"'] if host == "x500" else []
    if name.startswith("mailhub_file_"):
        return ['file="aliases"'] if host in MAILHUBS else []
    if name.startswith("mailhub_check_"):
        return ['check="alias_entries"'] if host in MAILHUBS else []
    fixed = {
        "mailhub_probe_failure": ['reason="connect"', 'reason="host_key"'],
        "mailhub_collector_success": ['collector="host"'],
        "mailhub_collector_duration_seconds": ['collector="host"'],
        "mailhub_host_cpu_seconds_total": ['mode="idle"', 'mode="user"'],
        "mailhub_host_info": ['boot_id="b",platform="linux"'],
    }
    return fixed.get(name, [""])


def actuator_labels(name):
    short = name.removeprefix("mailhub_actuator_")
    if short == "host_in_run":
        return ['instance="x500",runbook="mailhub-rebuild"', 'instance="mailhub2",runbook="mailhub-rebuild"']
    if short == "run_held":
        return []
    if short.startswith(("last_run_", "run_in_progress", "run_eta", "run_overdue")):
        return list(RUNS)
    if short == "gate_open":
        return [RUNS[0] + ',step="quiet"']
    if short in ("step_duration_seconds", "gate_wait_seconds"):
        return ['runbook="mailhub-rebuild",step="quiet"']
    return {
        "runs_total": ['runbook="mailhub-rebuild",result="succeeded"'],
        "mode": ['mode="active"'],
        "run_duration_seconds": ['runbook="mailhub-rebuild"'],
        "notifications_total": ['decision="x"'],
        "alerts_total": ['decision="started_run"', 'decision="rejected"'],
        "webhook_requests_total": ['code="200"'],
    }.get(short, [""])


def page(metrics, labels_of, elapsed):
    lines = []
    for name, kind in metrics:
        for labels in labels_of(name):
            value = elapsed + 1
            if name.endswith("_start_time_seconds"):
                # qubRA restarts now and then; the others' slope needs that they do not.
                value = 1000 + (elapsed // 3 * 10 if 'process="qubRA"' in labels else 0)
            elif name.endswith("_running") or name.endswith(("_in_progress", "_in_run", "probe_success", "host_cpus")):
                value = 1
            if kind == "histogram":
                for suffix, extra in (("_bucket", 'le="60"'), ("_bucket", 'le="+Inf"'), ("_sum", ""), ("_count", "")):
                    lines.append(f"{name}{suffix}{{{','.join(filter(None, (labels, extra)))}}} {value}")
            else:
                lines.append(f"{name}{{{labels}}} {value}")
    return "\n".join(lines) + "\n"


class Programs(http.server.BaseHTTPRequestHandler):
    """Exporter and actuator on one port. `hidden` metrics are left out."""

    began = time.monotonic()
    hidden = set()

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        elapsed = time.monotonic() - self.began
        kind = "text/plain"
        if url.path == "/sd":
            kind, text = "application/json", '[{"targets": [%s]}]' % ", ".join(f'"{host}"' for host in HOSTS)
        elif url.path == "/probe":
            host = urllib.parse.parse_qs(url.query)["target"][0]
            text = page(self.visible("Exporter: `/probe?target=HOST`"), lambda name: labels_on(host, name), elapsed)
        else:
            text = page(self.visible("Exporter: `/metrics`"), lambda name: [""], elapsed)
            text += page(self.visible("Actuator: `/metrics`"), actuator_labels, elapsed)
            text += page(self.visible("Both programs: `/metrics`"), lambda name: [""], elapsed)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def visible(self, section):
        return [metric for metric in documented(section) if metric[0] not in self.hidden]

    def log_message(self, *_):
        pass


class Rehearsal(unittest.TestCase):
    def start(self, hidden=()):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        Programs.hidden = set(hidden)
        listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Programs)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        self.addCleanup(listener.server_close)
        self.addCleanup(listener.shutdown)
        ports = {
            "19115": listener.server_port,
            "19110": listener.server_port,
            "19090": free_port(),
            "19093": free_port(),
        }
        text = (ROOT / "tests" / "lab" / "config" / "prometheus.yml").read_text()
        for port, actual in ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{actual}")
        (folder / "prometheus.yml").write_text(text)
        self.assertEqual(render.main([str(folder), "--time-scale", "60"]), 0)
        self.alertmanager(folder, ports["19093"])
        url = f"127.0.0.1:{ports['19090']}"
        self.run_server(
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--web.listen-address={url}",
            f"--storage.tsdb.path={folder / 'data'}",
        )
        return f"http://{url}"

    def alertmanager(self, folder, port):
        config = (ROOT / "tests" / "lab" / "config" / "alertmanager.yml").read_text()
        (folder / "alertmanager.yml").write_text(config.replace("127.0.0.1:19110", f"127.0.0.1:{free_port()}"))
        (folder / "webhook.token").write_text("token")
        self.run_server(
            "prometheus-alertmanager",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'am'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        )

    def run_server(self, *command):
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait, 10)
        self.addCleanup(server.terminate)

    def complaints_after_settling(self, url, settled):
        """(expression, defect) pairs, asked again until settled(expressions) or the deadline."""
        deadline = time.monotonic() + DEADLINE
        checks = live_queries.checks("5m", "15s")
        while True:
            with contextlib.suppress(live_queries.PrometheusAway):
                found = {check[2]: said for check in checks if (said := live_queries.complaint(url, check, 300))}
                if settled(found) or time.monotonic() > deadline:
                    return found
            self.assertLess(time.monotonic(), deadline, "Prometheus never answered")
            time.sleep(0.5)

    def quietly(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return live_queries.main(list(arguments))

    def test_every_query_has_data_when_every_documented_metric_is_there(self):
        url = self.start()
        self.assertEqual(self.complaints_after_settling(url, lambda found: not found), {})
        self.assertEqual(self.quietly(url, "--window", "5m"), 0)
        found = live_queries.ask(url, "query", query='mailhub_actuator_host_in_run{instance="x500"}')
        self.assertEqual(len(found), 1, "honor_labels keeps the actuator's own instance label")
        named = 'count(up{job="mailhub",instance=~"x500|mailhub[123]|cvshost|ex2k10-365a"})'
        found = live_queries.ask(url, "query", query=named)
        self.assertEqual(found[0]["value"][1], "6", "targets are named after their hosts")
        said = live_queries.complaint(url, ("here", "rate(up)", "rate(up)", True, True), 300)
        self.assertTrue(said.startswith("failed: "), said)

    def test_only_a_metric_without_an_exporter_is_missed(self):
        url = self.start(hidden={"mailhub_port_open"})
        found = self.complaints_after_settling(url, lambda found: all("mailhub_port_open" in expr for expr in found))
        self.assertIn('last_over_time(mailhub_port_open{job="mailhub",port="directory"}[5m])', found)
        self.assertEqual({expr for expr in found if "mailhub_port_open" not in expr}, set())
        self.assertEqual(set(found.values()), {"returned no data"})
        self.assertEqual(self.quietly(url, "--window", "5m"), 1)

    def test_a_prometheus_that_is_not_there_is_not_a_missing_metric(self):
        self.assertEqual(self.quietly(f"http://127.0.0.1:{free_port()}"), 2)


if __name__ == "__main__":
    unittest.main()
