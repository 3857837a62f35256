#!/usr/bin/python3
"""The packages on a Debian host of their own (systemd-nspawn): installed, set up, at work, purged.

    package_test.py FOLDER      the folder with the four .deb files

Needs root and Debian's mirror: the host fetches the libraries that the packages depend on, before it is cut off.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/lab"))

from labkit import base, boot  # noqa: E402
from labkit.layout import wait_until  # noqa: E402

PACKAGES = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else ROOT / "build/package/packages"
MACHINE = "mailhub-pkg"
NAMES = ["mailhub-exporter", "mailhub-actuator", "mailhub-rules", "mailhub-host"]
# What a purge may leave: what dpkg, apt, systemd and sshd write for themselves.
OTHERS = re.compile(r"^(dev|proc|sys|run|tmp|root|packages|var/(log|tmp|cache|lib/(dpkg|apt|systemd|dbus|ucf|private))|etc/(passwd|group|shadow|gshadow)"
                    r"-?|etc/ld\.so\.cache|etc/\.pwd\.lock|etc/ssh/ssh_host_.*)(/|$)")
RUNBOOK = """runbook: hello
summary: Makes a file on a host
parameters:
  where: {host_in: all}
target: "{{where}}"
steps:
  - name: Make it
    run: {on: "{{where}}", use: greet}
"""
GROUPS = "groups: {all: [here]}\n"


class Host:
    """One boot of a tree over the lab's base. With it the machine's network is out of reach."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "root"
        for name in ("root", "upper", "work"):
            (folder / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={base.ensure()},upperdir={folder}/upper,workdir={folder}/work", self.root], check=True)
        self.nspawn = None

    def prepare(self, *command):
        """A command in the tree before it boots, with the machine's network."""
        subprocess.run(["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={MACHINE}", "--register=no", "--keep-unit",
                        "--resolv-conf=copy-host", "--pipe", "--setenv=DEBIAN_FRONTEND=noninteractive", *command],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)

    def start(self):
        with open(self.folder / "console", "wb") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={MACHINE}", "--register=no", "--keep-unit",
                 "--private-network", "--link-journal=no", "--resolv-conf=off", "--settings=no", "--console=pipe", "--boot"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        wait_until("the host's first process", lambda: boot.leader(self.nspawn.pid), 60)
        wait_until("the host to be up", lambda: self("systemctl", "is-system-running", check=False).stdout.strip()
                   in ("running", "degraded"), 90)
        self("ip", "link", "set", "lo", "up")

    def __call__(self, *command, check=True, timeout=120):
        done = subprocess.run(boot.inside(boot.leader(self.nspawn.pid), *command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}{self.journal()}")
        return done

    def journal(self):
        return self("journalctl", "--no-pager", "-n", "40", "-o", "cat", check=False).stdout

    def write(self, path, text, mode=0o644):
        """A file in the running host, by way of the host's own view of its tree."""
        done = subprocess.run(boot.inside(boot.leader(self.nspawn.pid), "sh", "-c", 'umask 077; cat >"$1" && chmod "$2" "$1"', "sh", path, f"{mode:o}"),
                              input=text, text=True, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr

    def show(self, unit, field):
        return self("systemctl", "show", "--value", "-p", field, unit).stdout.strip()

    def get(self, port, path):
        """The text of a page; the host has bash, and no client of HTTP."""
        return self("bash", "-c", f'exec 3<>/dev/tcp/127.0.0.1/{port}; printf "GET {path} HTTP/1.0\\r\\nHost: here\\r\\n\\r\\n" >&3; cat <&3').stdout

    def files(self):
        found = self("find", "/", "-xdev", "-printf", "%P\\n").stdout.split("\n")
        return {path for path in found if path and not OTHERS.match(path)}

    def close(self):
        if self.nspawn and self.nspawn.poll() is None:
            self.nspawn.terminate()
            try:
                self.nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        subprocess.run(["umount", self.root], check=False)


class Packages(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-pkg-", dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.debs = {name: one for name in NAMES for one in PACKAGES.glob(f"{name}_*.deb")}
        assert list(cls.debs) == NAMES, f"{PACKAGES} has {[p.name for p in cls.debs.values()]}: make packages"
        cls.host = host = Host(cls.folder)
        cls.addClassCleanup(host.close)
        needs = [subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True, text=True).stdout.strip()
                 for deb in cls.debs.values()]
        host.prepare("apt-get", "update", "-qq")
        host.prepare("apt-get", "satisfy", "-y", "-qq", "--no-install-recommends", *[need for need in needs if need])
        (host.root / "packages").mkdir()
        for deb in cls.debs.values():
            shutil.copy(deb, host.root / "packages")
        host.start()

    def install(self):
        self.host("dpkg", "-i", *[f"/packages/{deb.name}" for deb in self.debs.values()])

    def set_up(self):
        """What docs/getting_started.md says, on one machine: it is the site, too."""
        host = self.host
        for name in ("exporter", "actuator"):
            host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"/etc/mailhub/keys/{name}")
        host("sh", "-c", "mkdir -p /root/.ssh && chmod 700 /root/.ssh && mailhub-host-keys --exporter /etc/mailhub/keys/exporter.pub "
             "--actuator /etc/mailhub/keys/actuator.pub >/root/.ssh/authorized_keys")
        host("sh", "-c", "ssh-keygen -A && mkdir -p /run/sshd && (pgrep -x sshd || systemctl start ssh || /usr/sbin/sshd)")
        wait_until("the host's sshd", lambda: host("sh", "-c", "ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null >/etc/mailhub/known_hosts; "
                                                   "grep -q ed25519 /etc/mailhub/known_hosts", check=False).returncode == 0, 30)
        site = host("cat", "/usr/share/doc/mailhub-exporter/examples/site.yml").stdout
        # The host of this test runs no service ssh.
        site = site.replace("    services:\n      ssh: {}\n", "    runner: installed\n    commands: {greet: 'false'}\n")
        host.write("/etc/mailhub/site.yml", site + GROUPS)
        # The shipped runbooks are for another site.
        host("sh", "-c", "rm /etc/mailhub/runbooks/*.yml")
        host.write("/etc/mailhub/runbooks/hello.yml", RUNBOOK)
        host.write("/etc/mailhub-runner.allow", "command greet touch /root/greeted\n")

    def expect_units(self, **wanted):
        for unit in ("mailhub-exporter", "mailhub-actuator"):
            found = {field: self.host.show(unit, field) for field in wanted}
            self.assertEqual(found, wanted, f"{unit}\n{self.host.journal()}")

    def test_from_install_to_purge(self):
        host = self.host
        before = host.files()
        self.install()
        with self.subTest("without a site file nothing starts, and nothing has failed"):
            self.expect_units(ActiveState="inactive", ConditionResult="no", UnitFileState="enabled")
        self.set_up()
        for program in ("mailhub_exporter", "mailhub_actuator"):
            host(program, "--config.check")
        host("systemctl", "start", "mailhub-exporter", "mailhub-actuator")
        self.expect_units(ActiveState="active", SubState="running", StatusText="", WatchdogUSec="1min", NRestarts="0")
        host("mailhub_exporter", "--check-health", "http://127.0.0.1:9715/-/healthy")
        host("mailhub_actuator", "--check-health", "http://127.0.0.1:9110/-/healthy")
        self.they_are_confined()
        self.they_work()
        self.they_are_watched()
        self.an_armed_dead_man_keeps_its_runner()
        self.an_upgrade_keeps_what_people_wrote()
        with self.subTest("a purge leaves what people made, and the accounts"):
            host("dpkg", "-P", *NAMES)
            made = {"etc/mailhub", "etc/mailhub/site.yml", "etc/mailhub/known_hosts", "etc/mailhub/keys", "etc/mailhub/runbooks",
                    "etc/mailhub/runbooks/hello.yml", *(f"etc/mailhub/keys/{name}{end}" for name in ("exporter", "actuator") for end in ("", ".pub"))}
            self.assertEqual(host.files() - before, made)
            self.assertEqual(before - host.files(), set())
            self.assertEqual(host("systemctl", "list-unit-files", "--no-legend", "mailhub*", check=False).stdout, "")

    def they_are_confined(self):
        host = self.host
        for part in ("exporter", "actuator"):
            pid = host.show(f"mailhub-{part}", "MainPID")
            status = host("cat", f"/proc/{pid}/status").stdout
            self.assertNotIn("Uid:\t0", status)
            self.assertRegex(status, r"CapEff:\t0+\n")
            self.assertRegex(status, r"NoNewPrivs:\t1\n")
            self.assertEqual(host("stat", "-c", "%U %a", f"/etc/mailhub/keys/{part}").stdout, "root 600\n")
        other = host("setpriv", "--reuid=mailhub-exporter", "--regid=mailhub-exporter", "--clear-groups", "cat", "/etc/mailhub/api.token",
                     "/etc/mailhub/keys/actuator", check=False)
        self.assertEqual((other.stdout, other.stderr.count("Permission denied")), ("", 2))

    def they_work(self):
        host = self.host
        probe = host.get(9715, "/probe?target=here")
        self.assertIn("\nprobe_success 1\n", probe, host.journal())
        self.assertIn('mailhub_file_exists{file="passwd"} 1', probe)
        self.assertIn("observe", host("mailhubctl", "mode", "get").stdout)
        ctl = ["mailhubctl", "--token-file", "/etc/mailhub/api.token"]
        start = [*ctl, "run", "start", "hello", "where=here", "--reason", "a trial", "--watch"]
        self.assertIn("mode is observe", host(*start, check=False).stderr)
        host(*ctl, "mode", "set", "active")
        host(*start)
        host("ls", "/root/greeted")
        host("mailhubctl", "journal", "verify")

    def they_are_watched(self):
        """A deciding thread that hangs: the whole process is stopped, so it gives no sign of life."""
        host = self.host
        for part in ("exporter", "actuator"):
            unit = f"mailhub-{part}"
            host("mkdir", "-p", f"/run/systemd/system/{unit}.service.d")
            host.write(f"/run/systemd/system/{unit}.service.d/quick.conf", "[Service]\nWatchdogSec=8s\nTimeoutAbortSec=1s\nRestartSec=100ms\n")
            host("systemctl", "daemon-reload")
            host("systemctl", "restart", unit)
            started = host.show(unit, "ActiveEnterTimestampMonotonic")
            wait_until(f"a sign of life of the {part}", lambda unit=unit, started=started:  # of READY=1 it is the same time
                       int(host.show(unit, "WatchdogTimestampMonotonic")) > int(started) + 1_000_000, 30)
        self.expect_units(NRestarts="0", ActiveState="active")
        for part in ("exporter", "actuator"):
            host("kill", "-STOP", host.show(f"mailhub-{part}", "MainPID"))
        for part in ("exporter", "actuator"):
            wait_until(f"systemd to notice the {part}", lambda unit=f"mailhub-{part}": host.show(unit, "NRestarts") == "1"
                       and host.show(unit, "ActiveState") == "active", 60)
            host("rm", "-r", f"/run/systemd/system/mailhub-{part}.service.d")
        host("systemctl", "daemon-reload")

    def an_armed_dead_man_keeps_its_runner(self):
        host = self.host
        lease = "/var/lib/mailhub-runner/leases/0000@1.lease"
        host("mkdir", "-p", "/var/lib/mailhub-runner/leases")
        host("touch", lease)
        refused = host("dpkg", "-r", "mailhub-host", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("dead man", refused.stderr)
        self.assertEqual(host("test", "-x", "/usr/lib/mailhub/runner", check=False).returncode, 0)
        host("rm", lease)

    def an_upgrade_keeps_what_people_wrote(self):
        host = self.host
        token = host("cat", "/etc/mailhub/api.token").stdout
        self.install()
        self.assertEqual(host("cat", "/etc/mailhub/api.token").stdout, token)
        self.assertIn("greet", host("cat", "/etc/mailhub-runner.allow").stdout)
        self.assertEqual(host("ls", "/etc/mailhub/runbooks").stdout, "hello.yml\n", "a removed runbook stays removed")
        self.expect_units(ActiveState="active")
        self.assertIn("active", host("mailhubctl", "mode", "get").stdout)


if __name__ == "__main__":
    unittest.main()
