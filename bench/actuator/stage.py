"""The stage of the actuator's benches: their own sshd, and the program with its files. Loopback only."""

import http.client
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import measure  # noqa: E402
from kit.sshd import Sshd, make_key  # noqa: E402

TOKEN = "correct-horse-battery"


def write(path, text, mode=0o644):
    pathlib.Path(path).write_text(text)
    os.chmod(path, mode)


class RunnerHost(Sshd):
    """A host with two keys: `key` may only start the installed runner, `free` may start anything."""

    def __init__(self, build, folder, allowed):
        folder.mkdir()
        runner = subprocess.run([build / "bin/mailhub_actuator", "--print-runner"], check=True, capture_output=True, text=True).stdout
        write(folder / "runner", runner, 0o755)
        write(folder / "allow", "\n".join(allowed) + "\n")
        for key in ("key", "free"):
            make_key(folder / key)
        self.command = f"sh {folder}/runner --installed --allow {folder}/allow --dir {folder}/receipts --allow-tmpfs --no-systemd"
        write(folder / "keys", f'restrict,command="{self.command}" {(folder / "key.pub").read_text()}{(folder / "free.pub").read_text()}')
        super().__init__(folder, authorized="keys", more="Subsystem sftp internal-sftp")
        self.known_hosts = folder / "known_hosts"
        write(self.known_hosts, self.known_host())

    def forget(self):
        """Lets the runner obey the next actuator."""
        (self.folder / "receipts/fence").unlink()

    def ask_runner(self, verb, fields, body=""):
        """One request to the runner as a child process; returns the reply."""
        fields = {"nonce": "n", "verb": verb, "journal": "bench", "epoch": 1, **fields, "digest": "d", "body_bytes": len(body)}
        request = "mailhub-request 1\n" + "".join(f"{name}={value}\n" for name, value in fields.items()) + f"\n{body}\n"
        return subprocess.run(self.command.split(), input=request, capture_output=True, text=True, check=True, start_new_session=True).stdout


class Actuator:
    """The program on a journal of its own, with the host x500 behind `sshd`; ready once entered."""

    def __init__(self, build, folder, sshd=None, runbooks=None, prometheus="http://127.0.0.1:1", journal=None, connections=32, site=None):
        self.folder, self.journal = folder, journal or folder / "journal.db"
        self._build, self._port = build, measure.free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        (folder / "runbooks").mkdir(parents=True, exist_ok=True)
        runbooks = runbooks or {"none": "runbook: none\nsummary: Nothing\nsteps:\n  - confirm: Is it so?\n"}
        for name, text in runbooks.items():
            write(folder / f"runbooks/{name}.yml", text)
        keys = sshd.folder if sshd else folder
        if not sshd and not (folder / "key").exists():  # of a host that is never reached
            make_key(folder / "key")
            write(folder / "known_hosts", "")
        host = {"address": "127.0.0.1", "port": sshd.port if sshd else 22, "runner": "installed", "commands": "{nothing: the host knows}"}
        host |= site or {}
        write(folder / "site.yml", f"ssh: {{user: root, known_hosts: {keys}/known_hosts, actuator_key: {keys}/key, exporter_key: {keys}/free}}\n"
              "hosts:\n  x500:\n" + "".join(f"    {key}: {value}\n" for key, value in host.items()))  # fmt: skip
        write(folder / "token", TOKEN + "\n", 0o600)
        write(folder / "actuator.yml", f"site: site.yml\nrunbooks: runbooks\njournal: {self.journal}\n"
              f"web: {{listen_address: '127.0.0.1:{self._port}', token_file: token}}\nwebhook: {{token_file: token}}\n"
              f"prometheus: {{url: '{prometheus}'}}\nlimits: {{connections: {connections}}}\n")  # fmt: skip

    def __enter__(self):
        self._log = open(self.folder / "log", "a")
        self._process = measure.start(
            [self._build / "bin/mailhub_actuator", f"--config.file={self.folder}/actuator.yml"], stdout=self._log, stderr=self._log
        )
        self.pid = self._process.pid
        measure.until("the actuator", self._ready, 60)
        return self

    def __exit__(self, *_):
        measure.end(self._process)
        self._log.close()

    def _ready(self):
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text())
        return measure.accepts(self._port) and self._ask("GET", "/-/ready")[0] == 200

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def text(self, path):
        status, text = self._ask("GET", path)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {text}")
        return text

    def get(self, path):
        return json.loads(self.text(path))["data"]

    def start_run(self, runbook, parameters=None):
        status, text = self._ask("POST", "/api/v1/runs", json.dumps({"runbook": runbook, "parameters": parameters or {}}))
        if status != 200:
            raise RuntimeError(text)
        return json.loads(text)["data"]["run"]

    def finish(self, run, seconds=60):
        """The run's events after its success, as rows of the journal, which have milliseconds."""

        def ended():
            data = self.get(f"/api/v1/runs/{run}")
            if data["state"] == "held":
                raise RuntimeError(f"run {run} holds: {data}")
            return data["state"] == "finished"

        deadline = time.monotonic() + seconds
        while not ended():
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {run} did not end")
            time.sleep(0.05)
        with sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT at_ms, kind, body FROM events WHERE run = ? ORDER BY seq", [run])]
