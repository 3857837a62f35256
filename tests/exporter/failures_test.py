#!/usr/bin/python3
"""Every reason of a failed probe, produced for real; lying hosts cost bounded memory and leave nothing behind.

A failing host's answer is a forced command, which sshd gives to the login shell instead of the exporter's command.
"""

import os
import socket
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True

from harness import Exporter, Site, run, side_by_side, until  # noqa: E402

SCRAPE_SECONDS = 2  # the scrape's timeout; minus 250 ms for the way back
PATIENCE_SECONDS = 10
# A helper that answers only until it is asked to look.
SAYS_HELLO = "while read -r word nonce rest; do case $word in hello) printf '\\n%s hello 1\\n' $nonce;; go) "
BEGINS = "printf '\\n%s begin 1\\nuptime 1\\nsection host 1\\n' $nonce; "

# A host's answer, and the probe's reason for it. The first ones would go on for ever.
LIARS = {
    "zeros": ("cat /dev/zero", "protocol"),
    "binary": ("cat /dev/urandom", "protocol"),
    "lines": ("yes", "protocol"),
    "endless-line": ("yes | tr -d '\\n'", "protocol"),
    "zeros-in-reply": (SAYS_HELLO + BEGINS + "cat /dev/zero;; esac; done", "protocol"),
    "lines-in-reply": (SAYS_HELLO + BEGINS + "yes;; esac; done", "protocol"),
    "sections-in-reply": (SAYS_HELLO + "printf '\\n%s begin 1\\n' $nonce; while :; do echo section a$((i=i+1)) 1; "
                          "echo done a$i 1; done;; esac; done", "protocol"),
    "binary-in-reply": (SAYS_HELLO + BEGINS + "cat /dev/urandom;; esac; done", "protocol"),
    "stderr-for-ever": ("cat /dev/zero >&2", "timeout"),
    "blank-lines": (SAYS_HELLO + "yes '';; esac; done", "protocol"),
    "never-answers": ("sleep 20", "timeout"),
    "trickle": (SAYS_HELLO + BEGINS + "while sleep 0.1; do echo x; done;; esac; done", "timeout"),
    "closes": ("true", "protocol"),
    "nologin": ("/usr/sbin/nologin", "protocol"),
    "shell-is-cat": ("exec cat -c \"$SSH_ORIGINAL_COMMAND\"", "protocol"),
    "shell-is-python": ("exec /usr/bin/python3 -c \"$SSH_ORIGINAL_COMMAND\"", "protocol"),
}
# Login shells that are no POSIX shells, started as by sshd: they must simply work.
SHELLS = ["tcsh", "fish", "dash", "mksh", "ksh93", "busybox sh"]


def forced(command):
    return f"ForceCommand {command}"


def probe_all(exporter, expected):
    """All at once, as Prometheus might: {host: reason}. Hosts that are expected to hang get little time."""
    def probe(host):
        timeout = SCRAPE_SECONDS if expected[host] == "timeout" else PATIENCE_SECONDS
        begun = time.monotonic()
        reason = exporter.reason(host, timeout)
        return host, reason if time.monotonic() - begun <= timeout else "too late"
    return dict(side_by_side(probe, expected))


class Babbler:
    """A TCP server whose greeting is not SSH: endless bytes, or one answer."""

    def __init__(self, address, port, greeting, again):
        self.server = socket.create_server((address, port))
        self.greeting, self.again = greeting, again
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                try:
                    client.sendall(self.greeting)
                    while self.again:
                        client.sendall(self.greeting)
                except OSError:
                    pass

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


class Hosts(unittest.TestCase):
    """Each test's own hosts, and one exporter that probes them."""

    maxDiff = None

    def setUp(self):
        self.site = self.enterContext(Site())

    def start(self):
        self.site.write()
        return self.enterContext(Exporter(self.site, "--log.level=debug"))


class Reasons(Hosts):
    def test_each_reason_is_seen_when_it_is_provoked(self):
        site = self.site
        site.add("good")
        if os.environ.get("MAILHUB_SANITIZE") != "thread":  # which cannot handle glibc's resolver threads
            site.add("resolve", sshd=False, address="no-such-host.invalid")
        site.add("connect", sshd=False)
        site.key("other_host")
        site.add("host_key", f"HostKey {site.folder}/other_host")
        site.key("stranger")
        site.add("auth", f"AuthorizedKeysFile {site.folder}/stranger.pub")
        frozen = site.add("timeout")
        site.add("protocol", forced("echo this is not the helper"))
        exporter = self.start()
        self.assertEqual(exporter.reason("timeout", PATIENCE_SECONDS), "")  # so that a kept session freezes
        frozen.freeze()
        self.addCleanup(frozen.thaw)
        expected = {host: "" if host == "good" else host for host in site.hosts}
        self.assertEqual(probe_all(exporter, expected), expected)
        metrics = exporter.metrics()
        for reason in list(site.hosts)[1:]:
            self.assertEqual(metrics[f'mailhub_exporter_probes_total{{result="{reason}"}}'], 1)

    def test_a_repaired_host_recovers_with_the_next_scrape(self):
        site = self.site
        host = site.add("host")
        exporter = self.start()
        self.assertEqual(exporter.reason("host", PATIENCE_SECONDS), "")
        host.freeze()
        self.assertEqual(exporter.reason("host", SCRAPE_SECONDS), "timeout")
        host.thaw()
        self.assertEqual(exporter.reason("host", PATIENCE_SECONDS), "")
        host.kill()
        self.assertEqual(exporter.reason("host", SCRAPE_SECONDS), "connect")
        host.start()
        host.await_ready()
        self.assertEqual(exporter.reason("host", PATIENCE_SECONDS), "")

    def test_a_host_that_froze_before_anybody_connected_is_a_timeout_and_recovers(self):
        site = self.site
        host = site.add("host")
        site.write()
        host.freeze()
        exporter = self.enterContext(Exporter(self.site))
        self.assertEqual(exporter.reason("host", SCRAPE_SECONDS), "timeout")
        host.thaw()
        until("the host to be seen", lambda: exporter.reason("host", PATIENCE_SECONDS) == "", 20)

    def test_noisy_start_up_files_and_foreign_login_shells_do_not_matter(self):
        site = self.site
        (site.folder / "home" / ".bashrc").write_text("echo Welcome; printf 'no line end \\001\\377 $ '\n", encoding="utf-8")
        for shell in SHELLS:
            run("sh", "-c", f"command -v {shell.split(' ')[0]}")
            site.add(shell.split(" ")[0], forced(f"exec {shell} -c \"$SSH_ORIGINAL_COMMAND\""))
        site.add("greets", forced("yes Welcome | head -n 1000; printf '\\001\\377'; eval \"$SSH_ORIGINAL_COMMAND\""))
        site.add("greets-twice", forced("echo $SSH_ORIGINAL_COMMAND; eval \"$SSH_ORIGINAL_COMMAND\""))
        exporter = self.start()
        for host in site.hosts:
            for _ in range(2):
                self.assertEqual(exporter.reason(host, PATIENCE_SECONDS), "", host)


class Liars(Hosts):
    def test_a_port_that_speaks_something_else_is_a_protocol_failure(self):
        site = self.site
        expected = {}
        for name, greeting, again, reason in (
                ("web", b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "protocol"),
                ("zeros", b"\0" * 65536, True, "protocol"),
                ("line", b"x" * 65536, True, "protocol"),
                # Lines before the version are allowed, but not more than 256 KiB of them.
                ("lines", b"hello\r\n" * 10000, True, "protocol")):
            site.add(name, sshd=False)
            babbler = Babbler(site.hosts[name]["address"], site.port, greeting, again)
            self.addCleanup(babbler.close)
            expected[name] = reason
        exporter = self.start()
        before = exporter.memory()
        self.assertEqual(probe_all(exporter, expected), expected)
        self.assertLess(exporter.memory("VmHWM") - before, 16)

    def test_hosts_that_lie_cost_bounded_memory_and_time_and_leave_nothing_behind(self):
        site = self.site
        for name, (command, _) in LIARS.items():
            site.add(name, forced(command))
        site.add("good")
        exporter = self.start()
        self.assertEqual(exporter.reason("good", PATIENCE_SECONDS), "")
        before, fds = exporter.memory(), exporter.fds()
        expected = {host: reason for host, (_, reason) in LIARS.items()}
        for _ in range(3):
            self.assertEqual(probe_all(exporter, expected), expected)
        growth = exporter.memory("VmHWM") - before
        print(f"{len(LIARS)} hosts that lie, 3 scrapes each: {before:.1f} MiB and {growth:.1f} MiB more at most",
              file=sys.stderr)
        self.assertLess(growth, 32)
        self.assertEqual(exporter.reason("good", PATIENCE_SECONDS), "")
        self.assertLessEqual(exporter.fds(), fds + 2 * len(LIARS))
        for name, (_, reason) in LIARS.items():
            if reason == "protocol":  # the session may be kept, but no babbling channel
                until(f"{name}'s commands to end", lambda: not site.sshds[name].commands(), 20)


if __name__ == "__main__":
    unittest.main()
