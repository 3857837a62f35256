"""The host of the look: its own sshd on loopback, the directory server's processes, a directory of deltas,
two ports. Everything is below one temporary directory and ends with the bench."""

import getpass
import pathlib
import shutil
import subprocess
import sys
import tempfile

import measure
from kit.sshd import Sshd, make_key

DELTAS = 300  # files

SITE = """\
ssh: {{user: {user}, known_hosts: known_hosts, exporter_key: user}}
hosts:
  x500:
    address: 127.0.0.1
    port: {port}
    processes:
      eddy: {{exe: {root}/opt/isode/sbin/isode.eddy, args_lack: "-D /dirtables/root"}}
      eddy_root: {{exe: {root}/opt/isode/sbin/isode.eddy, args_contain: "-D /dirtables/root"}}
      qubRA: {{exe: {root}/opt/qub/sbin/qubRA}}
      openRA: {{exe: {root}/opt/qub/sbin/openRA}}
    threads: {{qubRA: [student], openRA: [UNS, alias]}}
    directories: {{deltas: {{path: {root}/var/spool/qubRA/deltas}}}}
    ports: {{directory: {ports[0]}, agent: {ports[1]}}}
"""

# The same look as one request to the helper, for tools that start it afresh each time.
REQUEST = """\
spec
exe {root}/opt/isode/sbin/isode.eddy
process 0
lack -D /dirtables/root
process 0
contain -D /dirtables/root
exe {root}/opt/qub/sbin/openRA
process 1
thread UNS
thread alias
exe {root}/opt/qub/sbin/qubRA
process 2
thread student
path {root}/var/spool/qubRA/deltas
end
go 0 5000
"""

STAND_INS = [
    ("opt/isode/sbin/isode.eddy", ["-c", "/etc/isode"]),
    ("opt/isode/sbin/isode.eddy", ["-D", "/dirtables/root"]),
    ("opt/qub/sbin/qubRA", ["--thread", "student", "--thread", "delta"]),
    ("opt/qub/sbin/openRA", ["--thread", "UNS", "--thread", "alias"]),
]

# Accepts and hangs up, for ever, in its own process: the measuring one is busy.
ACCEPTOR = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for _ in range(2):
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    selector.register(listener, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        key.fileobj.accept()[0].close()
"""


class Stage:
    """Use as a context manager. Attributes: root, user, ssh_port, sshd (its pid), ssh (OpenSSH's arguments to reach
    it)."""

    def __init__(self, testing_target, helper):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-bench-"))
        self.user = getpass.getuser()
        self._children = []
        try:
            self._set_up(testing_target, helper)
        except BaseException:
            self.__exit__()
            raise

    def _set_up(self, testing_target, helper):
        self._start_stand_ins(testing_target)
        deltas = self.root / "var/spool/qubRA/deltas"
        deltas.mkdir(parents=True)
        for i in range(DELTAS):
            (deltas / f"delta.{i:06}").write_text("x" * (i + 1))
        acceptor = self.start([sys.executable, "-c", ACCEPTOR], stdout=subprocess.PIPE, text=True)
        ports = [int(acceptor.stdout.readline()) for _ in range(2)]
        self._start_sshd()
        names = {"root": self.root, "user": self.user, "port": self.ssh_port, "ports": ports}
        (self.root / "site.yml").write_text(SITE.format(**names))
        (self.root / "request").write_text(REQUEST.format(**names))
        shutil.copy(helper, self.root / "helper.sh")
        shutil.copy(pathlib.Path(__file__).parent / "naive.sh", self.root)
        self.naive = f"sh {self.root}/naive.sh {self.root}"
        self.helper = f"sh {self.root}/helper.sh --installed <{self.root}/request"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self._children):
            measure.end(child)
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self, argv, **kwargs):
        child = measure.start(argv, **kwargs)
        self._children.append(child)
        return child

    def _start_stand_ins(self, testing_target):
        for path, arguments in STAND_INS:
            program = self.root / path
            program.parent.mkdir(parents=True, exist_ok=True)
            if not program.exists():
                shutil.copy(testing_target, program)
            child = self.start([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if child.stdout.readline() != "ready\n":
                raise RuntimeError(f"{path} did not start")

    def _start_sshd(self):
        make_key(self.root / "user")
        sshd = Sshd(self.root)
        sshd.start()
        self._children.append(sshd.process)
        sshd.await_ready()
        self.sshd, self.ssh_port = sshd.process.pid, sshd.port
        (self.root / "known_hosts").write_text(sshd.known_host())
        self.ssh = ["ssh", "-F", "/dev/null", "-T", "-p", str(self.ssh_port), "-i", str(self.root / "user"),
                    "-o", f"UserKnownHostsFile={self.root}/known_hosts", "-o", "StrictHostKeyChecking=yes",
                    "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", f"ControlPath={self.root}/control"]
