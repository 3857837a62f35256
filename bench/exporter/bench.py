#!/usr/bin/env python3
"""Compares tools for one look at the directory server, in turns: time, and CPU time on each side."""

import argparse
import pathlib
import re
import resource
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import measure  # noqa: E402
from stage import DELTAS, Stage  # noqa: E402


class Keeper:
    """A tool for the look. `client` and `host` are CPU seconds on either side; `look` raises unless it saw
    everything."""

    def __init__(self, name, looks, look, client, host, get_ready=lambda: None):
        self.name, self.looks, self.look, self.client, self.host, self.get_ready = name, looks, look, client, host, get_ready
        self.seconds, self.client_seconds, self.host_seconds = [], 0.0, 0.0

    def take_turn(self):
        self.get_ready()
        client, host = self.client(), self.host()
        for _ in range(self.looks):
            began = time.perf_counter()
            self.look()
            self.seconds.append(time.perf_counter() - began)
        self.client_seconds += self.client() - client
        self.host_seconds += self.host() - host

    def median(self):
        return measure.percentile(self.seconds, 0.5) * 1e3

    def p99(self):
        return measure.percentile(self.seconds, 0.99) * 1e3

    def client_ms(self):
        return self.client_seconds / len(self.seconds) * 1e3

    def host_ms(self):
        return self.host_seconds / len(self.seconds) * 1e3


class Page:
    """A page fetched repeatedly over one kept connection, with as little Python as possible."""

    def __init__(self, port, path, wanted):
        self._port, self._socket = port, None
        self._request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        self._wanted = [text.encode() for text in wanted]

    def connect(self):
        """Anew for each turn: an idle connection may have been closed."""
        if self._socket:
            self._socket.close()
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=15)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fetch()

    def fetch(self):
        self._socket.sendall(self._request)
        answer = self._socket.recv(1 << 18)
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        while len(body) < int(length[1]) if length else not body.endswith(b"\r\n0\r\n\r\n"):  # or it comes in chunks
            body += self._more()
        for text in self._wanted:
            if text not in body:
                raise RuntimeError(f"the page lacks {text.decode()}, it begins {body[:400]}")

    def _more(self):
        bytes_read = self._socket.recv(1 << 18)
        if not bytes_read:
            raise RuntimeError("the connection was closed")
        return bytes_read


def children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def nothing():
    return 0.0


class HostCpu:
    """CPU seconds of sshd and its children, read when only the kept sessions are left."""

    def __init__(self, sshd):
        self._sshd, self._kept = sshd, None

    def keep(self):
        self._kept = measure.tree_cpu_seconds(self._sshd)[1]

    def __call__(self):
        measure.until("the end of sshd's sessions", lambda: measure.tree_cpu_seconds(self._sshd)[1] <= self._kept)
        return measure.tree_cpu_seconds(self._sshd)[0]


PAGE = [
    "\nprobe_success 1\n", 'mailhub_process_running{process="eddy"} 1\n', 'mailhub_process_running{process="eddy_root"} 1\n',
    'mailhub_process_running{process="qubRA"} 1\n', 'mailhub_process_running{process="openRA"} 1\n',
    'mailhub_thread_running{process="qubRA",thread="student"} 1\n', 'mailhub_thread_running{process="openRA",thread="UNS"} 1\n',
    'mailhub_thread_running{process="openRA",thread="alias"} 1\n', f'mailhub_directory_files{{directory="deltas"}} {DELTAS}\n',
    'mailhub_port_open{port="directory"} 1\n', 'mailhub_port_open{port="agent"} 1\n',
    'mailhub_host_cpu_seconds_total{mode="idle"} ', "mailhub_host_memory_available_bytes ",
]  # fmt: skip


def start_exporter(stage, build):
    port = measure.free_port()
    exporter = stage.start([build / "bin/mailhub_exporter", "--config.file", stage.root / "site.yml",
                            "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "error"])  # fmt: skip
    measure.until("mailhub_exporter", lambda: measure.accepts(port))
    return exporter.pid, Page(port, "/probe?target=x500", PAGE)


def start_node_exporter(stage):
    port = measure.free_port()
    process = stage.start(["prometheus-node-exporter", "--collector.disable-defaults", "--collector.cpu", "--collector.meminfo",
                           f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)  # fmt: skip
    measure.until("node_exporter", lambda: measure.accepts(port))
    return process.pid, Page(port, "/metrics", ["node_memory_MemAvailable_bytes ", "node_cpu_seconds_total{"])


def start_process_exporter(stage):
    port = measure.free_port()
    config = stage.root / "process-exporter.yml"
    exes = ["opt/isode/sbin/isode.eddy", "opt/qub/sbin/qubRA", "opt/qub/sbin/openRA"]
    config.write_text("process_names:\n" + "".join(f"- {{exe: [{stage.root / exe}]}}\n" for exe in exes))
    process = stage.start(["prometheus-process-exporter", "-config.path", config, "-threads", "-web.listen-address",
                           f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)  # fmt: skip
    measure.until("process-exporter", lambda: measure.accepts(port))
    wanted = ["_num_procs{groupname=\"isode.eddy\"} 2", "threadname=\"student\"", "threadname=\"alias\""]
    return process.pid, Page(port, "/metrics", wanted)


class FreshLibssh:
    def __init__(self, stage, build):
        self._process = stage.start([build / "bench/exporter/bench_fresh_libssh", stage.ssh_port, stage.user, stage.root / "user",
                                     stage.root / "known_hosts"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        self.pid = self._process.pid

    def look(self, command):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if answer[:1] != ["0"] or int(answer[1]) < 300:
            raise RuntimeError(f"a look through libssh failed: {answer}")


def run(argv):
    out = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    if len(out) < 300:
        raise RuntimeError(f"too short a look: {out.decode()}")


def check_peers(stage):
    """Both looks must have the same results as the exporter's."""
    naive = subprocess.check_output(["sh", "-c", stage.naive], text=True)
    helper = subprocess.check_output(["sh", "-c", stage.helper], text=True)
    for text, words in (naive, ("process eddy ", "process eddy_root ", "process qubRA ", "process openRA ", "thread student ",
                                "thread UNS ", "thread alias ", f"files {DELTAS} ")), \
                       (helper, ("\nprocess 0 ", "\nprocess 1 ", "\nprocess 2 ", "\nprocess 3 ", "\nthread 0 ", "\nthread 1 ",
                                 "\nthread 2 ", f"\nsum {DELTAS} ")):  # fmt: skip
        for word in words:
            if word not in text:
                raise RuntimeError(f"a peer's look lacks {word!r}:\n{text}")


def line_up(stage, build):
    check_peers(stage)
    host = HostCpu(stage.sshd)
    exporter, probe = start_exporter(stage, build)
    node, node_page = start_node_exporter(stage)
    process, process_page = start_process_exporter(stage)
    libssh = FreshLibssh(stage, build)
    stage.start([*stage.ssh, "-M", "-N", "127.0.0.1"], stderr=subprocess.DEVNULL)
    measure.until("the multiplexing master", (stage.root / "control").exists)
    probe.connect()
    time.sleep(0.5)  # until the helper has settled
    host.keep()

    def cpu(pid):
        return lambda: measure.cpu_seconds(pid)

    keepers = [Keeper("mailhub_exporter /probe", 100, probe.fetch, cpu(exporter), host, probe.connect)]
    for what, command in (("script", stage.naive), ("helper", stage.helper)):
        fresh = [*stage.ssh, "-o", "ControlPath=none", "127.0.0.1", command]
        shared = [*stage.ssh, "127.0.0.1", command]
        keepers += [
            Keeper(f"libssh, fresh connection: {what}", 3, lambda command=command: libssh.look(command), cpu(libssh.pid), host),
            Keeper(f"OpenSSH, fresh connection: {what}", 2, lambda argv=fresh: run(argv), children_cpu_seconds, host),
            Keeper(f"OpenSSH, multiplexed: {what}", 5, lambda argv=shared: run(argv), children_cpu_seconds, host),
        ]
    return keepers + [
        Keeper("the script alone, on the host", 5, lambda: run(["sh", "-c", stage.naive]), nothing, children_cpu_seconds),
        Keeper("node_exporter, on the host", 20, node_page.fetch, nothing, cpu(node), node_page.connect),
        Keeper("process-exporter, on the host", 20, process_page.fetch, nothing, cpu(process), process_page.connect),
    ]


def report(keepers):
    ours = keepers[0]
    rows = [[k.name, str(len(k.seconds)), f"{k.median():.2f}", f"{k.p99():.2f}", f"{k.median() / ours.median():.1f}",
             f"{k.client_ms():.2f}", f"{k.host_ms():.2f}"] for k in keepers]  # fmt: skip
    measure.print_table(["look", "n", "median ms", "p99 ms", "x ours", "client CPU ms", "host CPU ms"], rows)
    by_name = {k.name: k for k in keepers}

    def times(name):
        return min(by_name[f"{name}: {what}"].median() for what in ("script", "helper")) / ours.median()

    share = ours.host_ms() / by_name["the script alone, on the host"].host_ms()
    print()
    for what, value, unit, kept in (
        ("median", ours.median(), " ms, promised <= 3", ours.median() <= 3),
        ("p99", ours.p99(), " ms, promised <= 8", ours.p99() <= 8),
        ("faster than libssh with a fresh connection, the quicker of both looks", times("libssh, fresh connection"),
         " times, promised >= 30", times("libssh, fresh connection") >= 30),
        ("faster than multiplexed OpenSSH, the quicker of both looks", times("OpenSSH, multiplexed"),
         " times, promised >= 3", times("OpenSSH, multiplexed") >= 3),
        ("exporter CPU a probe", ours.client_ms(), " ms, promised <= 0.4", ours.client_ms() <= 0.4),
        ("host CPU a probe, as a share of the script's alone", share, ", promised <= 0.1", share <= 0.1),
    ):  # fmt: skip
        print(f"{'kept  ' if kept else 'MISSED'}  {what}: {value:.2f}{unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default="build/release", help="the build directory")
    parser.add_argument("--rounds", type=int, default=20, help="turns each takes, if there is time")
    parser.add_argument("--seconds", type=float, default=150, help="no round begins later than that")
    options = parser.parse_args()
    build = options.build.resolve()
    print(measure.describe_machine(), flush=True)
    with Stage(build / "exporter/mailhub_testing_target", build / "exporter/helper.sh") as stage:
        keepers = line_up(stage, build)
        deadline = time.monotonic() + options.seconds
        for _ in range(options.rounds):
            for keeper in keepers:
                keeper.take_turn()
            if time.monotonic() > deadline:
                break
    report(keepers)


if __name__ == "__main__":
    main()
