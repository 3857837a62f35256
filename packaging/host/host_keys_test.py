#!/usr/bin/python3
"""mailhub-host-keys: the lines that it prints, and what it refuses. Argument: the program."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
HELPER = 'restrict,command="/usr/lib/mailhub/helper --installed" '
RUNNER = 'restrict,command="exec sh /usr/lib/mailhub/runner --installed" '


class HostKeys(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_it(self, *words):
        return subprocess.run([PROGRAM, *map(str, words)], check=False, capture_output=True, text=True, timeout=20)

    def key(self, kind):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", 'a "remark" \\ $(x)', "-f", self.folder / kind], check=True)
        return self.folder / f"{kind}.pub"

    def test_each_kind_of_key_becomes_a_line_that_sshd_reads(self):
        for kind in ("ed25519", "ecdsa", "rsa"):
            public = self.key(kind)
            words = public.read_text(encoding="utf-8").split()[:2]
            done = self.run_it("--exporter", public, f"--actuator={public}")
            self.assertEqual(done.returncode, 0, done.stderr)
            key = " ".join(words)
            self.assertEqual(done.stdout, f"{HELPER}{key} mailhub exporter\n{RUNNER}{key} mailhub actuator\n")
            lines = self.folder / "authorized_keys"
            lines.write_text(done.stdout, encoding="utf-8")
            read = subprocess.run(["ssh-keygen", "-lf", lines], check=True, capture_output=True, text=True).stdout
            self.assertEqual(len(read.splitlines()), 2)

    def test_what_is_no_public_key_is_refused_with_its_place(self):
        private = self.key("ed25519").with_suffix("")
        public = private.with_suffix(".pub").read_text(encoding="utf-8")
        bad = self.folder / "bad"
        for text, why in ((public * 2, "one line"), ("", "one line"), ("hello\n", ":1: expected a public key"),
                          ('command="x" ' + public, ":1: expected a public key"), ("ssh-ed25519 AAAA\n", ":1: expected"),
                          ("ssh-ed25519 " + "A" * 20_000 + "\n", "too long"), (private.read_text(encoding="utf-8"), "one line")):
            bad.write_text(text, encoding="utf-8")
            done = self.run_it("--actuator", bad)
            self.assertEqual((done.returncode, done.stdout), (1, ""), text[:50])
            self.assertIn(why, done.stderr)
        done = self.run_it("--actuator", self.folder / "none")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        good = private.with_suffix(".pub")
        self.assertEqual(self.run_it("--exporter", good, "--actuator", bad).stdout, "", "all or nothing")

    def test_a_mistyped_command_line_is_refused(self):
        for words in ([], ["--exporter"], ["--colour", "red"], ["key.pub"]):
            done = self.run_it(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
        self.assertEqual(self.run_it("--version").returncode, 0)


if __name__ == "__main__":
    unittest.main()
