"""A real sshd on loopback, with keys of its own: a host for the exporter or the actuator."""

import os
import pathlib
import subprocess

from kit.programs import accepts, end, free_port, spawn, until


def make_key(path):
    """An ed25519 key without a passphrase: PATH and PATH.pub."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", pathlib.Path(path).name, "-f", path], check=True)
    return path


def known_host(host_key, address, port):
    """The line of a known_hosts file."""
    words = pathlib.Path(f"{host_key}.pub").read_text(encoding="utf-8").split()[:2]
    return f"[{address}]:{port} {' '.join(words)}\n"


class Sshd:
    """Its files are in `folder`, where several may be beside each other: NAME.sshd, NAME.log, the host key `host`, the
    logins' home. `authorized`: what may log in, a file there. `more`: further options of sshd; `before`: words before
    its command. Ends with this program."""

    def __init__(self, folder, name="sshd", address="127.0.0.1", port=None, authorized="user.pub", more="", before=()):
        self.folder, self.name, self.address = folder, name, address
        self.port = port or free_port()
        self.log, self.config, self.before = folder / f"{name}.log", folder / f"{name}.sshd", before
        if not (folder / "host").exists():
            make_key(folder / "host")
        (folder / "home").mkdir(exist_ok=True)
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # where sshd insists on being jailed; shared, so it stays
        # The first line that names an option wins; HOME: without the user's own start-up files.
        self.config.write_text(
            f"{more}\nListenAddress {address}\nPort {self.port}\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/{authorized}\nPidFile none\nUsePAM no\nStrictModes no\n"
            # To sshd a look at its port is a login attempt, and it drops some when there are many.
            "MaxStartups 1000\n"
            f"PasswordAuthentication no\nPermitRootLogin prohibit-password\nSetEnv HOME={folder}/home\n",
            encoding="utf-8")
        self.process = None

    def start(self):
        self.process = spawn([*self.before, "/usr/sbin/sshd", "-D", "-e", "-f", self.config], self.log)

    def await_ready(self):
        def listens():
            if self.process.poll() is not None:
                raise AssertionError(f"sshd {self.name}: {self.log.read_text(encoding='utf-8')}")
            return accepts(self.port, self.address)
        until(f"{self.name} to listen", listens)

    def known_host(self):
        return known_host(self.folder / "host", self.address, self.port)

    def __enter__(self):
        self.start()
        self.await_ready()
        return self

    def __exit__(self, *unused):
        end(self.process)
