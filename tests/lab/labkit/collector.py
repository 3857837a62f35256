"""Receives the stand-ins' reports and appends them to the evidence, which no host can reach.

Each host has its own datagram socket, so a host cannot report for another. A report is one JSON
object stamped by its sender; CPU samples, five a second, go to a separate file.
"""

import json
import os
import selectors
import socket

from . import boot, layout

MAX_REPORT_BYTES = 4096


class Collector:
    """Owns the sockets and the open evidence files. Confined to the keeper's thread."""

    def __init__(self, selector):
        self._selector = selector
        self._files = {}

    def listen(self, host):
        directory = boot.socket_dir(host)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "socket"
        path.unlink(missing_ok=True)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(str(path))
        os.chmod(path, 0o666)
        receiver.setblocking(False)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._selector.register(receiver, selectors.EVENT_READ, lambda: self._drain(host, receiver))

    def _drain(self, host, receiver):
        for _ in range(1000):
            try:
                report = receiver.recv(MAX_REPORT_BYTES)
            except BlockingIOError:
                return
            try:
                fields = json.loads(report)
            except ValueError:
                fields = {"event": "unreadable", "report": report[:200].decode("utf-8", "replace")}
            self.append({"host": host, **fields, "host": host})

    def append(self, fields):
        name = fields["host"] + (".cpu" if fields.get("event") == "cpu" else "")
        if name not in self._files:
            layout.EVIDENCE.mkdir(parents=True, exist_ok=True)
            self._files[name] = open(layout.EVIDENCE / f"{name}.jsonl", "ab", buffering=0)
        self._files[name].write(json.dumps(fields, separators=(",", ":")).encode() + b"\n")
