#!/usr/bin/python3
"""The exporter's pages, judged by promtool, and its behaviour under its service manager."""

import gzip
import json
import pathlib
import re
import signal
import socket
import sys
import unittest

sys.dont_write_bytecode = True

from harness import EXPORTER, Exporter, Site, promtool_says, series, until  # noqa: E402

# A host's output of `sc.exe query NAME`, in place of a Windows host.
SC = ("ForceCommand case $SSH_ORIGINAL_COMMAND in 'sc.exe query '*) "
      "printf '\\r\\nSERVICE_NAME: Spooler\\r\\n        TYPE : 110  WIN32_OWN_PROCESS\\r\\n        STATE : 4  RUNNING\\r\\n"
      "        WIN32_EXIT_CODE : 0  (0x0)\\r\\n        SERVICE_EXIT_CODE : 0  (0x0)\\r\\n';; *) exit 1;; esac")


class Pages(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.site = self.enterContext(Site())

    def everything(self):
        """All that a site file can ask of a host; the exporter looks at itself."""
        return {"processes": {"exporter": {"exe": str(EXPORTER)}, "absent": {"exe": "/nowhere", "args_lack": "x"}},
                "services": {"ssh": {"kind": "sysv"}, "absent": {"kind": "sysv"}},
                "directories": {"home": {"path": str(self.site.folder / "home")}},
                "files": {"passwd": {"path": "/etc/passwd"}, "absent": {"path": "/nowhere"}},
                "ports": {"ssh": self.site.port, "closed": 1},
                "checks": {"number": {"command": "echo 42"}, "fails": {"command": "exit 1"}}}

    def test_promtool_accepts_each_page_of_each_platform(self):
        site = self.site
        site.add("linux", **self.everything(), threads={"exporter": ["mailhub_exporte", "absent"]})
        site.add("posix", platform="posix", **self.everything())
        site.add("windows", SC, platform="windows", services={"Spooler": {}}, ports={"ssh": site.port})
        site.add("bare")
        site.add("dead", sshd=False, **self.everything())
        (site.folder / "home" / "a file").write_text("x", encoding="utf-8")
        site.write()
        with Exporter(site) as exporter:
            pages = {}
            for name in site.hosts:
                for _ in range(2):  # the second has differences, and an age, to show
                    pages[name] = exporter.page(f"/probe?target={name}", 10)
                self.assertEqual(promtool_says(pages[name]), "", f"{name}\n{pages[name]}")
            pages["/metrics"] = exporter.page("/metrics")
            self.assertEqual(promtool_says(pages["/metrics"]), "", pages["/metrics"])
        for page in pages.values():  # promtool accepts a repeated series
            samples = [line for line in page.splitlines() if line and not line.startswith("#")]
            self.assertEqual(len(series(page)), len(samples), page)
        seen = {name: series(page) for name, page in pages.items()}
        for name in ("linux", "posix", "windows", "bare"):
            failed = [s for s, v in seen[name].items() if s.startswith("mailhub_collector_success") and v != 1]
            self.assertEqual((seen[name]["probe_success"], failed), (1, []), pages[name])
        for name in ("linux", "posix"):
            self.assertGreaterEqual(seen[name]['mailhub_process_running{process="exporter"}'], 1)  # other tests have theirs
            self.assertEqual(seen[name]['mailhub_process_running{process="absent"}'], 0)
            self.assertEqual(seen[name]['mailhub_directory_files{directory="home"}'], 1)
            self.assertEqual(seen[name]['mailhub_file_exists{file="absent"}'], 0)
            self.assertEqual(seen[name]['mailhub_check_value{check="number"}'], 42)
            self.assertEqual(seen[name]['mailhub_check_success{check="fails"}'], 0)
            self.assertEqual(seen[name]['mailhub_port_open{port="closed"}'], 0)
        self.assertEqual(seen["linux"]['mailhub_thread_running{process="exporter",thread="absent"}'], 0)
        self.assertEqual(seen["windows"]['mailhub_service_state{name="Spooler",state="active"}'], 1)
        self.assertEqual(seen["dead"]['mailhub_probe_failure{reason="connect"}'], 1)

    def test_each_metric_documents_the_meaning_of_its_0_and_its_test(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        text = (root / "docs" / "metrics.md").read_text(encoding="utf-8")
        listed = text.split("## Exporter: `/probe")[1].split("### What 0")[0]
        table = text.split("### What 0")[1].split("\n## ")[0]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]
        told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[0])}
        self.assertEqual(set(re.findall(r"^\| `([a-z_]+)`", listed, re.M)) - told, set())
        sources = "".join(path.read_text(encoding="utf-8")
                          for pattern in ("exporter/**/*_test.cc", "tests/exporter/*_test.py") for path in root.glob(pattern))
        for row in rows:
            self.assertEqual(len(row), 4, row)
            tests = re.findall(r"`(\w+)`", row[3])
            self.assertTrue(tests, row)
            for test in tests:
                self.assertRegex(sources, rf"(, |def ){test}\(?", f"{row[0]} names a test that is not there")

    def test_each_exported_metric_is_documented_and_the_reverse(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        text = (root / "docs" / "metrics.md").read_text(encoding="utf-8").split("## Actuator")[0]
        documented = set(re.findall(r"^\| `((?:mailhub|probe)_[a-z_]+)`", text, re.M))
        program = [path for path in (root / "exporter").rglob("*")
                   if path.suffix in (".cc", ".h") and not re.search(r"_test\.cc$|testing", path.name)]
        sources = "".join(path.read_text(encoding="utf-8") for path in program)
        named = set(re.findall(r'"((?:mailhub|probe)_[a-z_]*[a-z])"', sources)) - {"mailhub_exporter"}  # its own name
        self.assertEqual(named, documented)

    def test_series_keep_their_order(self):
        self.site.add("linux", **self.everything())
        self.site.write()
        with Exporter(self.site) as exporter:
            first, second = (list(series(exporter.page("/probe?target=linux", 10))) for _ in range(2))
        self.assertEqual(first, second)

    def test_a_page_is_gzipped_for_clients_that_accept_that_with_the_same_text(self):
        self.site.add("linux", **self.everything())
        self.site.write()
        with Exporter(self.site) as exporter:
            _, headers, body = exporter.get("/probe?target=linux", Accept_Encoding="gzip")
            self.assertEqual(headers["content-encoding"], "gzip")
            packed = gzip.decompress(body).decode()
            _, headers, body = exporter.get("/probe?target=linux")
            self.assertIsNone(headers["content-encoding"])
            self.assertEqual(list(series(packed)), list(series(body.decode())))
            self.assertTrue(headers["content-type"].startswith("text/plain; version=0.0.4"))

    def test_flags_have_their_effect(self):
        self.site.add("linux")
        self.site.write()
        with Exporter(self.site, "--log.format=json", "--log.level=debug", "--web.telemetry-path=/own",
                      "--timeout-offset=2s") as exporter:
            self.assertIn("mailhub_exporter_build_info", exporter.page("/own"))
            self.assertEqual(exporter.get("/metrics")[0], 404)
            self.assertEqual(exporter.probe("linux", 10)["probe_timeout_seconds"], 8)
            self.assertIn('href="./own"', exporter.page("/"))
        for line in exporter.log.read_text(encoding="utf-8").splitlines():
            json.loads(line)

    def test_the_service_manager_hears_of_readiness_life_reload_and_end(self):
        self.site.add("linux")
        self.site.write()
        path = str(self.site.folder / "notify")
        heard = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(20)

            def hear(what):
                def heard_it():
                    heard.append(manager.recv(4096).decode())
                    return what in heard[-1]
                until(what, heard_it, 20)
            with Exporter(self.site, env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}) as exporter:
                hear("READY=1")
                hear("WATCHDOG=1")
                hear("WATCHDOG=1")
                exporter.process.send_signal(signal.SIGHUP)
                hear("RELOADING=1")
                hear("READY=1")
                exporter.process.send_signal(signal.SIGTERM)
                hear("STOPPING=1")


if __name__ == "__main__":
    unittest.main()
