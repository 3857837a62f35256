#!/usr/bin/python3
"""Renders the rules and dashboards with a configuration.

Why: what differs between sites is in one file (config.yml, and a site's own over it), and the rules stay the same.

    render.py OUT_DIR [--config MINE.yml]             OUT_DIR/rules/SET/*.yml and OUT_DIR/dashboards/SET/*.json
    render.py OUT_DIR [--config MINE.yml] --check     writes nothing; fails if OUT_DIR has something else

The lab runs the same rules on a day of minutes: --time-scale 60 divides every `for`, `keep_firing_for`, range and offset
(thresholds stay). A `for` never falls below 1 s, a range or offset never below --min-range (a rate needs several scrapes).

Exit status 0 if all is well, 1 if --check found a difference, 2 for a mistake in the configuration or a template.
"""

import argparse
import os
import pathlib
import re
import sys

import yaml

import mixin

ROOT = mixin.RULES.parent
sys.path.insert(0, str(ROOT / "dashboards"))
import generate  # noqa: E402  (found through the line above)

UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
DURATION = r"\d+(?:ms|[smhdw])"
HOLD = re.compile(rf"^(\s*(?:for|keep_firing_for):\s*)({DURATION})(\s*(?:#.*)?)$")
RANGE = re.compile(rf"(\[|\boffset\s+)({DURATION})\b")
PLACEHOLDER = re.compile(r"<<([^<>\n]*)>>")
RECORDED_THRESHOLD = re.compile(r"^\s*- record: mailhub:threshold:(\w+)$", re.M)
RULE_KEYS = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
LARGEST_TEMPLATE = 1_000_000  # bytes


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


def shortened(text, scale, min_range_ms):
    """Rules with every duration divided by scale."""

    def shorten(line):
        if line.lstrip().startswith("#"):
            return line
        hold = HOLD.match(line)
        if hold:
            return f"{hold[1]}{scaled(hold[2], scale, 1000)}{hold[3]}"
        return RANGE.sub(lambda m: m[1] + scaled(m[2], scale, min_range_ms), line)

    return "\n".join(shorten(line) for line in text.split("\n"))


class Templates:
    """The templates of one set, with the configuration's values in them. Every method may raise mixin.Mistake."""

    def __init__(self, config, folder):
        self.config = config
        self.texts = {path: self.read(path) for path in sorted(folder.glob("*.yml"))}
        if not self.texts:
            raise mixin.Mistake(f"{folder}: expected templates of rules (*.yml)")
        self.thresholds = [name for text in self.texts.values() for name in RECORDED_THRESHOLD.findall(text)]

    @staticmethod
    def read(path):
        try:
            with open(path, "rb") as source:
                data = source.read(LARGEST_TEMPLATE + 1)
            if len(data) > LARGEST_TEMPLATE:
                raise mixin.Mistake(f"{path}: expected at most {LARGEST_TEMPLATE} bytes")
            return data.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise mixin.Mistake(f"{path}: cannot be read: {error}") from error

    def value(self, words):
        """What a placeholder stands for; None if it is unknown."""
        if len(words) == 2 and words[0] == "runbook":
            return self.config.runbook_url.replace("{alert}", words[1].lower())
        if len(words) == 2 and words[0] == "threshold":
            return self.config.thresholds.get(words[1])
        if words == ["threshold_names"]:
            return "|".join(self.thresholds)
        if words == ["threshold_count"]:
            return str(len(self.thresholds))
        matchers = {**self.config.selectors, **self.config.watched}
        if len(words) == 1 and words[0].removesuffix(",") in matchers:
            text = matchers[words[0].removesuffix(",")]
            return f"{text}," if text and words[0].endswith(",") else text  # with "," other matchers follow
        return None

    def render(self, path):
        text = self.texts[path]

        def fill(match):
            value = self.value(match[1].split())
            if value is None:
                line = text.count("\n", 0, match.start()) + 1
                column = match.start() - text.rfind("\n", 0, match.start())
                raise mixin.Mistake(
                    f"{path}:{line}:{column}: {match[0]}: expected a selector, a name of `watched`, runbook ALERT, "
                    "threshold NAME (of the configuration), threshold_names or threshold_count"
                )
            return value

        filled = PLACEHOLDER.sub(fill, text)
        self.check(path, filled)
        return f"# Rendered by rules/render.py from templates/{path.parent.name}/{path.name}: change that, not this.\n" + filled

    @staticmethod
    def check(path, text):
        """The result has the shape of rules; promtool sees the rest."""
        try:
            content = yaml.safe_load(text)
            rules = [rule for group in content["groups"] for rule in group["rules"]]
            unknown = {key for rule in rules for key in rule} - RULE_KEYS
        except (yaml.YAMLError, TypeError, KeyError) as error:
            raise mixin.Mistake(f"{path}: expected groups of rules: {error}") from error
        if unknown:
            raise mixin.Mistake(f"{path}: expected only the keys {', '.join(sorted(RULE_KEYS))} of a rule, not {unknown}")


def rule_documents(config, scale=1.0, min_range_ms=15_000):
    """"rules/SET/NAME.yml": its text. Raises mixin.Mistake."""
    found, used = {}, set()
    for name, folder in config.sets.items():
        templates = Templates(config, folder)
        used |= set(templates.thresholds)
        for path in templates.texts:
            found[f"rules/{name}/{path.name}"] = shortened(templates.render(path), scale, min_range_ms)
    for threshold, place in config.given_thresholds.items():
        if threshold not in used:
            known = ", ".join(sorted(used)) or "none"
            raise mixin.Mistake(f"{place}: thresholds.{threshold}: expected a threshold of the chosen sets ({known})")
    return found


def documents(config, scale=1.0, min_range_ms=15_000):
    """All files by their path below OUT_DIR. Raises mixin.Mistake."""
    boards = {f"dashboards/{name}": text for name, text in generate.documents(config).items()}
    return {**rule_documents(config, scale, min_range_ms), **boards}


def strangers(out_dir, rendered):
    """Files beside rendered ones that Prometheus or Grafana may load too, and that this does not render."""
    beside = {path for name in rendered for path in (out_dir / name).parent.glob("*" + pathlib.Path(name).suffix)}
    return sorted(path for path in beside if str(path.relative_to(out_dir)) not in rendered)


def differs(path, text):
    try:
        return path.read_text(encoding="utf-8") != text
    except (OSError, UnicodeDecodeError):
        return True


def write(path, text):
    """A reader, Prometheus or Grafana, sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--config", type=pathlib.Path, help="your own values, over those of rules/config.yml")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if OUT_DIR has something else")
    parser.add_argument("--time-scale", type=float, default=1.0, help="divide every duration by this (default 1)")
    parser.add_argument("--min-range", default="15s", help="shortest range selector (default 15s)")
    args = parser.parse_args(argv)
    if not args.time_scale > 0:
        parser.error("--time-scale must be above 0")
    if args.out_dir.resolve() == ROOT and (args.config or args.time_scale != 1):
        parser.error("the files beside the templates have the defaults, which the tests test: choose another OUT_DIR")
    try:
        args.min_range_ms = to_ms(args.min_range)
    except ValueError as error:
        parser.error(str(error))
    return args


def main(argv=None):
    args = parse(argv)
    try:
        rendered = documents(mixin.load(args.config), args.time_scale, args.min_range_ms)
    except mixin.Mistake as mistake:
        print(f"render: {mistake}", file=sys.stderr)
        return 2
    stale = [name for name, text in rendered.items() if differs(args.out_dir / name, text)]
    if args.check:
        for name in stale:
            print(f"render: {args.out_dir / name} is not what this configuration gives", file=sys.stderr)
    else:
        for name in stale:
            write(args.out_dir / name, rendered[name])
    for path in strangers(args.out_dir, rendered):
        print(f"render: {path} is not rendered by this; remove it if it is an old one", file=sys.stderr)
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
