#!/usr/bin/python3
"""How the lab finds its Prometheus and Alertmanager; tested without a lab, in made-up folders."""

import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from labkit import layout, programs, stack  # noqa: E402


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def put(self, name, text, folder=None):
        file = (folder or self.folder) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        layout.write_file(file, f"#!/bin/sh\n{text}\n", 0o755)
        return str(file)

    def choose(self, stack_name):
        return unittest.mock.patch.dict(os.environ, {"MAILHUB_STACK": str(stack_name)})

    def test_without_a_choice_the_programs_on_path_are_taken(self):
        program = self.put("prometheus", "true")
        with self.choose(""), unittest.mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            self.assertEqual(programs.find("prometheus"), program)

    def test_a_chosen_folder_hides_the_programs_on_path_and_may_use_either_name(self):
        program = self.put("alertmanager", "true")
        with self.choose(self.folder):
            self.assertEqual(programs.find("alertmanager"), program)
            with self.assertRaisesRegex(layout.LabError, f"no program prometheus in {self.folder}"):
                programs.find("prometheus")
        debians = self.put("prometheus-alertmanager", "true")
        with self.choose(self.folder):
            self.assertEqual(programs.find("alertmanager"), debians)

    def test_a_name_is_a_stack_among_those_that_were_fetched(self):
        program = self.put("prometheus", "true", self.folder / "forky" / "bin")
        with unittest.mock.patch.object(programs, "STACKS", self.folder):
            with self.choose("forky"):
                self.assertEqual(programs.find("prometheus"), program)
            with self.choose("sid"), self.assertRaisesRegex(layout.LabError, "MAILHUB_STACK=sid: there is no folder"):
                programs.find("prometheus")

    def test_the_lab_starts_the_chosen_stack(self):
        chosen = [self.put(name, "true") for name in ("prometheus", "alertmanager")]
        with self.choose(self.folder):
            started = [stack.Stack("build/dev").command(name)[0] for name in ("prometheus", "alertmanager")]
        self.assertEqual(started, chosen)

    def test_versions_are_the_programs_own_words_wherever_they_print_them(self):
        self.put("prometheus", 'echo "prometheus, version 3.5.3+ds1 (branch: b, revision: r)"; echo "  go version: go1.24"')
        self.put("alertmanager", 'echo "alertmanager, version 0.25.0 (branch: , revision: )" >&2')
        with self.choose(self.folder):
            self.assertEqual(programs.describe(), "Prometheus 3.5.3+ds1, Alertmanager 0.25.0")

    def test_a_program_that_cannot_start_is_quoted(self):
        self.put("prometheus", 'echo "cannot open libc.so.6" >&2; exit 127')
        with self.choose(self.folder), self.assertRaisesRegex(layout.LabError, "exited 127: cannot open libc.so.6"):
            programs.version("prometheus")


if __name__ == "__main__":
    unittest.main()
