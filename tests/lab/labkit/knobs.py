"""The lab's settings and faults, as numbers that the stand-ins read anew at each use."""

import json

from . import layout
from .layout import LabError, read_json, write_file

# name -> (default, meaning)
KNOBS = {
    "directory_entries": (
        40000,
        "people and aliases in the directory; counts at the next `lab up` or eddy start",
    ),
    "directory_base_mb": (60, "memory of a freshly started directory"),
    "leak_mb_per_s": (0.02, "what the directory always leaks"),
    "leak_rebuild_mb": (520, "what it leaks while it feeds one whole rebuild"),
    "eddy_stop_seconds": (1.2, "from S81eddy stop until the main process is gone"),
    "resync_seconds": (4, "load on x500 when a registration client starts"),
    "resync_after_rebuild_seconds": (8, "the same, on a hub whose tables were rebuilt"),
    "resync_load": (0.75, "share of all of x500's CPUs that a resynchronisation uses"),
    "regclient_connect_seconds": (10, "how long a starting client tries to reach the directory"),
    "rebuild_seconds": (25, "how long a rebuild takes"),
    "rebuild_load": (0.4, "share of all of x500's CPUs that a rebuild uses"),
    "qubra_crash": (
        0.5,
        "chance that qubRA crashes when the directory goes away; 0 and 1 are certain",
    ),
    "delta_files_per_s": (1, "delta files that the student thread writes"),
    "delta_drain_ms": (40, "CPU time that clearing one delta file costs x500"),
    "delta_batch_max": (300, "the largest batch that the student thread writes when it comes back"),
}


def path():
    return layout.CONTROL / "knobs.json"


def faults_path():
    return layout.CONTROL / "faults.json"


def ensure():
    """Writes defaults for unset knobs, and drops unknown ones."""
    current = read_json(path(), {})
    values = {name: current.get(name, default) for name, (default, _) in KNOBS.items()}
    write_file(path(), json.dumps(values, indent=1) + "\n")
    if read_json(faults_path()) is None:
        write_file(faults_path(), "{}\n")
    if not layout.KNOBS.is_symlink():
        layout.KNOBS.symlink_to(path())


def get(name):
    return read_json(path(), {}).get(name, KNOBS[name][0])


def set_all(assignments):
    """Takes NAME=VALUE words; `reset` instead sets every knob to its default. All or nothing."""
    values = read_json(path(), {})
    for word in assignments:
        if word == "reset":
            values = {name: default for name, (default, _) in KNOBS.items()}
            continue
        name, _, text = word.partition("=")
        if name not in KNOBS:
            raise LabError(f"no knob `{name}`; there are: {', '.join(KNOBS)}")
        try:
            values[name] = int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            raise LabError(f"knob {name}: `{text}` is not a number") from None
    write_file(path(), json.dumps(values, indent=1) + "\n")


def set_fault(name, value):
    faults = read_json(faults_path(), {})
    faults[name] = value
    write_file(faults_path(), json.dumps(faults, indent=1) + "\n")


def fault(name):
    return read_json(faults_path(), {}).get(name, 0)
