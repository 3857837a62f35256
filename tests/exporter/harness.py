"""Real programs on loopback for the exporter's tests: sshd as hosts, the exporter itself, Prometheus, curl and
promtool.

Every host is an sshd of its own on an address of its own (127.0.2.N), so that it can be frozen or killed alone. All use
one temporary folder and end with the test, because the kernel ends each process here with its parent.
"""

import concurrent.futures
import http.client
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(1, str(ROOT / "tests"))

from kit import sshd as kit_sshd  # noqa: E402
from kit.programs import end, free_port, parent_and_cpu_seconds, percentile, spawn, until  # noqa: E402, F401

BUILD = pathlib.Path(os.environ.get("MAILHUB_BUILD", ROOT / "build" / "dev")).resolve()
EXPORTER = BUILD / "bin" / "mailhub_exporter"
HELPER = BUILD / "exporter" / "helper.sh"
USER = pwd.getpwuid(os.geteuid()).pw_name


def run(*words, check=True, **options):
    """A command that must end soon; its output as text."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def side_by_side(work, items):
    """Calls work(item) for all items at once; an exception of one is raised here."""
    items = list(items)
    with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(work, items))


def descendants(pid):
    """All processes below this one."""
    children = {}
    for one in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = pathlib.Path(f"/proc/{one}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parent = int(text[text.rindex(")") + 1:].split()[1])
        children.setdefault(parent, []).append(int(text.split(" ", 1)[0]))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def get(url, headers=(), method="GET", timeout=30):
    """One request on a connection of its own: (status, headers, body as bytes)."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Kept:
    """A kept connection, one request after the other. A server may close an idle one; then a new one is made."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def get(self, path):
        for attempt in (1, 2):
            try:
                self.connection.request("GET", path)
                return self.connection.getresponse().read().decode()
            except (http.client.RemoteDisconnected, ConnectionError):
                self.connection.close()
                if attempt == 2:
                    raise
        return None

    def close(self):
        self.connection.close()


def series(page):
    """A page in the text format as {series: value}."""
    return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*(?: \S+)*?) (\S+)$", page, re.M)}


def promtool_says(page):
    """The complaints of `promtool check metrics` about a page; nothing if it is fine."""
    done = run("promtool", "check", "metrics", check=False, input=page)
    return f"{done.stdout}{done.stderr}" + (f"exit {done.returncode}" if done.returncode else "")


def loopback(number):
    """The address of a site's host number 1, 2, ..., 1016: 127.0.2.1, 127.0.2.2, ..., 127.0.5.254."""
    return f"127.0.{2 + (number - 1) // 254}.{(number - 1) % 254 + 1}"


class Sshd(kit_sshd.Sshd):
    """One host: a real sshd on an address of its own."""

    # With many hosts, each sees only its own processes, as on its own machine.
    APART = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

    def __init__(self, site, name, number, more="", apart=False):
        super().__init__(site.folder, name, loopback(number), site.port, more=more, before=self.APART if apart else ())
        self.start()

    def processes(self):
        """This host's processes: sessions and all below them, without the listener."""
        return descendants(self.process.pid)

    def commands(self):
        """This host's processes besides sshd: {pid: name}."""
        names = {}
        for pid in self.processes():
            try:
                names[pid] = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            except OSError:
                continue  # it has ended
        return {pid: name for pid, name in names.items() if name != "sshd"}

    def freeze(self):
        signal_all([self.process.pid, *self.processes()], signal.SIGSTOP)

    def thaw(self):
        signal_all([self.process.pid, *self.processes()], signal.SIGCONT)

    def drop_sessions(self, commands_only=False):
        signal_all(self.commands() if commands_only else self.processes(), signal.SIGKILL)

    def kill(self):
        # A host's own namespace ends with it. A search of /proc for each host's processes takes minutes with many
        # hosts.
        signal_all([*([] if self.before else self.processes()), self.process.pid], signal.SIGKILL)
        self.process.wait()


class Site:
    """A folder with keys, a site file, and its hosts. Use as a context manager."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-exporter-test."))
        (self.folder / "home").mkdir()  # a test may write into it before it adds a host
        self.port = free_port()
        self.sshds = {}
        self.hosts = {}  # name: entry of the site file
        self.key("user")
        self.key("host")
        (self.folder / "known_hosts").write_text(
            "".join(kit_sshd.known_host(self.folder / "host", loopback(n), self.port) for n in range(1, 1017)),
            encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for sshd in self.sshds.values():
            sshd.kill()
        shutil.rmtree(self.folder)

    def key(self, name):
        return kit_sshd.make_key(self.folder / name)

    def add(self, name, more_sshd="", sshd=True, apart=False, **host):
        """Adds a host; its number is its place. With sshd=False there is no listener; apart: it sees only its own
        processes."""
        number = len(self.hosts) + 1
        self.hosts[name] = {"address": loopback(number), "port": self.port, **host}
        if sshd:
            self.sshds[name] = Sshd(self, name, number, more_sshd, apart)
        return self.sshds.get(name)

    def write(self, hosts=None):
        """Writes the site file, for all hosts or only for these, once they listen. YAML is a superset of JSON."""
        names = list(self.hosts if hosts is None else hosts)
        for name in names:
            if name in self.sshds:
                self.sshds[name].await_ready()
        text = json.dumps({"ssh": {"user": USER, "known_hosts": "known_hosts", "exporter_key": "user"},
                           "hosts": {name: self.hosts[name] for name in names}}, indent=1)
        new = self.folder / "site.new"
        new.write_text(text + "\n", encoding="utf-8")
        new.rename(self.folder / "site.yml")


class Exporter:
    """The program under test. Use as a context manager: it must also end well."""

    def __init__(self, site, *flags, scheme="http", env=None):
        self.log = site.folder / "exporter.log"
        self.log.write_bytes(b"")
        self.process = spawn([EXPORTER, "--config.file", site.folder / "site.yml", "--web.listen-address", "127.0.0.1:0",
                              *flags], self.log, env={**os.environ, **(env or {})})
        try:
            found = until("the exporter to listen", self._listening, 60)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.address = f"127.0.0.1:{found[1]}"
        self.url = f"{scheme}://{self.address}"

    def _listening(self):
        text = self.log.read_text(encoding="utf-8")
        if self.process.poll() is not None:
            raise AssertionError(f"the exporter exited: {text}")
        return re.search(r'Listening".*\bport"?[=:]"?(\d+)\b.*\n', text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        status = end(self.process)
        if kind is None and status != 0:
            raise AssertionError(f"exit status {status}: {self.log.read_text(encoding='utf-8')[-5000:]}")

    def get(self, path, **headers):
        return get(self.url + path, {name.replace("_", "-"): value for name, value in headers.items()})

    def page(self, path, timeout=None):
        headers = {} if timeout is None else {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)}
        status, _, body = get(self.url + path, headers)
        if status != 200:
            raise AssertionError(f"{path}: {status}: {body}")
        return body.decode()

    def probe(self, host, timeout=None):
        return series(self.page(f"/probe?target={host}", timeout))

    def reason(self, host, timeout=None):
        """Why the probe failed, or "" if it did not."""
        seen = self.probe(host, timeout)
        reasons = [name.split('"')[1] for name, value in seen.items()
                   if name.startswith("mailhub_probe_failure{") and value == 1]
        if seen["probe_success"] != (0 if reasons else 1) or len(reasons) > 1:
            raise AssertionError(f"{host}: success {seen['probe_success']}, reasons {reasons}")
        return reasons[0] if reasons else ""

    def metrics(self):
        return series(self.page("/metrics"))

    def memory(self, key="VmRSS"):
        """Resident memory in MiB; VmHWM is its peak."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M)[1]) / 1024

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        return parent_and_cpu_seconds(self.process.pid)[1]


def scrapes_of(exporter):
    """The scrape_configs for all its hosts, which Prometheus finds by /sd, and for itself."""
    return [{"job_name": "mailhub", "metrics_path": "/probe", "http_sd_configs": [{"url": f"{exporter.url}/sd"}],
             "relabel_configs": [{"source_labels": ["__address__"], "target_label": "__param_target"},
                                 {"source_labels": ["__param_target"], "target_label": "instance"},
                                 {"target_label": "__address__", "replacement": exporter.address}]},
            {"job_name": "mailhub_exporter", "static_configs": [{"targets": [exporter.address]}]}]


class Prometheus:
    """A real Prometheus with these scrape_configs. Use as a context manager."""

    def __init__(self, folder, scrape_configs, interval="15s", timeout="10s"):
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({"global": {"scrape_interval": interval, "scrape_timeout": timeout},
                                      "scrape_configs": scrape_configs}), encoding="utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "prometheus.log"
        self.process = spawn(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/prometheus",
                              f"--web.listen-address=127.0.0.1:{port}"], self.log)
        until("Prometheus to be ready", self._ready, 60)

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Prometheus exited: {self.log.read_text(encoding='utf-8')[-3000:]}")
        try:
            return get(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        end(self.process)

    def query(self, expr, at=None):
        """The result of an instant query: for a range selector, all samples in that range."""
        words = {"query": expr} if at is None else {"query": expr, "time": f"{at:.3f}"}
        status, _, body = get(f"{self.url}/api/v1/query?" + urllib.parse.urlencode(words))
        if status != 200:
            raise AssertionError(f"{expr}: {body}")
        return json.loads(body)["data"]["result"]

    def value(self, expr, at=None):
        """The one value of an expression, or None."""
        found = self.query(expr, at)
        return float(found[0]["value"][1]) if found else None

    def samples(self, selector, begin, finish):
        """{instance: [(time, value), ...]}, scraped between two times."""
        found = self.query(f"{selector}[{int((finish - begin) * 1000)}ms]", at=finish)
        return {s["metric"]["instance"]: [(t, float(v)) for t, v in s["values"]] for s in found}
