#!/usr/bin/python3
"""help_pages.py on the real programs: nothing of --help is lost. Arguments: the folder of the programs, mailhub-host-keys."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import help_pages  # noqa: E402

HOST_KEYS = pathlib.Path(sys.argv.pop(2))
BIN = pathlib.Path(sys.argv.pop(1))
PROGRAMS = [BIN / "mailhub_exporter", BIN / "mailhub_actuator", BIN / "mailhubctl", HOST_KEYS]
CTL = BIN / "mailhubctl"


def rendered(page):
    with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
        file.write(page)
        file.flush()
        done = subprocess.run(["man", "--warnings", "--local-file", file.name], check=True, capture_output=True, text=True,
                              env={"MANWIDTH": "200", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": "", "PAGER": "cat"})
    return done.stdout, done.stderr


def squeezed(text):
    return re.sub(r"\s+", " ", text)


class Pages(unittest.TestCase):
    def test_each_option_argument_and_sentence_is_in_the_page(self):
        for program in PROGRAMS:
            read = help_pages.read(str(program))
            page, warnings = rendered(help_pages.man(str(program), read))
            self.assertEqual(warnings, "", program.name)
            page = squeezed(page)
            for one in help_pages.pages(read):
                if one.commands:
                    continue  # its commands follow
                for entry in one.positionals + one.options:
                    if "--help" in entry.names:
                        continue
                    head = entry.head.split(" ", 1)
                    for part in [head[0].replace(",", ", "), *head[1:], *([entry.text] if entry.text else [])]:
                        self.assertIn(squeezed(part), page, f"{program.name} {' '.join(one.path)}")
            self.assertIn("EXIT STATUS", page)

    def test_no_line_of_a_help_is_lost(self):
        for program in PROGRAMS:
            for one in help_pages.pages(help_pages.read(str(program))):
                said = help_pages.run(str(program), *one.path, "--help")
                kept = [one.text, one.usage, *one.footer]
                for entry in one.positionals + one.options + one.commands:
                    kept += [entry.head, entry.text]
                left = squeezed(re.sub(r"^(Positionals|Options|Subcommands):$|^Usage:", "", said, flags=re.M))
                self.assertEqual(sorted(left.split()), sorted(squeezed(" ".join(kept)).split()), f"{program.name} {one.path}")

    def test_what_is_not_understood_is_refused(self):
        with self.assertRaisesRegex(ValueError, "Usage"):
            help_pages.parse("A program without that line\n", [])
        with self.assertRaisesRegex(ValueError, "not understood: +--flag"):
            help_pages.parse("Text\nUsage: x\n\n  --flag   is below no title\n", [])

    def test_a_long_head_is_not_cut(self):
        for line in ("  MODE TEXT:{active,observe,halted} REQUIRED", "  --output TEXT:{table,json}=table"):
            self.assertEqual(help_pages.entries([line]), [help_pages.Entry(line.strip(), "")])
        self.assertEqual(help_pages.entries(["  --twelve-and-sixteen-letters X", " " * 30 + "A text"]),
                         [help_pages.Entry("--twelve-and-sixteen-letters X", "A text")])


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.script = help_pages.completion(str(CTL), help_pages.read(str(CTL)))

    def complete(self, *words):
        """What bash would offer behind these words; the last one is begun."""
        ask = 'eval "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mailhubctl; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "--norc", "-c", ask, "bash", "mailhubctl", *words], check=True, capture_output=True, text=True,
                              env={"SCRIPT": self.script, "PATH": "/usr/bin:/bin"}, cwd="/")
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_commands_options_and_words_are_offered(self):
        self.assertEqual(self.complete("ru"), ["run"])
        self.assertEqual(self.complete("run", "st"), ["start"])
        self.assertEqual(self.complete("--utc", "run", "--by", "run", "res"), ["resume", "resolve"])
        self.assertEqual(self.complete("mode", "set", "a"), ["active"])
        self.assertEqual(self.complete("--output", ""), ["table", "json"])
        self.assertEqual(self.complete("report", "--format", "o"), ["openmetrics"])
        self.assertIn("--until-finished", self.complete("run", "watch", "--u"))
        self.assertIn("--url", self.complete("run", "watch", "--u"), "the program's own options may stand there, too")
        self.assertEqual(self.complete("run", "watch", "--csv"), [])

    def test_files_are_offered_where_a_file_is_named(self):
        self.assertIn("etc", self.complete("config", "check", "et"))
        self.assertIn("etc", self.complete("--token-file", "et"))
        self.assertNotIn("etc", self.complete("--by", "et"))

    def test_it_is_good_bash(self):
        subprocess.run(["shellcheck", "-"], input=self.script, text=True, check=True)


if __name__ == "__main__":
    unittest.main()
