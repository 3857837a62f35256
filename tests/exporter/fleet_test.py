#!/usr/bin/python3
"""200 hosts behind one exporter and one Prometheus: their cost, and that sick ones do not delay the others.

Each host is an sshd of its own. Prometheus judges: it finds the hosts by /sd, and its samples show whether each was
seen
in each interval and how long that took. `fleet_test.py --seconds 300` watches each state for five minutes.
"""

import argparse
import http.client
import os
import signal
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True

from harness import (EXPORTER, Exporter, Kept, Prometheus, Site, end, percentile, scrapes_of, side_by_side,  # noqa: E402
                     until)

HOSTS = 200
STAGES = (50, 100, 200)  # numbers of hosts at which memory is measured
SICK = 10  # as many frozen, and as many dead
INTERVAL_SECONDS = 15
LIMIT_MIB = 64
SECONDS = 30  # how long each state is watched
ROUNDS = 3  # a busy machine gets further attempts


def probe_all(exporter, hosts, workers=8):
    """Probes these hosts over kept connections; returns those that failed."""
    todo, failed = list(hosts), []

    def work(_):
        connection = Kept(exporter.address)
        while todo:
            try:
                host = todo.pop()
            except IndexError:
                break
            if "\nprobe_success 1\n" not in connection.get(f"/probe?target={host}"):
                failed.append(host)
        connection.close()
    side_by_side(work, range(workers))
    return failed


class Fleet(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.figures = []
        cls.site = cls.enterClassContext(Site())
        for number in range(HOSTS):
            cls.site.add(f"host{number:03}", processes={"exporter": {"exe": str(EXPORTER)}},
                         files={"passwd": {"path": "/etc/passwd"}}, ports={"ssh": cls.site.port},
                         directories={"home": {"path": str(cls.site.folder / "home")}})
        cls.names = list(cls.site.hosts)
        cls.frozen, cls.dead = cls.names[::HOSTS // SICK], cls.names[1::HOSTS // SICK]
        cls.well = [name for name in cls.names if name not in cls.frozen + cls.dead]

    @classmethod
    def tearDownClass(cls):
        print("\n" + "\n".join(f"{what:<58}{figure:>12}" for what, figure in cls.figures), file=sys.stderr)

    def note(self, what, figure):
        self.figures.append((what, figure))

    def test_200_hosts_cost_little_and_the_sick_ones_do_not_disturb_others(self):
        self.measure_memory()
        self.site.write()
        # Two hundred sshds share this machine with the exporter, so an answer may need longer for the way back.
        exporter = self.enterContext(Exporter(self.site, "--timeout-offset=1s"))
        prometheus = self.enterContext(
            Prometheus(self.site.folder, scrapes_of(exporter), interval=f"{INTERVAL_SECONDS}s"))
        seen = 'count(probe_success{job="mailhub"} == 1)'
        until("all hosts to be found", lambda: prometheus.value(seen) == HOSTS, 60)
        for attempt in range(ROUNDS):
            before, during = self.watch_both(exporter, prometheus)
            if during <= 2 * before:
                break
        self.note(f"p99 of the {len(self.well)} others, ratio", f"{during / before:.2f}")
        self.assertLessEqual(during, 2 * before, f"in each of {attempt + 1} rounds")
        self.assertLessEqual(exporter.memory("VmHWM"), LIMIT_MIB)
        self.watch_cut(exporter, prometheus)
        self.end_while_probes_hang(exporter)

    def measure_memory(self):
        """Memory of one exporter with 50, 100 and 200 hosts, each with its session and helper."""
        resident = {}
        for count in STAGES:
            self.site.write(self.names[:count])
            with Exporter(self.site) as exporter:
                for _ in range(3):
                    self.assertEqual(probe_all(exporter, self.names[:count]), [])
                self.assertEqual(exporter.metrics()["mailhub_exporter_ssh_sessions"], count)
                resident[count] = exporter.memory()
            self.note(f"resident memory with {count} hosts, MiB", f"{resident[count]:.1f}")
        low, middle, high = STAGES
        first = (resident[middle] - resident[low]) / (middle - low)
        then = (resident[high] - resident[middle]) / (high - middle)
        self.note(f"a further host, from {low} to {middle}, KiB", f"{first * 1024:.0f}")
        self.note(f"a further host, from {middle} to {high}, KiB", f"{then * 1024:.0f}")
        self.assertLessEqual(resident[high], LIMIT_MIB)
        self.assertLess(abs(then - first), 0.5 * max(first, then), f"grows linearly: {resident}")

    def watch_both(self, exporter, prometheus):
        before = self.watch_well(exporter, prometheus)
        for name in self.frozen:
            self.site.sshds[name].freeze()
        for name in self.dead:
            self.site.sshds[name].kill()
        try:
            during = self.watch_sick(exporter, prometheus)
        finally:
            for name in self.frozen:
                self.site.sshds[name].thaw()
            for name in self.dead:
                self.site.sshds[name].start()
                self.site.sshds[name].await_ready()
        thawed = time.time()
        until("the sick hosts to be back", lambda: prometheus.value('count(probe_success{job="mailhub"} == 1)') == HOSTS,
              2 * INTERVAL_SECONDS)
        self.note("all 200 well again after, s", f"{time.time() - thawed:.1f}")
        return before, during

    def watch_well(self, exporter, prometheus):
        cpu = exporter.cpu_seconds()
        begin, finish = self.watch("all well")
        probes = (finish - begin) / INTERVAL_SECONDS * HOSTS
        self.note("exporter CPU a probe, ms", f"{(exporter.cpu_seconds() - cpu) / probes * 1e3:.2f}")
        self.assert_no_gap(prometheus, self.names, begin, finish)
        up = prometheus.samples('up', begin, finish)
        self.assertEqual([name for name, values in up.items() if any(v != 1 for _, v in values)], [])
        success = prometheus.samples('probe_success{job="mailhub"}', begin, finish)
        failed = {name: values for name, values in success.items() if any(v != 1 for _, v in values)}
        self.assertEqual(failed, {})
        self.note("scrapes, all without a failure", sum(map(len, success.values())))
        return self.p99(prometheus, "all well", begin, finish)

    def watch_sick(self, exporter, prometheus):
        sick = '(sum by (instance) (mailhub_probe_failure{reason=~"timeout|connect"}) == 1)'
        until("the sick hosts to be noticed", lambda: prometheus.value(f"count({sick})") == 2 * SICK,
              3 * INTERVAL_SECONDS)
        begin, finish = self.watch("10 frozen, 10 dead")
        self.assert_no_gap(prometheus, self.names, begin, finish)  # the sick hosts, too, have an answer for each scrape
        up = prometheus.samples('up{job="mailhub"}', begin, finish)
        self.assertEqual([name for name, values in up.items() if any(v != 1 for _, v in values)], [])
        success = prometheus.samples('probe_success{job="mailhub"}', begin, finish)
        self.assertEqual([name for name in self.well if any(v != 1 for _, v in success[name])], [])
        self.assertEqual([name for name in self.frozen + self.dead if any(v != 0 for _, v in success[name])], [])
        for reason, names in (("timeout", self.frozen), ("connect", self.dead)):
            said = prometheus.samples(f'mailhub_probe_failure{{reason="{reason}"}}', begin, finish)
            self.assertEqual([name for name in names if any(v != 1 for _, v in said[name])], [], reason)
        self.note("resident memory then, MiB", f"{exporter.memory():.1f}")
        return self.p99(prometheus, "10 frozen, 10 dead", begin, finish)

    def watch_cut(self, exporter, prometheus):
        """As if a network was down: all but a few hosts hang, each for its scrape's whole time."""
        few = self.well[:SICK]
        for name in self.names:
            if name not in few:
                self.site.sshds[name].freeze()
        try:
            hang = f'count(mailhub_probe_failure{{reason="timeout"}} == 1) == {HOSTS - SICK}'
            until("the hosts to hang", lambda: prometheus.query(hang), 3 * INTERVAL_SECONDS)
            begin, finish = self.watch(f"{HOSTS - SICK} frozen", 2 * INTERVAL_SECONDS)
            up = prometheus.samples("up", begin, finish)
            self.assertEqual([name for name, values in up.items() if any(v != 1 for _, v in values)], [])
            success = prometheus.samples('probe_success{job="mailhub"}', begin, finish)
            self.assertEqual([name for name in few if any(v != 1 for _, v in success[name])], [])
            took = prometheus.samples('scrape_duration_seconds{job="mailhub"}', begin, finish)
            slowest = max(v for name in few for _, v in took[name])
            self.note(f"slowest scrape of the other {SICK}, ms", f"{slowest * 1e3:.1f}")
            self.note("resident memory then, MiB", f"{exporter.memory():.1f}")
        finally:
            for name in self.names:
                self.site.sshds[name].thaw()

    def watch(self, what, seconds=None):
        """Lets time pass: only samples within it count."""
        seconds = seconds or SECONDS
        self.note(f"watched, {what}, s", seconds)
        begin = time.time()
        time.sleep(seconds)
        return begin, time.time()

    def assert_no_gap(self, prometheus, names, begin, finish):
        """Each host has a scrape in each interval, with any result."""
        scrapes = prometheus.samples('up{job="mailhub"}', begin, finish)
        self.assertEqual(sorted(scrapes), sorted(names))
        for name, values in scrapes.items():
            times = [begin, *(t for t, _ in values), finish]
            gap = max(later - earlier for earlier, later in zip(times, times[1:]))
            # A sample has the time of its scrape's begin, and a running scrape has none yet.
            self.assertLess(gap, INTERVAL_SECONDS + 11, name)
            self.assertGreaterEqual(len(values), (finish - begin - 11) // INTERVAL_SECONDS, name)

    def p99(self, prometheus, what, begin, finish):
        took = prometheus.samples('scrape_duration_seconds{job="mailhub"}', begin, finish)
        values = [v for name in self.well for _, v in took[name]]
        self.note(f"scrapes of the {len(self.well)}, {what}: median, ms", f"{percentile(values, 0.5) * 1e3:.1f}")
        self.note(f"scrapes of the {len(self.well)}, {what}: p99, ms", f"{percentile(values, 0.99) * 1e3:.1f}")
        return percentile(values, 0.99)

    def end_while_probes_hang(self, exporter):
        for name in self.frozen:
            self.site.sshds[name].freeze()
        def timed_out():
            return exporter.metrics()['mailhub_exporter_probes_total{result="timeout"}']
        before = timed_out()
        probes = [threading.Thread(target=self.probe_and_be_left, args=(exporter, name)) for name in self.frozen]
        for probe in probes:
            probe.start()
        until("a probe to have timed out", lambda: timed_out() > before)
        begun = time.monotonic()
        os.kill(exporter.process.pid, signal.SIGTERM)
        status = end(exporter.process)
        took = time.monotonic() - begun
        self.note("ends with hanging probes after, s", f"{took:.2f}")
        for probe in probes:
            probe.join()
        self.assertEqual(status, 0)
        self.assertLess(took, 2.2)

    @staticmethod
    def probe_and_be_left(exporter, name):
        for _ in range(3):
            try:
                exporter.probe(name, 3)
            except (OSError, http.client.HTTPException, AssertionError):
                return


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=SECONDS, help="how long each state is watched")
    known, rest = options.parse_known_args()
    SECONDS = known.seconds
    unittest.main(argv=[sys.argv[0], *rest])
