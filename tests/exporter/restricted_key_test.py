#!/usr/bin/python3
"""A key restricted to the installed helper: the exporter works with it, and a thief can do nothing else with it.

Tried with a real sshd and a real ssh, and then with a thief's possible input to the helper itself.
"""

import os
import pathlib
import socket
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

from harness import EXPORTER, HELPER, USER, Exporter, Site, free_port, run  # noqa: E402

# Shells that may be the host's /bin/sh.
SHELLS = ["bash", "dash", "mksh", "ksh93", "busybox sh"]


class RestrictedKey(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.site = self.enterContext(Site())
        self.helper = self.site.folder / "mailhub-helper"
        self.helper.write_text(run(EXPORTER, "--print-helper").stdout, encoding="utf-8")
        self.helper.chmod(0o755)
        keys = self.site.folder / "restricted"
        public = (self.site.folder / "user.pub").read_text(encoding="utf-8")
        keys.write_text(f'restrict,command="{self.helper} --installed" {public}', encoding="utf-8")
        self.host = self.site.add(
            "host", f"AuthorizedKeysFile {keys}\nSubsystem sftp internal-sftp", files={"passwd": {"path": "/etc/passwd"}},
            checks={"own": {"command": f"touch {self.site.folder}/canary"}})
        self.site.write()
        self.canary = self.site.folder / "canary"

    def ssh(self, *words, said=b"", env=None):
        """A real ssh with the key; the last word is the command. Without an answer it ends with its input."""
        common = ["-F", "none", "-i", self.site.folder / "user", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                  "-o", f"UserKnownHostsFile={self.site.folder}/known_hosts", "-p", self.site.port]
        flags, command = words[:-1], words[-1:]
        words = ["ssh", *common, *flags, f"{USER}@{self.host.address}", *command]
        done = subprocess.run(list(map(str, words)), input=said, capture_output=True, timeout=20, check=False, env=env)
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return done

    def test_the_exporter_works_through_it(self):
        with Exporter(self.site) as exporter:
            for _ in range(3):
                seen = exporter.probe("host", 10)
                self.assertEqual(seen["probe_success"], 1)
                self.assertEqual(seen['mailhub_file_exists{file="passwd"}'], 1)
                self.assertEqual(seen['mailhub_check_success{check="own"}'], 0, "checks are the host's own programs")
        self.assertFalse(self.canary.exists())

    def test_it_starts_no_other_command(self):
        for command in (f"touch {self.canary}", f"; touch {self.canary}", f"sh -c 'touch {self.canary}'",
                        f"--installed; touch {self.canary}", f"$(touch {self.canary})"):
            done = self.ssh(command)
            self.assertEqual(done.stdout, "", command)
            self.assertFalse(self.canary.exists(), command)

    def test_it_copies_no_files(self):
        secret = self.site.folder / "secret"
        secret.write_text("what is secret", encoding="utf-8")
        init = b"\0\0\0\5\1\0\0\0\3"  # the first message of an sftp client; an sftp server answers
        self.assertEqual(self.ssh("-s", "sftp", said=init).stdout, "")
        self.assertEqual(self.ssh("sftp-server", said=init).stdout, "")
        self.assertEqual(self.ssh(f"scp -f {secret}", said=b"\0\0\0").stdout, "")
        self.ssh(f"scp -t {self.site.folder}", said=b"C0644 1 canary\nx\0")
        self.assertFalse(self.canary.exists())

    def test_it_forwards_no_ports_neither_here_nor_there(self):
        there, here = free_port(), free_port()
        done = self.ssh("-o", "ExitOnForwardFailure=yes", "-R", f"127.0.0.1:{there}:127.0.0.1:1", "")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("remote port forwarding failed", done.stderr)
        with socket.create_server(("127.0.0.1", here)):
            done = self.ssh("-W", f"127.0.0.1:{here}", "")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("administratively prohibited", done.stderr)

    def test_it_gets_no_terminal_no_agent_no_start_up_file_and_no_tunnel(self):
        self.assertIn("PTY allocation request failed", self.ssh("-tt", "").stderr)
        log = self.host.log.read_text(encoding="utf-8")
        home = self.site.folder / "home" / ".ssh"
        home.mkdir()
        (home / "rc").write_text(f"touch {self.canary}\n", encoding="utf-8")
        (home / "environment").write_text(f"BASH_ENV={home}/rc\n", encoding="utf-8")
        done = self.ssh("-A", "-o", "ForwardX11=yes", "-v", "", env={**os.environ, "DISPLAY": ":99"})
        self.assertNotIn("SSH_AUTH_SOCK", log)
        self.assertEqual(done.stdout, "")
        self.assertFalse(self.canary.exists())


class Thief(unittest.TestCase):
    """A thief's requests to the helper: with the key, and without an exporter."""

    def setUp(self):
        self.site = self.enterContext(Site())
        self.folder = self.site.folder
        self.canary = self.folder / "canary"
        self.tool = self.folder / "tool"
        self.tool.write_text(f"#!/bin/sh\necho \"$0 $*\" >>{self.canary}\n", encoding="utf-8")
        self.tool.chmod(0o755)
        # A file whose name is a command, to catch code that runs names as shell text.
        self.trap = self.folder / 'x";touch canary;"'
        self.trap.write_text("", encoding="utf-8")

    def requests(self):
        up = "../" * 20
        tool = self.tool
        run_it = f"$({tool})"
        return {
            "a check": [f"check own 1000 {tool}"],
            "a check above its folder": [f"check {up}{tool} 1000 true"],
            "a check with time that is an expression": [f"check own a[{run_it}] true"],
            "a check with a blank in its place": [f"check  {tool}"],
            "a status script above its folder": [f"sysv {up}{tool}"],
            "a status script whose name is a command": [f"sysv {up}{self.trap}"],
            "a status script with a substitution": [f"sysv {run_it}"],
            "a unit that is an option": ["unit --host=x", f"unit {run_it}", f"unit `{tool}`", f"unit x;{tool}"],
            "a path that is an action": ["details", "path -exec", f"path {tool}", "path ;"],
            "paths that delete": ["details", f"path {self.folder}/home", "path -delete"],
            "a path that is a substitution": ["details", f"path /{run_it}", f"path /`{tool}`"],
            "an executable that is text": [f'exe /x" ];{tool};[ "', "process 0"],
            "an executable that is a substitution": [f"exe {run_it}", "process 0", f"contain {run_it}", f"lack `{tool}`"],
            "a process whose number is a command": ["exe /bin/sh", f"process 0;{tool};"],
            "a process whose number is a substitution": ["exe /bin/sh", f"process {run_it}"],
            "a process whose number is an expression": ["exe /bin/sh", f"process a[{run_it}]"],
            "a thread that is text": ["exe /bin/sh", "process 0", f'thread x") {tool};; "', f"thread {run_it}"],
            "another platform with the same": ["platform posix", f"exe {tool}", f"process 0;{tool};", f"contain {run_it}"],
        }

    def tell(self, shell, spec, go="n 2000"):
        # As --installed continues, in this shell and not the one that it would choose.
        words = [*shell.split(" "), str(HELPER), "--clean"]
        text = "spec\n" + "\n".join(spec) + f"\nend\nhello n\ngo {go}\ngo {go}\n"
        return subprocess.run(words, input=text, capture_output=True, text=True, timeout=60, check=False, cwd=self.folder)

    def test_the_helper_runs_no_part_of_its_input(self):
        for shell in SHELLS:
            run("sh", "-c", f"command -v {shell.split(' ')[0]}")
            for what, spec in self.requests().items():
                with self.subTest(shell=shell, what=what):
                    self.runs_nothing(shell, [*spec, "check own 1000 true"])  # which perl leaves to the shell
        for what, spec in self.requests().items():
            with self.subTest(shell="perl", what=what):
                self.runs_nothing("bash", spec)

    def runs_nothing(self, shell, spec):
        try:
            self.assertIn("n hello 1\n", self.tell(shell, spec).stdout)
            self.assertFalse(self.canary.exists())
            self.assertTrue((self.folder / "home").exists())
        finally:
            self.canary.unlink(missing_ok=True)
            (self.folder / "home").mkdir(exist_ok=True)

    def test_it_starts_no_status_script_that_the_host_has_not_put_there_for_it(self):
        script = sorted(os.listdir("/etc/init.d"))[0]
        for shell in SHELLS:
            with self.subTest(shell=shell):
                self.assertIn(f"sysv {script} unlisted\n", self.tell(shell, [f"sysv {script}"]).stdout)

    def test_times_and_words_of_a_request_are_no_expressions(self):
        for shell in SHELLS:
            for go in (f"n a[$({self.tool})]", f"n $({self.tool})", f"$({self.tool}) 1000", f"n 1000;{self.tool}"):
                with self.subTest(shell=shell, go=go):
                    self.tell(shell, ["check own 1000 true", "sysv cron"], go)
                    self.assertFalse(self.canary.exists())
                self.canary.unlink(missing_ok=True)

    def test_a_check_is_the_program_of_that_name_in_the_hosts_own_folder(self):
        if os.geteuid() != 0:
            self.fail("needs root, to put a program into /etc/mailhub/checks")
        folder = pathlib.Path("/etc/mailhub/checks")
        made = [p for p in (folder, folder.parent) if not p.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / f"test-{os.getpid()}"
        try:
            program.write_text("#!/bin/sh\necho 42\n", encoding="utf-8")
            program.chmod(0o755)
            for shell in SHELLS:
                with self.subTest(shell=shell):
                    out = self.tell(shell, [f"check {program.name} 1000 {self.tool}"]).stdout
                    self.assertIn("status 0 0\n", out)
                    self.assertIn("output 0 42\n", out)
                    self.assertFalse(self.canary.exists())
        finally:
            program.unlink()
            for path in made:
                path.rmdir()


if __name__ == "__main__":
    unittest.main()
