#!/usr/bin/python3
"""cmake/version.cmake: which revision a build names. Arguments: the path of cmake."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CMAKE = sys.argv.pop() if len(sys.argv) > 1 else "cmake"


class Version(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()

    def git(self, *words, folder=None):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *words], cwd=folder or self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self):
        self.git("init", "-q")
        (self.folder / "file").write_text("one\n", encoding="utf-8")
        self.git("add", "file")
        self.git("commit", "-qm", "one")
        return self.git("rev-parse", "--short=10", "HEAD")

    def make(self, revision="", folder=None):
        """cmake's exit status, and the revision in the source that it writes."""
        output = self.folder / ".git" / "version.cc" if (self.folder / ".git").exists() else self.folder / "version.cc"
        done = subprocess.run([CMAKE, "-DVERSION=1.2.3", f"-DREVISION={revision}", f"-DFOLDER={folder or self.folder}",
                               f"-DOUTPUT={output}", "-P", ROOT / "cmake/version.cmake"], check=False, capture_output=True)
        text = output.read_text(encoding="utf-8") if output.exists() else ""
        self.written = output.stat().st_mtime_ns if output.exists() else None
        return done.returncode, re.findall(r'return "(.*)";', text)

    def test_a_commit_is_named(self):
        self.assertEqual(self.make(), (0, ["1.2.3", "unknown"]))
        (self.folder / "version.cc").unlink()
        commit = self.commit()
        self.assertEqual(self.make(), (0, ["1.2.3", commit]))

    def test_what_differs_from_its_commit_says_so(self):
        commit = self.commit()
        (self.folder / "notes").write_text("of nobody's interest\n", encoding="utf-8")
        self.assertEqual(self.make()[1][1], commit)
        (self.folder / "file").write_text("two\n", encoding="utf-8")
        self.assertEqual(self.make()[1][1], commit + "-modified")

    def test_a_checkout_around_the_sources_is_not_theirs(self):
        self.commit()
        inside = self.folder / "unpacked"
        inside.mkdir()
        self.assertEqual(self.make(folder=inside)[1][1], "unknown")

    def test_a_given_revision_counts_and_is_checked(self):
        self.assertEqual(self.make("v1.2.3-4"), (0, ["1.2.3", "v1.2.3-4"]))
        self.assertNotEqual(self.make('x"; evil(); "')[0], 0)

    def test_an_unchanged_source_is_not_written(self):
        self.make()
        before = self.written
        self.make()
        self.assertEqual(self.written, before)


if __name__ == "__main__":
    unittest.main()
