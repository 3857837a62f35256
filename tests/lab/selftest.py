#!/usr/bin/python3
"""Tests the lab itself: acts out the operators' page and reads the evidence.

Leaves the lab up. With LAB_SHARED=1 it does not take a running lab down first.
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from labkit import (
    cgroups,
    evidence,
    faults,
    identity,
    keeper,
    knobs,
    layout,
    lxcfs,
    mail,
    network,  # noqa: E402
    seed,
    site,
)

LAB = layout.LAB_DIR / "lab"
EDDY = "/opt/isode/sbin/isode.eddy"
MEGABYTE = 1 << 20


def lab(*words):
    done = subprocess.run(
        [LAB, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"lab {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def sh(host, command, check=True):
    """A command over SSH, with the actuator's key; returns its output."""
    return identity.ssh(host, command, key="actuator", timeout=60, check=check).stdout.strip()


def pids(host, kind):
    """The pids, inside the host, of eddy's `main` or `root` process or of a program by its path."""
    start = {"main": f"{EDDY} -C", "root": f"{EDDY} -D"}.get(kind, kind)
    return [int(pid) for pid in sh(host, f"pgrep -f '^{start}'", check=False).split()]


def resident_mb(pid):
    line = sh("x500", f"grep VmRSS: /proc/{pid}/status")
    return int(line.split()[1]) / 1024


def until(what, condition, seconds=30):
    return layout.wait_until(what, condition, seconds, every=0.1)


def await_event(host, since, seconds=30, **wanted):
    return until(f"{wanted} on {host}", lambda: evidence.read(host, since, **wanted), seconds)[0]


def cpu_ticks(host):
    numbers = [int(n) for n in sh(host, "head -n 1 /proc/stat").split()[1:9]]
    return numbers[3], sum(numbers)


def idle_between(before, after):
    return (after[0] - before[0]) / (after[1] - before[1])


def quiet_x500():
    def quiet():
        ratio = evidence.idle_ratio("x500", time.time() - 2.5, time.time())
        return ratio is not None and ratio > 0.93

    until("x500 to be quiet", quiet, 60)


def main_serves():
    until("the directory to serve", lambda: pids("x500", "main") and site.directory_serves())


def restart_directory():
    """The page's restart; leaves the registration clients down."""
    sh("x500", "/etc/rc2.d/S81eddy stop")
    until("the main process to be gone", lambda: not pids("x500", "main"))
    for pid in pids("x500", "root"):
        sh("x500", f"kill {pid}")
    until("the root process to be gone", lambda: not pids("x500", "root"))
    sh("x500", "/etc/rc2.d/S81eddy start")
    main_serves()


def start_regclient(host):
    """Starts the client and waits for its resynchronisation; returns when that began and ended."""
    since = time.time()
    sh(host, "systemctl restart regclient")
    begin = await_event(host, since, event="resync_begin")
    end = await_event(host, since, 60, event="resync_end")
    return begin, end


def repair():
    """Starts services on x500 that a failed test may have left down."""
    if not site.directory_serves():
        sh("x500", "/etc/rc2.d/S81eddy start")
        main_serves()
    sh("x500", "/opt/qub/bin/ractl qubRA start; /opt/qub/bin/ractl qubRA start student")


@contextlib.contextmanager
def knob(**values):
    before = {name: knobs.get(name) for name in values}
    knobs.set_all([f"{name}={value}" for name, value in values.items()])
    try:
        yield
    finally:
        knobs.set_all([f"{name}={value}" for name, value in before.items()])


class Lab(unittest.TestCase):
    """Tests run in the order of their names; each leaves a working site behind."""

    @classmethod
    def setUpClass(cls):
        cls.knobs_before = [f"{name}={knobs.get(name)}" for name in knobs.KNOBS]
        if os.environ.get("LAB_SHARED") == "1":
            lab("up")
        else:
            cls.replace_a_killed_lab()
        faults.clear()
        knobs.set_all(
            [
                "reset",
                "qubra_crash=0",
                "resync_seconds=1",
                "resync_after_rebuild_seconds=2",
                "rebuild_seconds=5",
            ]
        )

    @classmethod
    def tearDownClass(cls):
        faults.clear()
        knobs.set_all(cls.knobs_before)
        repair()
        for host in layout.MAILHUBS:
            seed.restore_table(host)
            sh(host, "rm -f /home/exim/tables/.rebuilt; systemctl start regclient")

    def setUp(self):
        repair()

    @classmethod
    def replace_a_killed_lab(cls):
        """A lab whose keeper was killed is removed without a trace, and a new one is up in time."""
        lab("up", "--hosts", "cvshost")
        os.kill(keeper.running_pid(), 9)
        lab("down")
        left = [*cgroups.processes(), *lxcfs.mounts(), *network.links(), *cgroups.left_over()]
        assert not left, f"left behind: {left}"
        begun = time.monotonic()
        lab("up")
        took = time.monotonic() - begun
        print(f"lab up took {took:.1f} s", file=sys.stderr)
        assert took < 90, f"the whole site took {took:.0f} s"

    def test_01_every_host_has_a_key_of_its_own_and_lets_only_the_two_clients_in(self):
        keys = set()
        for line in identity.known_hosts().read_text(encoding="utf-8").splitlines():
            keys.add(line.split()[2])
        self.assertEqual(len(keys), len(layout.HOSTS))
        self.assertEqual(
            sh("mailhub2", "hostname; cat /etc/hostname").split(), ["mailhub2", "mailhub2"]
        )
        stranger = layout.STATE / "stranger"
        for file in (stranger, stranger.with_suffix(".pub")):
            file.unlink(missing_ok=True)
        identity.make_key(stranger, "stranger")
        refused = subprocess.run(
            [
                "ssh",
                "-F",
                "/dev/null",
                "-i",
                stranger,
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                f"UserKnownHostsFile={identity.known_hosts()}",
                f"root@{layout.ADDRESSES['x500']}",
                "true",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        self.assertIn("Permission denied (publickey)", refused.stderr)

    def test_02_stop_leaves_the_root_process_and_the_clients_die_with_the_directory(self):
        for host in layout.MAILHUBS:
            sh(host, "systemctl start regclient")
        since = time.time()
        root = pids("x500", "root")
        sh("x500", "/etc/rc2.d/S81eddy stop")
        until("the main process to be gone", lambda: not pids("x500", "main"))
        self.assertEqual(pids("x500", "root"), root)
        asked = await_event("x500", since, program="S81eddy", event="stop")
        gone = await_event("x500", since, event="main_exit")
        self.assertLess(asked["time"], gone["time"])
        for host in layout.MAILHUBS:
            self.assertEqual(
                await_event(host, since, program="regclient", event="exit")["status"], 1
            )
            until(
                f"{host}'s unit to fail",
                lambda h=host: sh(h, "systemctl is-active regclient", False) == "failed",
            )
            self.assertEqual(sh(host, "systemctl show regclient -p NRestarts --value"), "0")

        sh("x500", f"kill {root[0]}")
        until("the root process to be gone", lambda: not pids("x500", "root"))
        alone = identity.ssh("x500", f"{EDDY} -C /dirtables/eddy.conf", timeout=30, check=False)
        self.assertEqual(
            (alone.returncode, alone.stderr.strip()), (1, "isode.eddy: no root process")
        )

        sh("x500", "/etc/rc2.d/S81eddy start")
        main_serves()
        self.assertEqual([len(pids("x500", kind)) for kind in ("main", "root")], [1, 1])
        sh("x500", "/etc/rc2.d/S81eddy start")
        self.assertEqual([len(pids("x500", kind)) for kind in ("main", "root")], [1, 1])

    def test_03_the_main_process_serves_only_while_the_root_process_lives(self):
        main = pids("x500", "main")
        since = time.time()
        sh("x500", f"kill {pids('x500', 'root')[0]}")
        await_event("x500", since, event="root_lost")
        until("the port to close", lambda: not site.directory_serves())
        self.assertEqual(pids("x500", "main"), main)
        sh("x500", "/etc/rc2.d/S81eddy start")
        main_serves()
        self.assertEqual(pids("x500", "main"), main)

    def test_04_a_starting_client_costs_cpu_on_x500_and_not_on_its_neighbours(self):
        for host in layout.MAILHUBS:
            start_regclient(host)
        quiet_x500()
        neighbour = cpu_ticks("mailhub3")
        with knob(resync_seconds=2):
            begin, end = start_regclient("mailhub1")
        self.assertEqual(end["complete"], 1)
        self.assertLess(evidence.idle_ratio("x500", begin["time"] + 0.3, end["time"]), 0.9)
        self.assertGreater(idle_between(neighbour, cpu_ticks("mailhub3")), 0.9)
        quiet_x500()

        busy = cpu_ticks("cvshost")
        since = time.time()
        sh("cvshost", "timeout 2 sh -c 'while :; do :; done'", check=False)
        self.assertLess(idle_between(busy, cpu_ticks("cvshost")), 0.8)
        self.assertGreater(evidence.idle_ratio("x500", since, time.time()), 0.93)

    def test_05_a_rebuild_purges_the_deleted_alias_and_the_directory_grows_past_500_mb(self):
        restart_directory()
        seed.restore_table("mailhub2")
        self.assertTrue(mail.routes("mailhub2", layout.DELETED_ALIAS))
        self.assertTrue(mail.routes("mailhub2", layout.LIVING_ALIAS))
        self.assertLess(resident_mb(pids("x500", "main")[0]), 150)
        since = time.time()
        sh("mailhub2", "systemctl stop regclient; /home/exim/scripts/rebuild >/dev/null")
        begin = await_event("mailhub2", since, program="rebuild", event="begin")
        end = await_event("mailhub2", since, program="rebuild", event="end")
        self.assertEqual((begin["pid"], end["exit"], end["entries"]), (end["pid"], 0, 40000))
        self.assertLess(evidence.idle_ratio("x500", begin["time"] + 0.5, end["time"]), 0.9)
        self.assertFalse(mail.routes("mailhub2", layout.DELETED_ALIAS))
        self.assertTrue(mail.routes("mailhub2", layout.LIVING_ALIAS))
        self.assertGreater(resident_mb(pids("x500", "main")[0]), 500)
        self.assertEqual(start_regclient("mailhub2")[0]["full"], 1)
        self.assertEqual(start_regclient("mailhub2")[0]["full"], 0)

    def test_05b_a_table_that_exim_cannot_read_is_no_answer(self):
        address = layout.LIVING_ALIAS
        self.assertEqual(mail.rcpt("mailhub1", address)[:3], "250")
        self.assertEqual(mail.rcpt("mailhub1", "nobody.at.all@qub.test")[:3], "550")
        sh("mailhub1", f"chmod 600 {mail.TABLES}/aliases")
        self.addCleanup(sh, "mailhub1", f"chmod 644 {mail.TABLES}/aliases")
        self.assertEqual(mail.rcpt("mailhub1", address)[:3], "451")
        for asked in (lambda: mail.routes("mailhub1", address), lambda: mail.table("mailhub1")):
            with self.assertRaises(layout.LabError):
                asked()

    def test_06_a_rebuild_whose_directory_dies_leaves_the_table_alone(self):
        table = "md5sum </home/exim/tables/aliases"
        before = sh("mailhub3", table)
        since = time.time()
        with knob(rebuild_seconds=20):
            sh("mailhub3", "systemd-run -q --unit=rebuild-test /home/exim/scripts/rebuild")
            await_event("x500", since, event="aliases_begin")
            faults.kill_eddy()
        self.assertEqual(await_event("mailhub3", since, program="rebuild", event="end")["exit"], 1)
        self.assertEqual(sh("mailhub3", table), before)
        sh("mailhub3", "systemctl reset-failed rebuild-test", check=False)
        sh("x500", "/etc/rc2.d/S81eddy start")
        main_serves()

    def test_07_a_half_loaded_directory_gives_half_a_table(self):
        faults.half_loaded()
        with knob(rebuild_seconds=1, leak_rebuild_mb=1):
            sh("mailhub3", "/home/exim/scripts/rebuild >/dev/null")
        faults.clear("half-loaded")
        self.assertEqual(sh("mailhub3", "wc -l </home/exim/tables/aliases"), "20000")
        seed.restore_table("mailhub3")
        self.assertEqual(sh("mailhub3", "wc -l </home/exim/tables/aliases"), "40200")

    def test_08_the_leak_is_real_and_ends_with_the_process(self):
        restart_directory()
        main = pids("x500", "main")[0]
        faults.leak()
        until("500 MB", lambda: resident_mb(main) > 500, 15)
        restart_directory()
        self.assertLess(resident_mb(pids("x500", "main")[0]), 150)

    def test_09_threads_have_their_names_and_come_and_go(self):
        self.assertIn(
            "student", sh("x500", f"cat /proc/{pids('x500', '/opt/qub/sbin/qubRA')[0]}/task/*/comm")
        )
        names = f"cat /proc/{pids('cvshost', '/opt/qub/sbin/openRA')[0]}/task/*/comm"
        self.assertEqual(sorted(sh("cvshost", names).split()), ["UNS", "alias", "openRA"])
        faults.kill_thread("cvshost", "UNS")
        self.assertEqual(sorted(sh("cvshost", names).split()), ["alias", "openRA"])
        sh("cvshost", "/opt/qub/bin/ractl openRA start UNS")
        self.assertEqual(sorted(sh("cvshost", names).split()), ["UNS", "alias", "openRA"])

    def test_10_deltas_wait_for_the_student_thread_and_drain_at_a_cost(self):
        files = "ls /var/spool/qubRA/deltas | wc -l"
        sh("x500", "/opt/qub/bin/ractl qubRA stop student")
        faults.deltas(60)
        self.assertGreaterEqual(int(sh("x500", files)), 60)
        quiet_x500()
        since = time.time()
        sh("x500", "/opt/qub/bin/ractl qubRA start student")
        until("the deltas to drain", lambda: int(sh("x500", files)) < 5)
        self.assertLess(evidence.idle_ratio("x500", since, time.time()), 0.93)

    def test_11_qubra_crashes_on_a_directory_restart_as_the_knob_says(self):
        agent = pids("x500", "/opt/qub/sbin/qubRA")
        restart_directory()
        self.assertEqual(pids("x500", "/opt/qub/sbin/qubRA"), agent)
        until(
            "qubRA to reconnect",
            lambda: sh("x500", "cat /proc/net/tcp").upper().count(":426B 01") > 0,
        )
        since = time.time()
        with knob(qubra_crash=1):
            restart_directory()
        await_event("x500", since, program="qubRA", event="crash")
        self.assertEqual(pids("x500", "/opt/qub/sbin/qubRA"), [])
        self.assertEqual(
            identity.ssh("x500", "/opt/qub/bin/ractl qubRA start student", check=False).returncode,
            1,
        )
        sh("x500", "/opt/qub/bin/ractl qubRA start; /opt/qub/bin/ractl qubRA start student")
        self.assertIn(
            "student", sh("x500", f"cat /proc/{pids('x500', '/opt/qub/sbin/qubRA')[0]}/task/*/comm")
        )

    def test_12_the_windows_host_speaks_sc_and_nothing_else(self):
        host = "ex2k10-365a"
        answer = identity.ssh(host, "sc query MailboxCreation")
        self.assertIn(
            "        STATE              : 4  RUNNING \n", answer.stdout
        )  # text mode folded CR LF
        faults.service(host, "MailboxCreation", "stopped")
        self.assertIn(
            "STATE              : 1  STOPPED", identity.ssh(host, "sc query mailboxcreation").stdout
        )
        faults.service(host, "MailboxCreation", "running")
        self.assertIn("FAILED 1060:", identity.ssh(host, "sc query nothing", check=False).stdout)
        shell = identity.ssh(host, "sh -c 'echo 1'", check=False)
        self.assertEqual(shell.returncode, 1)
        self.assertIn("'sh' is not recognized as an internal or external command", shell.stderr)

    def test_13_a_reboot_brings_a_host_back_with_its_disk(self):
        sh("mailhub3", "echo kept >/var/lib/mailhub-runner/selftest; echo lost >/root/selftest")
        boot_id = sh("mailhub3", "cat /proc/sys/kernel/random/boot_id")
        for reboot in ("asked", "hard", "inside"):
            since = time.time()
            boots = site.status()["mailhub3"]["boots"]
            if reboot == "inside":
                identity.ssh("mailhub3", "systemctl reboot", check=False)
            else:
                lab("reboot", "mailhub3", *(["--hard"] if reboot == "hard" else []))
            until("another boot", lambda b=boots: site.status()["mailhub3"]["boots"] > b)
            until(
                "sshd",
                lambda: identity.ssh("mailhub3", "true", timeout=2, check=False).returncode == 0,
            )
            self.assertEqual(
                sh("mailhub3", "cat /var/lib/mailhub-runner/selftest; ls /root"), "kept"
            )
            self.assertNotEqual(sh("mailhub3", "cat /proc/sys/kernel/random/boot_id"), boot_id)
            await_event("mailhub3", since, program="regclient", event="resync_begin")
        sh("mailhub3", "rm /var/lib/mailhub-runner/selftest")

    def test_14_a_host_can_lose_its_key_and_its_cable(self):
        faults.host_key("mailhub1")
        refused = identity.ssh("mailhub1", "true", check=False)
        self.assertIn("REMOTE HOST IDENTIFICATION HAS CHANGED", refused.stderr)
        faults.clear("host-key", "mailhub1")
        self.assertEqual(sh("mailhub1", "echo right"), "right")
        faults.net_down("mailhub1")
        self.assertNotEqual(identity.ssh("mailhub1", "true", timeout=1, check=False).returncode, 0)
        faults.net_up("mailhub1")
        self.assertEqual(sh("mailhub1", "echo back"), "back")

    def test_15_a_host_cannot_reach_the_evidence(self):
        since = time.time()
        seen = sh(
            "x500",
            "cat /proc/self/mountinfo; ls /var/lib/mailhub-lab; rm -f /run/lab-evidence/socket;"
            " touch /etc/lab/knobs.json || echo refused",
            check=False,
        )
        self.assertNotIn("/mailhub-lab/evidence", seen)
        self.assertIn("refused", seen)
        sh("x500", "/opt/qub/bin/ractl qubRA start")
        await_event("x500", since, program="ractl", event="invoked")


if __name__ == "__main__":
    unittest.main(verbosity=2)
