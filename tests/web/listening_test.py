#!/usr/bin/python3
"""Where both programs listen, below which prefix, for how many at once; and that their landing pages lead somewhere."""

import socket
import sys
import threading
import unittest
import urllib.parse

sys.dont_write_bytecode = True

from programs import NAMES, Folder, Program, end, free_port, get, links_of, until  # noqa: E402


class Listening(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())

    def test_several_addresses(self):
        for name in NAMES:
            addresses = ("127.0.0.1:0", "[::1]:0", "127.0.0.2:0")
            flags = [f"--web.listen-address={address}" for address in addresses]
            with Program(self.folder, name, *flags, listeners=3) as program:
                listening = program.listening()
                for given, real in zip(addresses, listening):
                    self.assertTrue(real.startswith(given[:-1]), real)
                    self.assertEqual(get(f"http://{real}/-/healthy")[0], 200, real)

    def test_an_address_that_is_none_or_is_taken_is_refused(self):
        for name in NAMES:
            status, said = self.folder.refusal(name, "--web.listen-address=127.0.0.1:0", "--web.listen-address=everywhere")
            self.assertEqual(status, 1)
            self.assertIn("everywhere", said)
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                status, said = self.folder.refusal(name, "--web.listen-address=127.0.0.1:0", f"--web.listen-address=127.0.0.1:{port}")
                self.assertEqual(status, 1)
                self.assertIn(f"cannot listen on 127.0.0.1:{port}: Address already in use", said)

    def test_the_actuator_opens_no_address_to_others_without_a_login(self):
        status, said = self.folder.refusal("actuator", "--web.listen-address=127.0.0.1:0", "--web.listen-address=:0")
        self.assertEqual(status, 1)
        self.assertIn("TLS and authentication", said)

    def test_sockets_of_systemd(self):
        for name in NAMES:
            ports = [free_port(), free_port()]
            before = ["systemd-socket-activate", f"--listen=127.0.0.1:{ports[0]}", f"--listen=[::1]:{ports[1]}"]
            with Program(self.folder, name, "--web.systemd-socket", before=before):
                until("systemd's socket", lambda: _connects(ports[0]), 20)
                self.assertEqual(get(f"http://127.0.0.1:{ports[0]}/-/healthy")[0], 200, name)
                self.assertEqual(get(f"http://[::1]:{ports[1]}/-/healthy")[0], 200, name)

    def test_sockets_of_systemd_that_others_reach_need_a_login_too(self):
        port = free_port()
        before = ["systemd-socket-activate", f"--listen=0.0.0.0:{port}"]
        program = Program(self.folder, "actuator", "--web.systemd-socket", before=before)
        try:
            until("systemd's socket", lambda: _connects(port), 20)
            until("the actuator to refuse", lambda: program.process.poll() is not None, 20)
            self.assertIn("0.0.0.0:", program.log.read_text(encoding="utf-8"))
            self.assertIn("TLS and authentication", program.log.read_text(encoding="utf-8"))
        finally:
            end(program.process)

    def test_without_such_sockets_it_says_what_is_expected(self):
        for name in NAMES:
            status, said = self.folder.refusal(name, "--web.systemd-socket")
            self.assertEqual(status, 1)
            self.assertIn("systemd passes no socket; expected a socket unit", said)

    def test_a_prefix_stands_before_every_page(self):
        for name in NAMES:
            for flags in (["--web.route-prefix=/mail/hub"], ["--web.external-url=https://m.example.org/mail/hub/"]):
                with Program(self.folder, name, *flags) as program:
                    self.assertEqual(program.get("/mail/hub/-/healthy")[0], 200, name)
                    self.assertEqual(program.get("/mail/hub/metrics")[0], 200, name)
                    self.assertEqual(program.get("/-/healthy")[0], 404, name)
                    status, head, _ = program.get("/")
                    self.assertEqual((status, head["Location"]), (302, "/mail/hub/"))
            with Program(self.folder, name, "--web.external-url=https://m.example.org/x", "--web.route-prefix=/") as program:
                self.assertEqual(program.get("/-/healthy")[0], 200, "a proxy takes the prefix off")

    def test_a_prefix_that_is_none_is_refused(self):
        for name in NAMES:
            for flag in ("--web.route-prefix=/a b", "--web.external-url=m.example.org", "--web.external-url=https://u:p@m/"):
                for more in ([], ["--config.check"]):
                    status, said = self.folder.refusal(name, flag, *more)
                    self.assertEqual(status, 1, flag)
                    self.assertIn(flag.split("=")[0], said)
                    self.assertIn("expected", said)

    def test_beyond_the_rate_limit_only_a_notification_is_asked_for_again(self):
        self.folder.write("web.yml", "rate_limit: {interval: 1h, burst: 1}\n")
        for name in NAMES:
            with Program(self.folder, name, f"--web.config.file={self.folder.path}/web.yml") as program:
                self.assertEqual([program.get("/-/healthy")[0] for _ in range(3)], [200, 429, 429])
                if name == "actuator":
                    self.assertEqual(get(program.url + "/api/v1/alerts", method="POST")[0], 503)
                    self.assertEqual(get(program.url + "/api/v1/runs", method="POST")[0], 429)

    def test_unknown_flags_are_refused(self):
        for name in NAMES:
            status, said = self.folder.refusal(name, "--web.enable-lifecycle")
            self.assertEqual(status, 2)
            self.assertIn("--web.enable-lifecycle", said)

    def test_each_link_of_the_landing_page_leads_to_a_page(self):
        for name in NAMES:
            for prefix in ("", "/mail/hub"):
                with Program(self.folder, name, f"--web.route-prefix={prefix or '/'}") as program:
                    url = f"{program.url}{prefix}/"
                    status, head, body = get(url)
                    self.assertEqual(status, 200)
                    self.assertEqual(head["Content-Type"], "text/html; charset=utf-8")
                    links = links_of(body.decode(), url)
                    for page in ("metrics", "-/healthy", "-/ready"):
                        self.assertIn(url + page, links)
                    for link in links:
                        query = "?target=dead" if urllib.parse.urlsplit(link).path.endswith("/probe") else ""
                        self.assertEqual(get(link + query)[0], 200, link)

    def test_metrics_about_the_process_can_be_left_out(self):
        for name in NAMES:
            with Program(self.folder, name) as program:
                self.assertIn("\nprocess_open_fds ", program.get("/metrics")[2])
            with Program(self.folder, name, "--web.disable-exporter-metrics") as program:
                page = program.get("/metrics")[2]
                self.assertNotIn("process_", page.replace("mailhub_process_", ""))
                self.assertIn(f"\nmailhub_{name}_build_info{{", page)

    def test_further_scrapes_are_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            self.folder.write("site.yml", "ssh: {user: root, known_hosts: known_hosts, exporter_key: key}\n"
                                          f"hosts: {{silent: {{address: 127.0.0.1, port: {port}}}}}\n")
            with Program(self.folder, "exporter", "--web.max-requests=1") as program:
                probe = threading.Thread(target=program.get, args=("/probe?target=silent",),
                                         kwargs={"X_Prometheus_Scrape_Timeout_Seconds": "4"})
                probe.start()
                silent.settimeout(20)
                connection, _ = silent.accept()  # the probe waits for its words
                self.addCleanup(connection.close)
                self.assertEqual(program.get("/metrics")[0], 503)
                status, head, said = program.get("/probe?target=silent")
                self.assertEqual((status, head["Retry-After"]), (503, "5"))
                self.assertIn("--web.max-requests", said)
                self.assertEqual(program.get("/-/healthy")[0], 200, "it is no scrape")
                probe.join()
                self.assertEqual(program.get("/metrics")[0], 200)


def _connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
