#!/usr/bin/env python3
"""Our parser of gates against promtool: it accepts nothing that Prometheus refuses.

Random expressions from a small grammar, most of them broken by a mutation. One rules file has all
that our parser accepts; promtool names each rule that it refuses. MAILHUB_PROMQL_EXPRESSIONS: how
many; MAILHUB_PROMQL_SEED: the first seed."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

READER = sys.argv.pop(1) if len(sys.argv) > 1 else ""
PROMTOOL = os.environ.get("MAILHUB_PROMTOOL", "promtool")
COUNT = int(os.environ.get("MAILHUB_PROMQL_EXPRESSIONS", "2000"))
SEED = int(os.environ.get("MAILHUB_PROMQL_SEED", "1"))

METRICS = ["mailhub_host_cpus", "probe_success", "mailhub_file_mtime_timestamp_seconds", "mailhub_check_value", "up", "a:b"]
LABELS = ["instance", "job", "by", "bool", "offset", "inf", "nan", "without", "start", "end", "atan2", "sum", "on", "__name__", "x1", "a:b", "group_left", "unless"]
VALUES = ['"a"', "'b'", "`c`", '"a|b.*"', '"("', '"a\\\\.b"', '"\\d"', '"["', '"a{2,1}"', '"**"', '"(?i)a"', '"\\\\C"', '"\\\\pN"', '"ü"', '"\\""', '""', '"a{1001}"', '"x{1000}{1000}"']
FUNCTIONS = ["rate", "irate", "increase", "avg_over_time", "min_over_time", "max_over_time", "last_over_time", "abs", "ceil", "floor", "round",
             "clamp", "clamp_min", "clamp_max", "scalar", "absent", "RATE", "time", "vector", "fill", "quantile_over_time"]
AGGREGATIONS = ["sum", "min", "max", "avg", "count", "SUM", "topk", "group"]
NUMBERS = ["0", "1", "0.9", ".5", "5.", "1e3", "1E-3", "010", "08", "0x1f", "1e999", "NaN", "Inf", "5m", "1_000", "1e", "2.5e+3", "00", "1.2.3"]
RANGES = ["1m", "90s", "1h30m", "1m:10s", "0s", "1x", "5", " 1m ", "1m1m", "1.5m", "30m1h", "100ms", "1y", "20y", ""]
SIGNS = ["+", "-", "*", "/", "%", "^", "atan2"]
COMPARISONS = ["==", "!=", ">", "<", ">=", "<=", "> bool", "="]
JUNK = list("(){}[],+-*/%^<>=!@#\"'` \t\n") + ["and", "or", "unless", "by", "on", "offset 5m", "@ 1", "bool", "group_left", "[1m]", "{}", "()", "\\", "\v", "ü", "1"]


class Grammar:
    def __init__(self, rng):
        self.rng = rng

    def pick(self, items):
        # The first ones of a list are the simple ones.
        return items[min(int(self.rng.expovariate(2.0 / len(items))), len(items) - 1)]

    def labels(self):
        return "(" + ", ".join(self.pick(LABELS) for _ in range(self.rng.randrange(3))) + self.rng.choice(["", "", "", ","]) + ")"

    def selector(self):
        text = self.pick(METRICS)
        if self.rng.random() < 0.6:
            matchers = [self.pick(LABELS) + self.rng.choice(["=", "!=", "=~", "!~"]) + self.pick(VALUES) for _ in range(self.rng.randrange(3))]
            text += self.rng.choice(["", " "]) + "{" + ",".join(matchers) + self.rng.choice(["", "", ","]) + "}"
        return text

    def matching(self):
        if self.rng.random() < 0.75:
            return ""
        text = self.rng.choice(["on", "ignoring", "ON"]) + self.rng.choice(["", " "]) + self.labels()
        if self.rng.random() < 0.4:
            text += " " + self.rng.choice(["group_left", "group_right"]) + self.rng.choice(["", self.labels()])
        return text + " "

    def vector(self, depth):
        kind = self.rng.random()
        if depth <= 0 or kind < 0.3:
            return self.selector()
        if kind < 0.45:
            name = self.pick(FUNCTIONS)
            if name.endswith("_over_time") or name.lower() in ("rate", "irate", "increase"):
                return f"{name}({self.selector()}[{self.pick(RANGES)}])"
            more = "".join(", " + self.number() for _ in range(self.rng.choice([0, 0, 1, 2])))
            return f"{name}({self.vector(depth - 1)}{more})"
        if kind < 0.6:
            grouping = self.rng.choice(["by", "without", "BY"]) + " " + self.labels()
            first, last = self.rng.choice([("", ""), (grouping, ""), ("", grouping), (grouping, grouping)])
            return f"{self.pick(AGGREGATIONS)} {first} ({self.vector(depth - 1)}) {last}"
        if kind < 0.85:
            sides = [self.vector(depth - 1), self.rng.choice([self.number(), self.vector(depth - 1)])]
            self.rng.shuffle(sides)
            return f"{sides[0]} {self.pick(SIGNS)} {self.matching()}{sides[1]}"
        if kind < 0.9:
            return "-" + self.vector(depth - 1)
        return "(" + self.rng.choice([self.vector, self.condition])(depth - 1) + ")"

    def number(self):
        return self.rng.choice(["", "", "-", "+", "- -"]) + self.pick(NUMBERS)

    def condition(self, depth):
        sides = [self.vector(depth), self.rng.choice([self.number(), self.number(), self.vector(depth)])]
        if self.rng.random() < 0.2:
            sides.reverse()
        text = f"{sides[0]} {self.pick(COMPARISONS)} {self.matching()}{sides[1]}"
        if self.rng.random() < 0.2:
            text += f" {self.rng.choice(['and', 'AND', 'and', 'or'])} {self.matching()}{self.condition(depth - 1)}"
        return text

    def expression(self):
        text = self.condition(self.rng.randrange(4))
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            at = self.rng.randrange(len(text) + 1)
            text = text[:at] + self.rng.choice(JUNK) + text[at + self.rng.choice([0, 0, 1, 2]):]
        return text


def refused_by_promtool(expressions):
    """The expressions that promtool refuses, each with its message. Files of rules, halved until each is alone."""
    rules = [{"record": f"r{i}", "expr": expression} for i, expression in enumerate(expressions)]
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "rules.yml"
        path.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
        result = subprocess.run([PROMTOOL, "check", "rules", "--lint=none", str(path)], capture_output=True, text=True, timeout=300)
    if result.returncode == 0:
        return []
    if len(expressions) == 1:
        return [(expressions[0], (result.stdout + result.stderr)[-500:])]
    middle = len(expressions) // 2
    return refused_by_promtool(expressions[:middle]) + refused_by_promtool(expressions[middle:])


class Promtool(unittest.TestCase):
    def test_refuses_nothing_that_our_reader_accepts(self):
        grammar = Grammar(random.Random(SEED))
        expressions = [grammar.expression() for _ in range(COUNT)]
        answer = subprocess.run([READER], input=json.dumps(expressions), capture_output=True, text=True, check=True, timeout=300)
        accepted = [expression for expression, good in zip(expressions, json.loads(answer.stdout), strict=True) if good]
        print(f"{len(expressions)} expressions, {len(accepted)} accepted by our reader", file=sys.stderr)
        self.assertGreater(len(accepted), len(expressions) // 50, "the grammar makes too little that a gate may say")
        self.assertEqual(refused_by_promtool(accepted), [])


if __name__ == "__main__":
    unittest.main()
