#!/usr/bin/python3
"""1,000 hosts behind one exporter and one Prometheus, then with 500 silent connections to the exporter.

Each host is an sshd with processes of its own, and Prometheus judges. `large_fleet_test.py --seconds 300` watches each
for five minutes.
"""

import argparse
import selectors
import socket
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True

from harness import Exporter, Prometheus, Site, percentile, scrapes_of, until  # noqa: E402

HOSTS = 1000
SILENT = 500
INTERVAL_SECONDS = 15
LIMIT_MIB = 150
LIMIT_SECONDS = 0.05  # 99 of 100 scrapes
SECONDS = 60  # how long each state is watched


class SilentClients:
    """Connections that never send anything. The exporter closes them in time; each comes again at once."""

    def __init__(self, address):
        host, port = address.split(":")
        self.address = (host, int(port))
        self.selector = selectors.DefaultSelector()
        self.sent_away = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.come_again)

    def __enter__(self):
        for _ in range(SILENT):
            self.selector.register(socket.create_connection(self.address), selectors.EVENT_READ)
        self.thread.start()
        return self

    def come_again(self):
        while not self.over.is_set():
            for key, _ in self.selector.select(0.2):
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
                self.selector.register(socket.create_connection(self.address), selectors.EVENT_READ)
                self.sent_away += 1

    def __exit__(self, *unused):
        self.over.set()
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


class LargeFleet(unittest.TestCase):
    maxDiff = None

    def test_each_look_at_each_of_1000_hosts_succeeds_and_is_quick(self):
        site = self.enterContext(Site())
        for number in range(HOSTS):
            # No port: sshd starts a process for each look at its port, which would take most of this machine's time.
            site.add(f"host{number:03}", apart=True, processes={"sshd": {"exe": "/usr/sbin/sshd"}},
                     files={"passwd": {"path": "/etc/passwd"}})
        site.write()
        exporter = self.enterContext(Exporter(site))
        # The logins come first, a few at a time. A Prometheus that starts while this machine is busy with 1,000 of them
        # spreads its scrapes badly, for its whole life.
        with ThreadPoolExecutor(8) as pool:
            self.assertEqual(set(pool.map(exporter.reason, site.hosts)), {""})
        prometheus = self.enterContext(Prometheus(site.folder, scrapes_of(exporter), interval=f"{INTERVAL_SECONDS}s"))
        seen = 'count(probe_success{job="mailhub"} == 1)'
        until("all hosts to be seen", lambda: prometheus.value(seen) == HOSTS, 300)
        with self.subTest("alone"):
            self.watch("alone", exporter, prometheus)
        with SilentClients(exporter.address) as clients, self.subTest("silent clients"):
            self.watch(f"with {SILENT} silent clients", exporter, prometheus)
        self.assertGreaterEqual(clients.sent_away, SILENT, "nobody was sent away")

    def watch(self, what, exporter, prometheus):
        cpu, begin = exporter.cpu_seconds(), time.time()
        time.sleep(SECONDS)  # only samples within it count
        finish = time.time()
        cpu = exporter.cpu_seconds() - cpu
        success = prometheus.samples('probe_success{job="mailhub"}', begin, finish)
        took = prometheus.samples('scrape_duration_seconds{job="mailhub"}', begin, finish)
        scrapes = sorted(seconds for values in took.values() for _, seconds in values)
        print(f"{what}: {len(scrapes)} scrapes in {finish - begin:.0f} s, median {percentile(scrapes, 0.5) * 1e3:.1f} ms, "
              f"p99 {percentile(scrapes, 0.99) * 1e3:.1f} ms, slowest {scrapes[-1] * 1e3:.1f} ms, "
              f"CPU {cpu / len(scrapes) * 1e3:.2f} ms each, memory {exporter.memory('VmHWM'):.1f} MiB at most", file=sys.stderr)
        self.assertEqual(len(success), HOSTS)
        self.assertEqual({name: values for name, values in success.items() if any(v != 1 for _, v in values)}, {})
        up = prometheus.samples('up{job="mailhub"}', begin, finish)
        self.assertEqual({name: values for name, values in up.items() if any(v != 1 for _, v in values)}, {})
        reasons = prometheus.value(f"count(max_over_time(mailhub_probe_failure[{int(finish - begin)}s]) > 0)", finish)
        self.assertIsNone(reasons, "a failure's reason was given")
        self.assertGreaterEqual(min(map(len, up.values())), (finish - begin - 11) // INTERVAL_SECONDS, "a scrape is missing")
        self.assertLessEqual(exporter.memory("VmHWM"), LIMIT_MIB)
        self.assertLessEqual(percentile(scrapes, 0.99), LIMIT_SECONDS)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=SECONDS, help="how long each state is watched")
    known, rest = options.parse_known_args()
    SECONDS = known.seconds
    unittest.main(argv=[sys.argv[0], *rest])
