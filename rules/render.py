#!/usr/bin/python3
"""Copies the rules with every duration shortened, for a site whose day is short.

Why: the lab does in minutes what takes a site hours, and it must run the same rules. Thresholds are series
(thresholds.yml) and stay unchanged; `for`, `keep_firing_for`, range selectors and offsets cannot come from series, so
this script divides them.

    render.py --time-scale 60 --min-range 15s OUT_DIR [--from RULES_DIR]

A `for` never falls below 1 s, a range or offset never below --min-range (a rate needs several scrapes).
"""

import argparse
import pathlib
import re
import sys

RULE_FILES = ("thresholds.yml", "recordings.yml", "alerts-directory.yml", "alerts-mailhubs.yml", "alerts-watchers.yml")
UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
DURATION = r"\d+(?:ms|[smhdw])"
HOLD = re.compile(rf"^(\s*(?:for|keep_firing_for):\s*)({DURATION})(\s*(?:#.*)?)$")
RANGE = re.compile(rf"(\[|\boffset\s+)({DURATION})\b")


def to_ms(text):
    match = re.fullmatch(r"(\d+)(ms|[smhdw])", text)
    if not match:
        raise ValueError(f"not a duration: {text}")
    return int(match[1]) * UNIT_MS[match[2]]


def scaled(text, scale, least_ms):
    """A longer time shrinks to no less than least_ms; a shorter one is unchanged."""
    whole = to_ms(text)
    ms = max(round(whole / scale), min(whole, least_ms))
    if ms == whole:
        return text
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"


def render(text, scale, min_range_ms):
    def shorten(line):
        if line.lstrip().startswith("#"):
            return line
        hold = HOLD.match(line)
        if hold:
            return f"{hold[1]}{scaled(hold[2], scale, 1000)}{hold[3]}"
        return RANGE.sub(lambda m: m[1] + scaled(m[2], scale, min_range_ms), line)

    return "\n".join(shorten(line) for line in text.split("\n"))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--time-scale", type=float, default=60.0, help="divide every duration by this (default 60)")
    parser.add_argument("--min-range", default="15s", help="shortest range selector (default 15s)")
    parser.add_argument("--from", dest="source", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent)
    args = parser.parse_args(argv)
    if args.time_scale <= 0:
        parser.error("--time-scale must be above 0")
    if args.out_dir.resolve() == args.source.resolve():
        parser.error("refusing to write over the rules themselves")
    try:
        min_range_ms = to_ms(args.min_range)
    except ValueError as error:
        parser.error(str(error))
    args.out_dir.mkdir(parents=True, exist_ok=True)
    for name in RULE_FILES:
        text = (args.source / name).read_text(encoding="utf-8")
        (args.out_dir / name).write_text(render(text, args.time_scale, min_range_ms), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
