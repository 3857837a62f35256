#!/usr/bin/python3
"""The helper's text: evaluated parts are numbers that are counted or checked, never a host's text."""

import pathlib
import re
import unittest

PARTS = pathlib.Path(__file__).resolve().parents[2] / "exporter" / "helper" / "script"
COUNTED = {"list_number", "i", "n", "t", "e", "parts", "exes"}  # numbers of the spec's lines
CODE = {"code", "tests", "rows"}  # made in the same function, of such numbers
LOOKED_AT = {"pid"}  # digits: the line behind says so
# The arguments of a few functions, which are such numbers at each call.
ARGUMENTS = {"keep": {"1", "2"}, "add_exe": {"1"}, "args_fit": {"2"}, "report_process": {"2"}, "find_older_version": {"1"}}
# Stored by read_spec, which only adds the line's number.
THREADS = {"threads", "processes"}


def functions(text):
    """The name of each line's function, and the line."""
    name = ""
    for line in text.splitlines():
        begins = re.match(r"(\w+)\(\) \{", line)
        name = begins.group(1) if begins else name
        if not line.lstrip().startswith("#"):
            yield name, line
        if line == "}" or line.endswith("}") and begins:
            name = ""


class Evals(unittest.TestCase):
    def test_each_eval_has_only_allowed_parts(self):
        evals = 0
        for path in sorted(PARTS.glob("*.sh")):
            text = path.read_text(encoding="utf-8")
            inside = ""  # the text of an eval of several lines
            for function, line in functions(text):
                for words in ([line] if inside else re.split(r"\beval ", line)[1:]):
                    evals += not inside
                    if words == '"$MAILHUB_CHECK") </dev/null 2>/dev/null 3>&-; printf "status %s %s\\n" "$MAILHUB_NUMBER" "$?" >&3; } |':
                        continue  # a check is a command
                    if words.startswith("delete $ENV{mailhub_program};"):
                        continue  # perl gets its part of the helper
                    quotes = len(re.findall(r'(?<!\\)"', words))
                    if quotes >= 2 and not inside:
                        words = re.match(r'"((?:[^"\\]|\\.)*)"', words).group(1)
                    inside = "eval" if (quotes % 2 == 1) != bool(inside) else ""
                    self.assertNotRegex(words, r"(?<!\\)(`|\$\((?!\())", f"{path.name}: {line}")
                    for name in re.findall(r"(?<!\\)\$\{?(\d|[A-Za-z_]\w*)", words):
                        allowed = COUNTED | CODE | LOOKED_AT | THREADS | ARGUMENTS.get(function, set())
                        self.assertIn(name, allowed, f"{path.name}, {function}: {line}")
        self.assertGreater(evals, 30)

    def test_a_number_that_comes_from_a_host_is_looked_at_where_it_is_set(self):
        for name in ("40_find_processes.sh", "42_arguments.sh", "45_report_processes.sh"):
            lines = (PARTS / name).read_text(encoding="utf-8").splitlines()
            for i, line in enumerate(lines):
                if re.search(r"(^|\s)pid=", line) and line != lines[-1] and not line.startswith("#"):
                    self.assertRegex(lines[i + 1], r"^\s+case \$pid in '' \| \*\[!0-9\]\*\) (continue|return( 1)?) ;; esac$", line)

    def test_each_kept_text_has_a_number_for_its_name(self):
        allowed = COUNTED | LOOKED_AT | THREADS | {"paths", "checks"}
        for path in sorted(PARTS.glob("*.sh")):
            for number in re.findall(r"\bkeep [a-z_]+ (\S+(?: - 1\)\))?)", path.read_text(encoding="utf-8")):
                self.assertIn(re.sub(r"^\$\(\((\w+) - 1\)\)$|^\$(\w+)$", r"\1\2", number), allowed, f"{path.name}: keep {number}")


if __name__ == "__main__":
    unittest.main()
