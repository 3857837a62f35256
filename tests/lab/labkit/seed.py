"""The site's initial data: the directory's entries and each hub's old alias table.

All of it follows from the number of entries, so two labs of one size hold the same people.
"""

import os
import random
import time

from . import hostfiles, knobs, layout
from .layout import write_file

FIRST = (
    "alice bob carol david emma frank grace henry irene james karen liam mary niall orla peter "
    "quinn rachel sean tara una victor wendy xavier yvonne zoe"
).split()
LAST = (
    "adams brown campbell doherty elliott ferguson gallagher hughes irwin johnston kelly lynch "
    "mcbride nelson oneill patterson quigley reid stewart thompson urquhart vance wilson young"
).split()
STALE_ALIASES = 200  # deleted people that every hub's table still lists


def entries(count):
    """`count` pairs of local part and target, sorted: people, and every third time a short alias of
    one."""
    dice = random.Random(f"mailhub directory of {count}")
    found = {"alice.adams": "p000001@store.qub.test"}
    number = 1
    while len(found) < count:
        first, last = dice.choice(FIRST), dice.choice(LAST)
        number += 1
        name = f"{first}.{last}" if f"{first}.{last}" not in found else f"{first}.{last}.{number}"
        found[name] = f"p{number:06d}@store.qub.test"
        if number % 3 == 0 and len(found) < count:
            found[f"{first[0]}{last}{number}"] = f"{name}@qub.test"
    return sorted(found.items())


def stale(count):
    gone = [("gone.person", "p999999@store.qub.test")]
    gone += [
        (f"left.person.{n}", f"p9{n:05d}@store.qub.test")
        for n in range(1, min(STALE_ALIASES, count))
    ]
    return gone


def ensure():
    """Writes tables that are missing or of another size. Existing tables belong to the rebuild."""
    count = int(knobs.get("directory_entries"))
    people = None
    tables = hostfiles.persist_dir("x500", "dirtables")
    data = tables / "entries"
    if not data.exists() or sum(1 for _ in open(data, encoding="utf-8")) != count:
        people = entries(count)
        write_file(data, "".join(f"{local}\t{target}\n" for local, target in people))
    write_file(tables / "eddy.conf", "entries /dirtables/entries\nport 17003\n")
    write_file(tables / "root" / "context", "o=Queen's University of Belfast, c=GB\n")
    (hostfiles.persist_dir("x500", "spool") / "deltas").mkdir(parents=True, exist_ok=True)
    for host in layout.MAILHUBS:
        directory = hostfiles.persist_dir(host, "home-exim") / "tables"
        if not (directory / "aliases").exists():
            people = people or entries(count)
            write_table(directory, people + stale(count))
    if not services_path().exists():
        set_service("MailboxCreation", "running")


def write_table(directory, lines):
    """A table as an earlier rebuild left it, with the marks of that rebuild beside it."""
    text = "".join(f"{local}: {target}\n" for local, target in sorted(lines))
    earlier = time.time() - 3600
    for name, content in (("aliases", text), ("aliases.before", text), ("rebuild.started", "")):
        write_file(directory / name, content)
        os.utime(directory / name, (earlier, earlier))


def restore_table(host):
    """Puts the deleted aliases back, as if this hub had not been rebuilt for a while."""
    count = int(knobs.get("directory_entries"))
    write_table(hostfiles.persist_dir(host, "home-exim") / "tables", entries(count) + stale(count))


WINDOWS_STATES = {"stopped": 1, "start_pending": 2, "stop_pending": 3, "running": 4, "paused": 7}


def services_path():
    return hostfiles.persist_dir("ex2k10-365a", "windows") / "services"


def set_service(name, state):
    """Changes one Windows service's state; Windows' own two services make the list realistic."""
    services = {"Dnscache": "4 1104 DNS Client", "EventLog": "4 820 Windows Event Log"}
    if services_path().exists():
        for line in services_path().read_text(encoding="utf-8").splitlines():
            services[line.split()[0]] = line.split(maxsplit=1)[1]
    pid = 0 if state == "stopped" else 2312
    services[name] = f"{WINDOWS_STATES[state]} {pid} Mailbox Creation Service"
    write_file(
        services_path(),
        "".join(f"{key} {services[key]}\n" for key in sorted(services, key=str.lower)),
    )
