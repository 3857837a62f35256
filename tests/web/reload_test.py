#!/usr/bin/python3
"""Both programs read their files again by themselves when the content has changed, and only then."""

import os
import sys
import time
import unittest

sys.dont_write_bytecode = True

from programs import NAMES, Folder, Program, until  # noqa: E402

FLAGS = ("--config.enable-auto-reload", "--config.auto-reload-interval=1s")
SITE = ("ssh: {user: root, known_hosts: known_hosts, exporter_key: key, actuator_key: key}\n"
        "hosts: {dead: {address: 127.0.0.1, port: 1}, other: {address: 127.0.0.1, port: 1}}\n")


class Reload(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())

    def succeeded(self, name, program):
        page = program.get("/metrics")[2]
        return f"mailhub_{name}_config_last_reload_successful 1\n" in page

    def reloads(self, name, program):
        said = "The site file is in force" if name == "exporter" else "The configuration is in force"
        return program.log.read_text(encoding="utf-8").count(said)

    def test_a_changed_file_is_read(self):
        for name in NAMES:
            with Program(self.folder, name, *FLAGS) as program:
                before = self.reloads(name, program)
                self.folder.write("site.yml", SITE + "# " + name)
                until("the reload", lambda: self.reloads(name, program) == before + 1, 20)

    def test_a_broken_file_is_refused_once_and_the_old_one_stays(self):
        for name in NAMES:
            self.folder.write("site.yml", SITE)
            with Program(self.folder, name, *FLAGS) as program:
                before = self.reloads(name, program)
                self.folder.write("site.yml", SITE + "colour: red\n")
                until("the refusal", lambda: not self.succeeded(name, program), 20)
                # Absence needs time: two looks and more.
                until("further looks", lambda end=time.monotonic() + 2.5: time.monotonic() > end, 20)
                self.assertEqual(self.looks(program), 1, "the same mistake is refused once")
                self.assertIn("site.yml:3:1", program.log.read_text(encoding="utf-8"))
                if name == "exporter":
                    self.assertIn("other", program.get("/sd")[2])
                self.folder.write("site.yml", SITE + "#\n")
                until("the mended file", lambda: self.succeeded(name, program), 20)
                self.assertEqual(self.looks(program), 2)
                self.assertEqual(self.reloads(name, program), before + 1)

    def test_another_time_of_a_file_is_no_change(self):
        for name in NAMES:
            with Program(self.folder, name, *FLAGS) as program:
                os.utime(self.folder.path / "site.yml")
                os.replace(self.folder.write("new", (self.folder.path / "site.yml").read_text(encoding="utf-8")),
                           self.folder.path / "site.yml")
                # Two looks at least lie between this and the end of the next change.
                self.folder.write("site.yml", SITE + "# 1" + name)
                until("a reload", lambda: self.looks(program) == 1, 20)
                os.utime(self.folder.path / "site.yml")
                self.folder.write("site.yml", SITE + "# 2" + name)
                until("a second one", lambda: self.looks(program) == 2, 20)

    def looks(self, program):
        return program.log.read_text(encoding="utf-8").count("have changed, and are read again")

    def test_the_actuator_sees_a_new_runbook(self):
        with Program(self.folder, "actuator", *FLAGS) as program:
            self.assertIn("error", program.get("/api/v1/plan?runbook=second")[2])
            self.folder.write("runbooks/second.yml", "runbook: second\nsummary: nothing\nsteps:\n  - confirm: all well?\n")
            until("the new runbook", lambda: program.get("/api/v1/plan?runbook=second")[0] == 200, 20)

    def test_without_the_flag_only_a_signal_counts(self):
        for name in NAMES:
            with Program(self.folder, name, "--config.auto-reload-interval=1s") as program:
                before = self.reloads(name, program)
                self.folder.write("site.yml", SITE + "# again " + name)
                program.process.send_signal(1)
                until("the reload", lambda: self.reloads(name, program) == before + 1, 20)
                self.assertEqual(self.looks(program), 0)

    def test_an_interval_that_is_none_is_refused(self):
        for name in NAMES:
            for interval in ("soon", "0s", "10ms", "-1s"):
                status, said = self.folder.refusal(name, f"--config.auto-reload-interval={interval}")
                self.assertEqual(status, 2, interval)
                self.assertIn("--config.auto-reload-interval", said)


if __name__ == "__main__":
    unittest.main()
