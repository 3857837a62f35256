#!/usr/bin/python3
"""The lab's Alertmanager configuration in a real Alertmanager, on free loopback ports, with a listener as the actuator.

Why: a syntax check cannot test routes and inhibition. A run's own alerts are silent while it runs and heard when it
holds. A trigger arrives with its token, once when it fires and once when it resolves.
"""

import http.server
import json
import pathlib
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEADLINE = 30.0


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, condition):
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {DEADLINE:.0f} s in vain: {what}")


class Actuator(http.server.BaseHTTPRequestHandler):
    received = queue.Queue()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.put((self.path, self.headers.get("Authorization"), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Alertmanager(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Actuator)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        cls.addClassCleanup(listener.server_close)
        cls.addClassCleanup(listener.shutdown)
        text = (ROOT / "tests" / "lab" / "config" / "alertmanager.yml").read_text()
        assert "http://127.0.0.1:19110/" in text
        text = text.replace("http://127.0.0.1:19110/", f"http://127.0.0.1:{listener.server_port}/")
        (folder / "alertmanager.yml").write_text(text)
        (folder / "webhook.token").write_text("open sesame")
        cls.url = f"http://127.0.0.1:{free_port()}"
        cls.server = subprocess.Popen(
            [
                "prometheus-alertmanager",
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={cls.url[7:]}",
                "--cluster.listen-address=",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(cls.stop)
        wait_for("Alertmanager is ready", cls.ready)

    @classmethod
    def stop(cls):
        cls.server.terminate()
        cls.server.wait(10)

    @classmethod
    def ready(cls):
        try:
            return urllib.request.urlopen(cls.url + "/-/ready", timeout=2).status == 200
        except OSError:
            return False

    def post(self, *alerts):
        request = urllib.request.Request(
            self.url + "/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=5).close()

    def inhibited(self, **labels):
        """(alertname, instance) of the inhibited alerts with these labels."""
        with urllib.request.urlopen(self.url + "/api/v2/alerts", timeout=5) as answer:
            found = [a for a in json.load(answer) if labels.items() <= a["labels"].items()]
        return {(a["labels"]["alertname"], a["labels"]["instance"]) for a in found if a["status"]["inhibitedBy"]}

    def test_a_runs_own_alerts_are_silent_while_it_runs_and_heard_once_it_holds(self):
        def alert(name, instance, **labels):
            return {
                "labels": {"alertname": name, "instance": instance, "severity": "critical", "test": "run", **labels}
            }

        run = alert("RunInProgress", "mailhub1", run="mailhub-rebuild")
        self.post(
            run,
            alert("RegclientDown", "mailhub1", run_side_effect="true"),
            alert("RegclientDown", "mailhub2", run_side_effect="true"),
            alert("TablesMissing", "mailhub1"),
        )
        wait_for(
            "the side effect on the run's host is inhibited, and nothing else",
            lambda: self.inhibited(test="run") == {("RegclientDown", "mailhub1")},
        )
        self.post({**run, "endsAt": "2001-01-01T00:00:00Z", "startsAt": "2000-01-01T00:00:00Z"})
        wait_for("nothing is inhibited any more", lambda: self.inhibited(test="run") == set())

    def test_a_trigger_reaches_the_webhook_with_its_token_once_firing_and_once_resolved_and_alone(self):
        trigger = {
            "labels": {
                "alertname": "TablesStale",
                "instance": "mailhub2",
                "severity": "warning",
                "runbook": "mailhub-rebuild",
            }
        }
        self.post({"labels": {"alertname": "RunHeld", "run": "mailhub-rebuild", "severity": "critical"}}, trigger)
        path, token, body = Actuator.received.get(timeout=DEADLINE)
        self.assertEqual((path, token), ("/api/v1/alerts", "Bearer open sesame"))
        self.assertEqual((body["version"], body["status"], body["truncatedAlerts"]), ("4", "firing", 0))
        self.assertEqual([a["labels"] for a in body["alerts"]], [trigger["labels"]])
        self.post({**trigger, "endsAt": "2001-01-01T00:00:00Z", "startsAt": "2000-01-01T00:00:00Z"})
        _, _, body = Actuator.received.get(timeout=DEADLINE)
        self.assertEqual((body["status"], len(body["alerts"])), ("resolved", 1))
        self.assertTrue(Actuator.received.empty())


if __name__ == "__main__":
    unittest.main()
