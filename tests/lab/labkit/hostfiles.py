"""A host's files beyond the shared base tree.

A host is three things stacked: the base tree; its *layer*, written afresh before every boot
(programs, sshd and Exim configuration, names); and its *persistent* directories, bound over both,
which keep the data of a real host's disk. Everything else is gone after a reboot.
"""

import hashlib
import os
import pathlib
import shutil

from . import base, identity, layout
from .layout import host_state, write_file

ETC = layout.LAB_DIR / "hosts"  # the texts of configuration files and units

# Directory under persist/ -> (where the host sees it, its mode).
PERSISTENT = {
    "host-keys": ("/etc/ssh/host-keys", 0o700),
    "root-ssh": ("/root/.ssh", 0o700),
    "runner": ("/var/lib/mailhub-runner", 0o700),
    "etc-mailhub": ("/etc/mailhub", 0o755),
    "units": ("/etc/systemd/system", 0o755),
    "timers": ("/var/lib/systemd/timers", 0o755),
    "local": ("/usr/local", 0o755),
}
PERSISTENT_X500 = {"dirtables": ("/dirtables", 0o755), "spool": ("/var/spool/qubRA", 0o755)}
PERSISTENT_MAILHUB = {"home-exim": ("/home/exim", 0o755)}
PERSISTENT_WINDOWS = {"windows": ("/var/lib/windows", 0o755)}

# Stand-in -> its path in a host. The exporter looks for that path.
PROGRAMS = {
    "x500": {
        "eddy": "/opt/isode/sbin/isode.eddy",
        "registration_agent": "/opt/qub/sbin/qubRA",
        "ractl": "/opt/qub/bin/ractl",
        "cpu_sampler": "/opt/lab/bin/cpu_sampler",
    },
    "mailhub": {"regclient": "/opt/qub/sbin/regclient"},
    "cvshost": {"registration_agent": "/opt/qub/sbin/openRA", "ractl": "/opt/qub/bin/ractl"},
    "windows": {"windows_cmd": "/opt/windows/cmd.exe"},
}
UNITS = {
    "x500": ["eddy.service", "qubRA.service", "cpu-sampler.service"],
    "mailhub": ["regclient.service", "exim.service"],
    "cvshost": ["openRA.service"],
    "windows": [],
}


def role(host):
    if host in layout.WINDOWS:
        return "windows"
    return "mailhub" if host in layout.MAILHUBS else host


def persistent(host):
    extra = {"x500": PERSISTENT_X500, "mailhub": PERSISTENT_MAILHUB, "windows": PERSISTENT_WINDOWS}
    return {**PERSISTENT, **extra.get(role(host), {})}


def persist_dir(host, name):
    return host_state(host) / "persist" / name


def ensure_persistent(host):
    """Makes the persistent directories and the lab's own files in them; leaves the rest alone."""
    for name, (_, mode) in persistent(host).items():
        directory = persist_dir(host, name)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(mode)
    for name in ("bin", "sbin", "lib", "libexec", "share", "etc"):
        (persist_dir(host, "local") / name).mkdir(exist_ok=True)
    keys = persist_dir(host, "root-ssh") / "authorized_keys"
    if not keys.exists():
        write_file(keys, identity.authorized_keys(), 0o600)
    _units(host)


def _units(host):
    """Debian's own links, the lab's host unit, and the role's units, enabled."""
    units = persist_dir(host, "units")
    for source in (base.path() / "etc/systemd/system").rglob("*"):
        target = units / source.relative_to(base.path() / "etc/systemd/system")
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_symlink():
                target.symlink_to(os.readlink(source))
    _install_unit(units, "lab-host.service", "sysinit.target")
    # Otherwise the evidence socket is unmounted before the last processes end.
    write_file(
        units / "run-lab\\x2devidence.mount.d" / "last.conf", "[Unit]\nDefaultDependencies=no\n"
    )
    for unit in UNITS[role(host)]:
        _install_unit(units, unit, "multi-user.target")


def _install_unit(units, unit, wanted_by):
    first_time = not (units / unit).exists()
    shutil.copyfile(ETC / "units" / unit, units / unit)
    wants = units / f"{wanted_by}.wants"
    wants.mkdir(exist_ok=True)
    if first_time:
        (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")


def build_layer(host, standins):
    """Writes the host's layer anew. Only while the host is not running: the kernel forbids changing
    a mounted overlay's lower tree."""
    layer = host_state(host) / "layer"
    if layer.exists():
        shutil.rmtree(layer)
    machine_id = hashlib.sha256(f"mailhub-lab {host}".encode()).hexdigest()[:32]
    names = "".join(f"{address} {name}\n" for name, address in layout.ADDRESSES.items())
    write_file(layer / "etc/hostname", f"{host}\n")
    write_file(layer / "etc/machine-id", f"{machine_id}\n")
    write_file(layer / "etc/hosts", f"127.0.0.1 localhost\n{names}")
    write_file(layer / "opt/lab/address", f"{layout.ADDRESSES[host]}/24\n")
    _install(ETC / "sshd_config", layer / "etc/ssh/sshd_config", 0o644)
    _install(ETC / "host-up", layer / "opt/lab/bin/host-up", 0o755)
    _install(standins / "note", layer / "opt/lab/bin/note", 0o755)
    for program, where in PROGRAMS[role(host)].items():
        _install(standins / program, _inside(layer, where), 0o755)
    {"x500": _x500, "mailhub": _mailhub, "windows": _windows}.get(role(host), lambda *_: None)(
        layer
    )
    return layer


def _x500(layer):
    _install(ETC / "S81eddy", layer / "etc/rc2.d/S81eddy", 0o755)


def _mailhub(layer):
    _install(ETC / "exim4.conf", layer / "etc/exim4/exim4.conf", 0o644)


def _windows(layer):
    """root's login shell is the command interpreter, so that no POSIX shell ever sees a command."""
    passwd = (base.path() / "etc/passwd").read_text(encoding="utf-8").splitlines()
    passwd = [
        "root:x:0:0:root:/root:/opt/windows/cmd.exe" if line.startswith("root:") else line
        for line in passwd
    ]
    write_file(layer / "etc/passwd", "\n".join(passwd) + "\n")


def install_rebuild(host, standins):
    """The rebuild lives under /home/exim, which is persistent: refreshed at each boot."""
    scripts = persist_dir(host, "home-exim") / "scripts"
    scripts.mkdir(parents=True, exist_ok=True)
    _install(standins / "rebuild", scripts / "rebuild", 0o755)


def _inside(layer, absolute):
    return layer / pathlib.PurePosixPath(absolute).relative_to("/")


def _install(source, target, mode):
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, temporary)
    temporary.chmod(mode)
    os.replace(temporary, target)
