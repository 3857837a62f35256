#!/usr/bin/env python3
"""Hosts by name in the site file: the name moves, has several addresses, or cannot be resolved.

Runs itself in its own mount namespace, where /etc/hosts and /etc/resolv.conf are the test's.
"""

import atexit
import http.server
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

from harness import Exporter, Site, run, until

NAMESERVER = "127.0.53.1"


class Names:
    """/etc/hosts and /etc/resolv.conf of this namespace."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-names-test."))
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
        (self.folder / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n", encoding="utf-8")
        (self.folder / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
                                                   encoding="utf-8")
        for name in ("hosts", "resolv.conf", "nsswitch.conf"):
            run("mount", "--bind", self.folder / name, f"/etc/{name}")
        atexit.register(self.leave)

    def leave(self):
        for name in ("hosts", "resolv.conf", "nsswitch.conf"):
            run("umount", f"/etc/{name}")
        shutil.rmtree(self.folder)

    def are(self, **addresses):
        lines = [f"{address} {name}\n" for name, several in addresses.items() for address in several]
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(lines), encoding="utf-8")


def listen(address):
    server = http.server.HTTPServer((address, 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class NamesTest(unittest.TestCase):
    def setUp(self):
        self.server = listen("127.0.2.1")
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def site(self, site, name):
        site.add("here")  # an sshd on 127.0.2.1
        site.hosts["here"] |= {"address": name, "ports": {"one": self.server.server_port}}
        key = (site.folder / "host.pub").read_text(encoding="utf-8").split(" ")
        with (site.folder / "known_hosts").open("a", encoding="utf-8") as file:
            file.write(f"[{name}]:{site.port} {key[0]} {key[1]}\n")
        site.write()

    def test_ports_are_measured_where_the_name_leads_now(self):
        with Site() as site:
            self.site(site, "roamer")
            NAMES.are(roamer=["127.0.2.1"])
            with Exporter(site) as exporter:
                seen = exporter.probe("here", 10)
                self.assertEqual((seen["probe_success"], seen['mailhub_port_open{port="one"}']), (1, 1))
                NAMES.are(roamer=["127.0.2.2"])
                self.assertEqual(exporter.probe("here", 10)['mailhub_port_open{port="one"}'], 0)
                NAMES.are(roamer=["127.0.2.2", "127.0.2.1"])
                self.assertEqual(exporter.probe("here", 10)['mailhub_port_open{port="one"}'], 1)

    def test_a_name_may_hold_an_underscore(self):
        with Site() as site:
            self.site(site, "my_host")
            NAMES.are(my_host=["127.0.2.1"])
            with Exporter(site) as exporter:
                self.assertEqual(exporter.reason("here", 10), "")

    def test_a_silent_resolver_holds_up_neither_reload_nor_end(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, Site() as site:
            silent.bind((NAMESERVER, 53))
            self.site(site, "nobody.example.org")
            with Exporter(site) as exporter:
                self.assertEqual(exporter.reason("here", 1), "timeout")
                site.hosts["here"]["port"] = 1
                site.write()
                begun = time.monotonic()
                self.assertEqual(exporter.get("/-/ready")[0], 200)
                os.kill(exporter.process.pid, signal.SIGHUP)
                until("the new site file", lambda: '"port"' not in (page := exporter.page("/config")) and "port: 1\n" in page)
                self.assertLess(time.monotonic() - begun, 3)
                exporter.probe("here", 1)
                begun = time.monotonic()
            self.assertLess(time.monotonic() - begun, 3)


if __name__ == "__main__":
    if os.environ.get("MAILHUB_OWN_NAMES") != "1":
        users = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        os.environ["MAILHUB_OWN_NAMES"] = "1"
        os.execvp("unshare", ["unshare", *users, "--mount", sys.executable, *sys.argv])
    NAMES = Names()
    unittest.main()
