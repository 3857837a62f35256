#!/usr/bin/python3
"""10,000 probes with reconnects in between leave no trace in memory, file descriptors, and processes on the hosts.

Under AddressSanitizer the end of the program is judged too: a leak makes its exit status differ from 0.
"""

import os
import sys
import time
import unittest

sys.dont_write_bytecode = True

from harness import Exporter, Kept, Site, side_by_side, until  # noqa: E402

PROBES = 10_000
HOSTS = 4
WARM_UP = 1_000  # until the kept memory has been allocated
EVERY = 25  # probes of a host between two losses
# AddressSanitizer keeps freed memory in each thread, with its origin; at the end it reports leaks.
GROWTH_MIB = 64 if os.environ.get("MAILHUB_SANITIZE") else 4
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}


class Endurance(unittest.TestCase):
    maxDiff = None

    def test_ten_thousand_probes_leave_nothing_behind(self):
        with Site() as site:
            for number in range(HOSTS):
                checks = {"one": {"command": "echo 1"}} if number % 2 else {}  # the shell's; without, perl may answer
                site.add(f"host{number}", files={"passwd": {"path": "/etc/passwd"}}, checks=checks,
                         directories={"home": {"path": str(site.folder / "home")}}, ports={"closed": 1})
            site.write()
            with Exporter(site, env=SANITIZER) as exporter:
                self.endure(site, exporter)

    def endure(self, site, exporter):
        self.probe_all(site, exporter, WARM_UP)
        before = self.state(site, exporter)
        begun = time.monotonic()
        self.probe_all(site, exporter, PROBES)
        took = time.monotonic() - begun
        after = self.state(site, exporter)
        until("the connections of the probes to be closed", lambda: exporter.fds() <= before["fds"], 30)
        connects = exporter.metrics()['mailhub_exporter_ssh_connects_total{result="success"}']
        print(f"{PROBES} probes in {took:.0f} s, {connects:.0f} connects, {before['memory']:.1f} MiB before and "
              f"{after['memory']:.1f} after, {exporter.fds()} descriptors, {after['remote']} remote processes",
              file=sys.stderr)
        self.assertGreater(connects, PROBES / EVERY / 2)
        self.assertLess(after.pop("memory") - before.pop("memory"), GROWTH_MIB)
        self.assertEqual((after["remote"], after["threads"]), (before["remote"], before["threads"]))

    def state(self, site, exporter):
        """The resources at rest: each host has its session and its helper."""
        def calm():
            self.assertEqual([exporter.reason(name, 10) for name in site.hosts], [""] * HOSTS)
            remote = [sshd.commands() for sshd in site.sshds.values()]
            return remote if all(len(commands) == 1 for commands in remote) else None
        remote = until("one helper a host", calm, 30)
        return {"memory": exporter.memory(), "fds": exporter.fds(), "remote": sum(map(len, remote)),
                "threads": len(os.listdir(f"/proc/{exporter.process.pid}/task"))}

    def probe_all(self, site, exporter, probes):
        """All hosts in parallel, each losing its session or its helper at intervals."""
        failures = []

        def work(name):
            connection = Kept(exporter.address)
            for number in range(1, probes // HOSTS + 1):
                page = connection.get(f"/probe?target={name}")
                if "\nprobe_success 1\n" not in page:
                    failures.append((name, number, page))
                if number % EVERY == 0:
                    site.sshds[name].drop_sessions(commands_only=number % (2 * EVERY) == 0)
            connection.close()
        side_by_side(work, site.hosts)
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
