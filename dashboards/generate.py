"""The JSON of every dashboard of the chosen sets.

Why: a panel is a title, a sentence, a unit and a few queries, and red begins at the alert's value. rules/render.py
writes the files, with the configuration that the rules have.
"""

import json

import hosts
import internals
import registration
import runs
import university

SETS = {
    "general": {"hosts": hosts.hosts, "runs": runs.runs, "internals": internals.internals},
    "university": {
        "directory-health": university.directory_health,
        "rebuilds": university.rebuilds,
        "registration": registration.registration,
    },
}


def documents(config):
    """"SET/NAME.json": its text."""
    return {
        f"{chosen}/{name}.json": json.dumps(make(config), indent=1, ensure_ascii=False) + "\n"
        for chosen in config.sets
        for name, make in SETS.get(chosen, {}).items()
    }
