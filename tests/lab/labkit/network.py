"""The bridge on the machine. nspawn makes each host's veth pair and enslaves it; the host addresses
itself."""

import pathlib

from . import layout
from .layout import run


def up():
    """Makes the bridge; harmless when it exists."""
    if not pathlib.Path("/sys/class/net", layout.BRIDGE).exists():
        run(
            "ip",
            "link",
            "add",
            layout.BRIDGE,
            "type",
            "bridge",
            "forward_delay",
            "0",
            "stp_state",
            "0",
        )
    run("ip", "addr", "replace", layout.BRIDGE_ADDRESS, "dev", layout.BRIDGE)
    run("ip", "link", "set", layout.BRIDGE, "up")


def cable(host):
    """The machine's end of a host's veth pair."""
    return f"vb-{host}"


def unplug(host):
    run("ip", "link", "set", cable(host), "down")


def plug(host):
    run("ip", "link", "set", cable(host), "up")


def links():
    names = [layout.BRIDGE] + [cable(host) for host in layout.HOSTS]
    return [name for name in names if pathlib.Path("/sys/class/net", name).exists()]


def down():
    for name in reversed(links()):
        run("ip", "link", "del", name, check=False)
