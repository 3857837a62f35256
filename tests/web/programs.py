"""Both programs on their smallest configuration, for tests of what they have in common."""

import html.parser
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(1, str(ROOT / "tests"))
sys.path.insert(1, str(ROOT / "tests" / "exporter"))

from harness import BUILD, get  # noqa: E402
from kit.programs import end, free_port, spawn, until  # noqa: E402, F401

NAMES = ("exporter", "actuator")


class Folder:
    """Configuration of both programs. Use as a context manager."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-web-"))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path / "key"], check=True)
        self.write("known_hosts", "10.231.77.10 ssh-ed25519 AAAA\n")
        self.write("token", "a-token-of-some-length\n").chmod(0o600)
        self.write("site.yml", "ssh: {user: root, known_hosts: known_hosts, exporter_key: key, actuator_key: key}\n"
                               "hosts: {dead: {address: 127.0.0.1, port: 1}}\n")
        (self.path / "runbooks").mkdir()
        self.write("runbooks/nothing.yml", "runbook: nothing\nsummary: nothing\nsteps:\n  - confirm: all well?\n")
        self.write("actuator.yml", "site: site.yml\nrunbooks: runbooks\njournal: journal.db\nmode: observe\n"
                                   "web: {listen_address: '127.0.0.1:0', token_file: token}\n"
                                   "prometheus: {url: 'http://127.0.0.1:1'}\n")
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path)

    def write(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")
        return self.path / name

    def words(self, name, *flags):
        config = self.path / ("site.yml" if name == "exporter" else "actuator.yml")
        return [BUILD / "bin" / f"mailhub_{name}", f"--config.file={config}", *flags]

    def refusal(self, name, *flags):
        """What the program says when it does not start; the status and the words."""
        done = subprocess.run(self.words(name, *flags), capture_output=True, text=True, timeout=30, check=False)
        return done.returncode, done.stdout + done.stderr


class Program:
    """One program that listens. Use as a context manager."""

    def __init__(self, folder, name, *flags, listeners=1, before=()):
        self.log = folder.path / f"{name}.log"
        self.log.unlink(missing_ok=True)
        if name == "exporter" and not any("web.listen-address" in f or "systemd" in f for f in flags):
            flags = ("--web.listen-address=127.0.0.1:0", *flags)
        self.process = spawn([str(word) for word in (*before, *folder.words(name, *flags))], self.log)
        if before:
            return  # it starts with its first client
        try:
            until(f"{name} to listen", lambda: len(self.listening()) == listeners, 30)
        except AssertionError:
            end(self.process)
            raise

    def listening(self):
        text = self.log.read_text(encoding="utf-8")
        if self.process.poll() is not None:
            raise AssertionError(f"it exited: {text}")
        return re.findall(r'Listening".* address="?([^" ]+)"? ', text)

    @property
    def url(self):
        return "http://" + self.listening()[0]

    def get(self, path, **headers):
        """(status, headers, text)"""
        status, head, body = get(self.url + path, {name.replace("_", "-"): value for name, value in headers.items()})
        return status, head, body.decode()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        end(self.process)


class Links(html.parser.HTMLParser):
    """The addresses that a page leads to: links and forms."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "action")]


def links_of(page, url):
    return [urllib.parse.urljoin(url, link) for link in Links(page).found]
