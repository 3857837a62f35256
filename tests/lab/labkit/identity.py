"""Keys and the site file: the identities of the hosts, the exporter and the actuator."""

import shutil

from . import layout
from .layout import run

CLIENTS = ["exporter", "actuator"]


def client_key(name):
    return layout.CONFIG / "keys" / name


def host_key(host):
    return layout.host_state(host) / "persist" / "host-keys" / "ssh_host_ed25519_key"


def known_hosts():
    return layout.CONFIG / "known_hosts"


def make_key(path, comment):
    path.parent.mkdir(parents=True, exist_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path)


def ensure():
    """Makes missing keys and keeps existing ones: a host's key outlives reboots and `lab down`."""
    for name in CLIENTS:
        if not client_key(name).exists():
            make_key(client_key(name), f"{name}@lab")
    client_key("exporter").parent.chmod(0o700)
    lines = []
    for host, address in layout.ADDRESSES.items():
        key = host_key(host)
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True)
            key.parent.chmod(0o700)
            make_key(key, f"root@{host}")
        public = original_public_key(host).read_text(encoding="utf-8").split()
        lines.append(f"{address},{host} {public[0]} {public[1]}\n")
    layout.write_file(known_hosts(), "".join(lines))
    shutil.copyfile(layout.LAB_DIR / "config" / "site.yml", layout.CONFIG / "site.yml")


def original_public_key(host):
    """The key that known_hosts promises, also while the host-key fault has put another in its
    place."""
    kept = host_key(host).with_suffix(".orig")
    return (kept if kept.exists() else host_key(host)).with_name(
        (kept if kept.exists() else host_key(host)).name + ".pub"
    )


def authorized_keys():
    return "".join(
        client_key(name).with_suffix(".pub").read_text(encoding="utf-8") for name in CLIENTS
    )


def swap_host_key(host):
    """Gives the host a key that known_hosts does not list. sshd must be restarted by the caller."""
    key = host_key(host)
    if not key.with_suffix(".orig").exists():
        key.rename(key.with_suffix(".orig"))
        key.with_suffix(".pub").rename(key.with_suffix(".orig.pub"))
    else:
        key.unlink()
        key.with_suffix(".pub").unlink()
    make_key(key, f"stranger@{host}")


def restore_host_key(host):
    """Puts the listed key back; returns whether it had been swapped."""
    key = host_key(host)
    if not key.with_suffix(".orig").exists():
        return False
    key.with_suffix(".orig").replace(key)
    key.with_suffix(".orig.pub").replace(key.with_suffix(".pub"))
    return True


def ssh(host, *command, key="exporter", timeout=10, check=True, **options):
    """Runs a command over SSH as the exporter does: its key, and only the listed host key."""
    return run(
        "ssh",
        "-F",
        "/dev/null",
        "-i",
        client_key(key),
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        f"UserKnownHostsFile={known_hosts()}",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
        "-o",
        f"ConnectTimeout={int(timeout)}",
        f"root@{layout.ADDRESSES[host]}",
        *command,
        timeout=timeout + 5,
        check=check,
        **options,
    )
