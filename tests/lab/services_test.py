#!/usr/bin/python3
"""Compares the exporter with `systemctl show` on made-up units of all types on a host of the lab.

Needs the lab to be up. `services_test.py --rounds N --seed S` for more than the usual few.
"""

import argparse
import datetime
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent / "exporter"))

from harness import Exporter  # noqa: E402
from labkit import layout, site  # noqa: E402

HOST = "mailhub2"
FOLDER = "/run/systemd/system"
UNITS = 40
ROUNDS = 8
SEED = 1
OTHER_KINDS = ("timer", "socket", "path", "target", "mount", "template", "alias", "masked", "absent", "broken")
PROPERTIES = ("LoadState", "ActiveState", "NRestarts", "ExecMainStartTimestamp", "ActiveEnterTimestamp")
STATES = ("active", "activating", "deactivating", "inactive", "failed", "absent")


def service(chance):
    kind = chance.choice(["simple", "exec", "oneshot", "notify", "forking", "idle"])
    short = f"sleep {chance.choice([0, 0.2, 2])}; exit {chance.choice([0, 3])}"
    life = chance.choice(["sleep infinity", "sleep infinity", short])
    if kind == "forking":
        life = f"({life}) &"
    if kind == "notify" and chance.random() < 0.7:
        life = f"systemd-notify --ready; {life}"
    lines = ["[Unit]"]
    if chance.random() < 0.1:
        lines.append("ConditionPathExists=/no/such")
    if chance.random() < 0.4:
        lines.append("StartLimitIntervalSec=0")
    lines += ["[Service]", f"Type={kind}", "NotifyAccess=all", "TimeoutStartSec=4", "TimeoutStopSec=2",
              "ExecStart=" + ("/no/such" if chance.random() < 0.1 else f'/bin/sh -c "{life}"')]
    if chance.random() < 0.5:
        lines += [f"Restart={chance.choice(['on-failure', 'always'])}", f"RestartSec={chance.choice(['100ms', '1s', '30s'])}"]
    rarely = ("RemainAfterExit=yes", "ExecStartPre=/bin/sleep 1", "ExecStop=/bin/sleep 1", "ExecStopPost=/bin/false",
              "ExecStartPost=/bin/false")
    return lines + [line for line in rarely if chance.random() < 0.15]


def unit(chance, number):
    """A name, the command that makes it on the host, and the name to query."""
    base = f"mailhub-test-{number}"
    kind = dict(enumerate(OTHER_KINDS)).get(number, "service")
    path = f"{FOLDER}/{base}"

    def file(suffix, lines):
        return f"cat >{path}{suffix} <<'END'\n" + "\n".join(lines) + "\nEND\n"
    helper = file(".service", ["[Service]", "ExecStart=/bin/sleep infinity"])
    if kind == "timer":
        return base + ".timer", helper + file(".timer", ["[Timer]", "OnCalendar=yearly"])
    if kind == "socket":
        return base + ".socket", helper + file(".socket", ["[Socket]", f"ListenStream=/run/{base}.socket"])
    if kind == "path":
        return base + ".path", helper + file(".path", ["[Path]", f"PathExists=/run/{base}.none"])
    if kind == "target":
        return base + ".target", file(".target", ["[Unit]", "Description=nothing"])
    if kind == "mount":  # its name gives its place
        name = f"run-mailhubtest{number}.mount"
        return name, f"printf '%s\\n' '[Mount]' What=none Where=/run/mailhubtest{number} Type=tmpfs >{FOLDER}/{name}\n"
    if kind == "template":
        return base + "@one-two.service", file("@.service", service(chance))
    if kind == "alias":
        return base + "-too.service", file(".service", service(chance)) + f"ln -sf {path}.service {path}-too.service\n"
    if kind == "masked":
        return base + ".service", f"ln -sf /dev/null {path}.service\n"
    if kind == "absent":
        return base + ".service", ""
    if kind == "broken":
        return base + ".service", file(".service", ["[Service]", "Type=nothing"])
    return base + ".service", file(".service", service(chance))


def on_host(script):
    return site.exec_in(HOST, "sh", "-c", script, check=False)


class Services(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-services-test."))
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(on_host, f"""
            systemctl kill -s KILL 'mailhub-test-*'
            systemctl stop 'mailhub-test-*' 'run-mailhubtest*'
            rm -f {FOLDER}/mailhub-test-* {FOLDER}/run-mailhubtest*
            systemctl daemon-reload
            systemctl reset-failed""")

    def shown(self, names):
        """systemctl's answer about each, asked one by one."""
        show = "systemctl show --timestamp=us+utc --property=" + ",".join(PROPERTIES)
        text = on_host("".join(f"{show} -- {name}; echo end\n" for name in names)).stdout
        replies = [dict(line.split("=", 1) for line in reply.split("\n") if "=" in line) for reply in text.split("end\n")]
        return dict(zip(names, replies))

    def test_shows_made_up_units_as_systemctl_does(self):
        chance = random.Random(SEED)
        units = dict(unit(chance, number) for number in range(UNITS))
        on_host("".join(units.values()) + "systemctl daemon-reload")
        (self.folder / "site.yml").write_text(json.dumps({
            "ssh": {"user": "root", "known_hosts": str(layout.CONFIG / "known_hosts"),
                    "exporter_key": str(layout.CONFIG / "keys" / "exporter")},
            "hosts": {HOST: {"address": layout.ADDRESSES[HOST],
                             "services": {f"u{i}": {"unit": name} for i, name in enumerate(units)}}}}), encoding="utf-8")
        seen = dict.fromkeys(STATES, 0)
        with Exporter(self) as exporter:
            for number in range(ROUNDS):
                for name in units:
                    if chance.random() < 0.4:
                        on_host(f"systemctl {chance.choice(['start', 'start', 'restart', 'stop', 'kill', 'reset-failed'])} "
                                f"{'--no-block' if chance.random() < 0.5 else '--job-mode=replace'} -- {name}")
                time.sleep(chance.random())  # any moment will do
                before = self.shown(units)
                page = exporter.probe(HOST, 10)
                after = self.shown(units)
                for label, name in enumerate(units):
                    if before[name] == after[name]:
                        seen[self.compare(f"round {number}: {name}\n{units[name]}", f"u{label}", before[name], page)] += 1
        print(seen, file=sys.stderr)
        for state in ("active", "inactive", "failed", "absent"):
            self.assertGreater(seen[state], 0, state)

    def compare(self, what, label, unit_shown, page):
        state = {"reloading": "active", "refreshing": "active", "maintenance": "inactive"}.get(
            unit_shown["ActiveState"], unit_shown["ActiveState"])
        if state == "inactive" and unit_shown["LoadState"] == "not-found":
            state = "absent"
        said = [one for one in STATES if page[f'mailhub_service_state{{name="{label}",state="{one}"}}'] == 1]
        self.assertEqual(said, [state], what)
        restarts = unit_shown.get("NRestarts") if state != "absent" else None
        self.assertEqual(page.get(f'mailhub_service_restarts_total{{name="{label}"}}'),
                         None if restarts is None else float(restarts), what)
        start = page.get(f'mailhub_service_start_time_seconds{{name="{label}"}}')
        self.assertEqual(start is not None, state == "active", what)
        if start is not None:
            begun = seconds(unit_shown.get("ExecMainStartTimestamp") or unit_shown["ActiveEnterTimestamp"])
            self.assertAlmostEqual(start, begun, delta=1.1, msg=what)  # the kernel gives its boot time in whole seconds
        return state


def seconds(text):
    """Parses a time such as "Fri 2026-11-27 04:00:05.123456 UTC"."""
    return datetime.datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S.%f %Z").replace(tzinfo=datetime.timezone.utc).timestamp()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--seed", type=int, default=SEED)
    known, rest = options.parse_known_args()
    ROUNDS, SEED = known.rounds, known.seed
    unittest.main(argv=[sys.argv[0], *rest])
