"""Reads the configuration of rules and dashboards: config.yml, and a site's own file over it.

Why: what a site changes is in one file, and a mistake in it must not become a rule that never fires. Every value is of a
known kind (an allow-list of characters); a refusal names file:line:column, the field and what was expected.
"""

import pathlib
import re
from dataclasses import dataclass

import yaml

RULES = pathlib.Path(__file__).resolve().parent
DEFAULTS = RULES / "config.yml"
SHIPPED_SETS = ("general", "university")
LARGEST_FILE = 65536  # bytes
MOST_ITEMS = 32  # of a list, or thresholds

# A value of a matcher goes into YAML, PromQL, Go's templates and printf, so it has no quote, backslash, brace, bracket,
# percent sign, number sign or blank.
MATCHER = r'[a-zA-Z_][a-zA-Z0-9_]*(?:=~|!~|!=|=)"[A-Za-z0-9_.:/|()*+?^$@-]*"'
DURATION = re.compile(r"[1-9][0-9]{0,4}[smhdwMy]")
NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?(?:e[0-9]{1,2})?")


class Mistake(Exception):
    """What is wrong with the configuration or a template: one sentence, with its place."""


@dataclass(frozen=True)
class Kind:
    pattern: re.Pattern
    expected: str


MATCHERS = Kind(
    re.compile(rf"(?:{MATCHER}(?:,{MATCHER})*)?"),
    'PromQL matchers without blanks, like job="mailhub",cluster="north", or ""',
)
SOME_MATCHERS = Kind(re.compile(rf"{MATCHER}(?:,{MATCHER})*"), MATCHERS.expected.removesuffix(', or ""'))
NAME = Kind(re.compile(r"[A-Za-z0-9_.-]{1,30}"), "1 to 30 letters, digits, '_', '.' or '-'")
SET = Kind(re.compile(r"[A-Za-z0-9_./-]{1,200}"), "general, university, or the path of a folder")
SCHEMA = {
    "sets": [SET],
    "runbook_url": Kind(
        re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9_.:/?&=~@#+-]*\{alert\}[A-Za-z0-9_./?&=~#+-]*"),
        "an absolute http(s) address with {alert} in it, like https://wiki.example.org/alerts#{alert}",
    ),
    "selectors": {
        "probe": SOME_MATCHERS,
        "exporter": SOME_MATCHERS,
        "actuator": SOME_MATCHERS,
        "alertmanager": MATCHERS,
        "prometheus": MATCHERS,
    },
    "watched": {"processes": MATCHERS, "threads": MATCHERS, "services": MATCHERS, "ports": MATCHERS},
    "thresholds": Kind(NUMBER, "a number from 0 on, like 1000, 0.9 or 500e6"),
    "dashboards": {
        "tags": [NAME],
        "uid_prefix": Kind(re.compile(r"[A-Za-z0-9_-]{1,20}"), "1 to 20 letters, digits, '_' or '-'"),
        "title_prefix": Kind(re.compile(r"[A-Za-z0-9_.:/() -]{0,30}"), "at most 30 letters, digits, blanks or _.:/()-"),
        "since": Kind(DURATION, "a duration like 24h"),
        "refresh": Kind(DURATION, "a duration like 30s"),
    },
}


def place(node, file):
    return f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


class Reader:
    """One file against SCHEMA. Every method raises Mistake."""

    def __init__(self, file):
        self.file = file
        self.places = {}  # "thresholds.NAME" and such: where this file gives it

    def refuse(self, node, field, expected):
        raise Mistake(f"{place(node, self.file)}: {field}: expected {expected}")

    def document(self):
        try:
            with open(self.file, "rb") as source:
                data = source.read(LARGEST_FILE + 1)
            if len(data) > LARGEST_FILE:
                raise Mistake(f"{self.file}: the file: expected at most {LARGEST_FILE} bytes")
            root = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise Mistake(f"{self.file}: cannot be read: {error.strerror}") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            at = f"{self.file}:{mark.line + 1}:{mark.column + 1}" if mark else str(self.file)
            raise Mistake(f"{at}: the file: expected YAML ({error.problem})") from error
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise Mistake(f"{self.file}: the file: expected YAML in UTF-8 ({type(error).__name__})") from error
        return {} if root is None else self.read(root, SCHEMA, "")

    def read(self, node, schema, field):
        if isinstance(schema, dict):
            return self.mapping(node, schema, field)
        if isinstance(schema, list):
            return self.items(node, schema[0], field)
        if field == "thresholds":
            return self.thresholds(node, schema)
        return self.scalar(node, schema, field)

    def pairs(self, node, field):
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, field or "the file", "a mapping (key: value)")
        seen = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            full = f"{field}.{name}".lstrip(".")
            if name in seen:
                self.refuse(key, full, "this key once")
            seen.add(name)
            self.places[full] = place(key, self.file)
            yield key, name, full, value

    def mapping(self, node, schema, field):
        found = {}
        for key, name, full, value in self.pairs(node, field):
            if name not in schema:
                self.refuse(key, full, f"one of the keys {', '.join(schema)}")
            found[name] = self.read(value, schema[name], full)
        return found

    def thresholds(self, node, kind):
        found = {}
        for key, name, full, value in self.pairs(node, "thresholds"):
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
                self.refuse(key, full, "a name of small letters, digits and '_'")
            if len(found) == MOST_ITEMS:
                self.refuse(key, full, f"at most {MOST_ITEMS} thresholds")
            found[name] = self.scalar(value, kind, full)
        return found

    def items(self, node, kind, field):
        if not isinstance(node, yaml.SequenceNode) or not 1 <= len(node.value) <= MOST_ITEMS:
            self.refuse(node, field, f"a list of 1 to {MOST_ITEMS} items")
        found = [self.scalar(item, kind, field) for item in node.value]
        if len(set(found)) != len(found):
            self.refuse(node, field, "each item once")
        return found

    def scalar(self, node, kind, field):
        if not isinstance(node, yaml.ScalarNode) or not kind.pattern.fullmatch(node.value):
            self.refuse(node, field, kind.expected)
        return node.value


@dataclass(frozen=True)
class Config:
    sets: dict  # name: its folder of templates
    runbook_url: str
    selectors: dict
    watched: dict
    thresholds: dict  # name: the number as it is written
    dashboards: dict
    given_thresholds: dict  # those of the site's own file: name: its place

    def number(self, threshold):
        return float(self.thresholds[threshold])

    def rest(self, program):
        """The selector without its job: for queries in which $job selects that."""
        matchers = re.findall(MATCHER, self.selectors[program])
        return ",".join(m for m in matchers if not re.match(r"job[=!]", m))


def over(base, more):
    """Mappings are merged key by key; anything else is replaced."""
    if isinstance(base, dict) and isinstance(more, dict):
        return {**base, **{key: over(base.get(key), value) for key, value in more.items()}}
    return more


def folders(names, file):
    """The sets' folders by their names. Raises Mistake."""
    found = {}
    for name in names:
        folder = RULES / "templates" / name if name in SHIPPED_SETS else (file.parent / name).resolve()
        if not folder.is_dir():
            raise Mistake(f"{file}: sets: {name}: expected general, university, or the path of a folder of templates")
        if folder.name in found:
            raise Mistake(f"{file}: sets: {name}: expected each folder's name once")
        found[folder.name] = folder
    return found


def load(path=None):
    """The defaults, with the site's own file at `path` over them. Raises Mistake."""
    values, given, file = Reader(DEFAULTS).document(), {}, DEFAULTS
    if path is not None:
        reader = Reader(pathlib.Path(path))
        own = reader.document()
        if "sets" in own:
            file = pathlib.Path(path).resolve()
        given = {name: reader.places[f"thresholds.{name}"] for name in own.get("thresholds", {})}
        values = over(values, own)
    values["sets"] = folders(values["sets"], file)
    return Config(**values, given_thresholds=given)
