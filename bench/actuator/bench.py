#!/usr/bin/env python3
"""What durability costs the actuator, beside what others do on the same disk and the same sshd in the same run.

restart  from the start of the program to ready, with a journal of 10,000 finished runs
intake   webhooks a second that are in the journal before they are answered
steps    ten trivial steps on a host, each with intent, receipt and journal
gates    from the sample that opens a gate to the step that follows
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import measure  # noqa: E402
from stage import TOKEN, Actuator, RunnerHost, write  # noqa: E402

ROOT = HERE.parents[1]
FINISHED_RUNS = 10_000


# --- restart ---------------------------------------------------------------------------------------------------------


def forget(file):
    """Has nothing of the file left in memory, as after a reboot."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def restart(build, folder):
    journal = folder / "old.db"
    print(f"making a journal of {FINISHED_RUNS} finished runs ...", flush=True)
    subprocess.run([build / "bin/make_journal", journal, str(FINISHED_RUNS)], check=True)
    with sqlite3.connect(journal) as database:
        events = database.execute("SELECT count(*) FROM events").fetchone()[0]
    rows = []
    for name, cold in [("cold", True), ("warm", False), ("warm again", False)]:
        if cold:
            forget(journal)
        actuator = Actuator(build, folder / "restart", journal=journal)
        began = time.perf_counter()
        with actuator:
            took = time.perf_counter() - began
            with open(f"/proc/{actuator.pid}/status") as status:
                memory = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+)", status.read()))
            shown = len(actuator.get("/api/v1/history?limit=10000")["runs"])
        rows.append([name, f"{took:.2f} s", f"{int(memory['VmRSS']) / 1024:.0f} MB", str(shown)])
    measure.print_table([f"start with {events} events", "to ready", "memory", "runs in its history"], rows)


# --- intake ----------------------------------------------------------------------------------------------------------

LUA = """
local count = 0
local thread_id = 0
function setup(thread) thread:set("id", thread_id) thread_id = thread_id + 1 end
function request()
  count = count + 1
  local body = string.gsub(BODY, "FINGERPRINT", string.format("%%04x%%012x", id, count))
  return wrk.format("POST", nil, HEADERS, body)
end
HEADERS = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}
BODY = [==[%s]==]
"""


def notification():
    """One alert as Alertmanager sends it, 1.5 KB with labels and annotations."""
    labels = {"alertname": "Bench", "instance": "x500", "severity": "warning", "team": "mail", "note": "x" * 400}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "Nothing needs to be done", "description": "y" * 300},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.org:9090/graph?g0.expr=up",
        "fingerprint": "FINGERPRINT",
    }
    return json.dumps(
        {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "mailhub", "groupLabels": {},
         "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://alertmanager.example.org:9093", "alerts": [alert]}
    )  # fmt: skip


class Load:
    """What wrk saw of one server with so many connections, over all its turns."""

    def __init__(self, name, url, connections):
        self.name, self.url, self.connections = name, url, connections
        self.rates, self.p50, self.p99, self.answered = [], [], [], 0

    def turn(self, script, seconds):
        done = subprocess.run(
            ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency", "-s", script, self.url],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        if "Non-2xx" in done or "Socket errors" in done:
            raise RuntimeError(f"{self.name} did not answer all:\n{done}")
        self.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1]))
        self.answered += int(re.search(r"(\d+) requests in", done)[1])
        for percent, into in (("50%", self.p50), ("99%", self.p99)):
            value, unit = re.search(percent.replace("%", r"%\s+") + r"([\d.]+)(us|ms|s)\b", done).groups()
            into.append(float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit])

    def row(self, base):
        rate = statistics.median(self.rates)
        return [self.name, str(self.connections), f"{rate:.0f}", f"{statistics.median(self.p50):.1f} ms",
                f"{statistics.median(self.p99):.1f} ms", f"{rate / base:.2f}"]  # fmt: skip


def appends_a_second(folder, seconds):
    """4 KiB appended and synced, one by one."""
    block, count = b"x" * 4096, 0
    file = os.open(folder / "appended", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        os.write(file, block)
        os.fdatasync(file)
        count += 1
    took = time.perf_counter() - began
    os.close(file)
    os.remove(folder / "appended")
    return count / took


def intake(build, folder, turns=3, seconds=4):
    script = folder / "post.lua"
    write(script, LUA % (TOKEN, notification()))
    write(folder / "hooks.json", json.dumps([{"id": "x", "execute-command": "/bin/true"}]))
    port = measure.free_port()
    webhook = measure.start(["webhook", "-hooks", folder / "hooks.json", "-ip", "127.0.0.1", "-port", port],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    appends = []
    try:
        measure.until("webhook", lambda: measure.accepts(port))
        with Actuator(build, folder / "intake", connections=40) as actuator:
            loads = [
                Load(name, url, connections)
                for connections in (8, 32)
                for name, url in (("webhook, nothing durable", f"http://127.0.0.1:{port}/hooks/x"),
                                  ("mailhub_actuator, durable", actuator.url + "/api/v1/alerts"))
            ]  # fmt: skip
            for _ in range(turns):
                appends.append(appends_a_second(folder, seconds / 2))
                for load in loads:
                    load.turn(script, seconds)
                    # It answers first and starts its commands later: seconds of them are still to come.
                    measure.wait_until_idle(webhook.pid)
            answered = sum(load.answered for load in loads if "durable" in load.name and "nothing" not in load.name)
            page = actuator.text("/metrics")
        with sqlite3.connect(actuator.journal) as database:
            recorded = database.execute("SELECT count(*) FROM events WHERE kind = 'alert_decided'").fetchone()[0]
    finally:
        measure.end(webhook)
    base = {load.connections: statistics.median(load.rates) for load in loads if "webhook" in load.name}
    commits = float(re.search(r"journal_commit_seconds_count (\S+)", page)[1])
    spent = float(re.search(r"journal_commit_seconds_sum (\S+)", page)[1])
    measure.print_table(
        ["webhooks", "connections", "a second", "median", "p99", "of webhook's"],
        [["fdatasync of 4 KiB appends", "1", f"{statistics.median(appends):.0f}", "", "", ""]] + [load.row(base[load.connections]) for load in loads],
    )
    print(f"{answered} were answered, {recorded} stand in the journal, in {commits:.0f} commits of {spent / commits * 1e3:.2f} ms")
    if recorded < answered:
        raise RuntimeError("a notification was answered and is not in the journal")


# --- steps -----------------------------------------------------------------------------------------------------------

TEN = "runbook: ten\nsummary: Ten trivial steps\nsteps:\n" + "".join(
    f"  - name: Step {n}\n    run: {{on: x500, use: nothing}}\n" for n in range(10)
)


def ansible_ms(folder, sshd, module, pipelining):
    """Milliseconds a task over a kept connection: what 30 of them take longer than 10, as the median of three tries."""
    took = {10: [], 30: []}
    for count in (10, 30) * 3:
        tasks = "".join(f"    - {module}: /bin/true\n" for _ in range(count))
        write(folder / "play.yml", f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
        write(
            folder / "ansible.cfg",
            f"[defaults]\nhost_key_checking = true\nlocal_tmp = {folder}/tmp\nremote_tmp = {folder}/remote\n"
            f"[ssh_connection]\npipelining = {pipelining}\ncontrol_path_dir = {folder}/cp\n"
            f"ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={sshd.known_hosts}\n",
        )
        write(folder / "hosts", f"x500 ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_user=root "
              f"ansible_ssh_private_key_file={sshd.folder}/free ansible_python_interpreter=/usr/bin/python3\n")  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(["ansible-playbook", "-i", folder / "hosts", folder / "play.yml"], capture_output=True, text=True,
                              env=dict(os.environ, ANSIBLE_CONFIG=str(folder / "ansible.cfg"), HOME=str(folder)))  # fmt: skip
        took[count].append(time.perf_counter() - began)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
    return (statistics.median(took[30]) - statistics.median(took[10])) / 20 * 1e3


def runner_ms(sshd):
    """The runner alone: started without SSH, one claim and one command each."""
    samples = []
    hello = sshd.ask_runner("hello", {})
    identity = re.search(r"directory_id=(\S+)", hello)[1]
    for n in range(30):
        began = time.perf_counter()
        reply = sshd.ask_runner("run", {"directory_id": identity, "key": f"bench/{n}/1", "wait_ms": 1000}, "@nothing")
        samples.append(time.perf_counter() - began)
        if "exit_status=0" not in reply:
            raise RuntimeError(reply)
    return statistics.median(samples) * 1e3


def steps(build, folder, rounds=10):
    with RunnerHost(build, folder / "sshd", ["command nothing true"]) as sshd:
        with Actuator(build, folder / "steps", sshd=sshd, runbooks={"ten": TEN}) as actuator:
            samples, exchanges = [], []
            for _ in range(rounds + 1):
                events = actuator.finish(actuator.start_run("ten"))
                at = {kind: [e["at_ms"] for e in events if e["kind"] == kind] for kind in ("step_started", "step_settled")}
                samples.append((at["step_settled"][-1] - at["step_started"][0]) / 10)
                exchanges += [b - a for a, b in zip(at["step_started"], at["step_settled"])]
            samples = samples[1:]  # the first one connects
            page = actuator.text("/metrics")
        commit = float(re.search(r"journal_commit_seconds_sum (\S+)", page)[1]) / float(
            re.search(r"journal_commit_seconds_count (\S+)", page)[1]
        )
        sshd.forget()
        runner = runner_ms(sshd)
        ansible = [
            ("Ansible raw", ansible_ms(folder, sshd, "raw", False)),
            ("Ansible command, pipelining", ansible_ms(folder, sshd, "command", True)),
            ("Ansible command", ansible_ms(folder, sshd, "command", False)),
        ]
    median = statistics.median(samples)
    measure.print_table(
        ["ten trivial steps", "a step"],
        [[f"mailhub_actuator, median of {rounds} runs", f"{median:.1f} ms"],
         [f"  slowest of {rounds} runs", f"{max(samples):.1f} ms"],
         ["  of it: the runner, started without SSH", f"{runner:.1f} ms"],
         ["  of it: a commit", f"{commit * 1e3:.1f} ms"],
         ["  of it: SSH channel, sshd and the rest", f"{median - runner - commit * 1e3:.1f} ms"],
         *[[name, f"{ms:.0f} ms"] for name, ms in ansible]],
    )  # fmt: skip


# --- gates -----------------------------------------------------------------------------------------------------------

GATE = """runbook: gate
summary: Waits for one file
parameters:
  n: {type: number, default: 0}
steps:
  - name: Wait
    wait_for: mailhub_file_exists{instance="x500",file="g{{n}}"} == 1
    window: 3s
    timeout: 5m
"""


def gates(build, folder, rounds=3, files=10):
    base = f"http://127.0.0.1:{measure.free_port()}"
    flags = [folder / f"g{n}" for n in range(files)]
    with contextlib.ExitStack() as stack:
        sshd = stack.enter_context(RunnerHost(build, folder / "gate-sshd", ["command nothing true"]))
        site = {"files": "{" + ", ".join(f"g{n}: {{path: {flag}}}" for n, flag in enumerate(flags)) + "}"}
        actuator = Actuator(build, folder / "gates", sshd=sshd, runbooks={"gate": GATE}, prometheus=base, site=site)
        exporter = measure.free_port()
        for argv, port in (
            ([build / "bin/mailhub_exporter", f"--config.file={actuator.folder}/site.yml", f"--web.listen-address=127.0.0.1:{exporter}"], exporter),
            (["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
              f"--web.listen-address={base.removeprefix('http://')}"], int(base.rpartition(":")[2])),
        ):  # fmt: skip
            write(folder / "prometheus.yml", "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                  f"- {{job_name: mailhub, metrics_path: /probe, params: {{target: [x500]}}, static_configs: [{{targets: ['127.0.0.1:{exporter}'], "
                  "labels: {instance: x500}}]}\n")  # fmt: skip
            log = stack.enter_context(open(folder / "log", "w"))
            stack.callback(measure.end, measure.start(argv, stdout=log, stderr=log))
            measure.until(argv[0], lambda p=port: measure.accepts(p))
        stack.enter_context(actuator)
        late = []
        for _ in range(rounds):
            for flag in flags:
                flag.unlink(missing_ok=True)
            time.sleep(3)
            runs = [actuator.start_run("gate", {"n": str(n)}) for n in range(files)]
            time.sleep(5)
            for flag in random.sample(flags, files):
                time.sleep(random.uniform(0.2, 0.9))
                flag.touch()
            for n, run in enumerate(runs):
                done = next(e["at_ms"] for e in actuator.finish(run) if e["kind"] == "step_done")
                late.append(done / 1e3 - first_sample(base, f"g{n}", done / 1e3))
    measure.print_table(
        [f"gate opens, scrapes every 1 s, {len(late)} gates", "after the sample"],
        [["mean", f"{statistics.mean(late):.2f} s"], ["p99", f"{measure.percentile(late, 0.99):.2f} s"], ["longest", f"{max(late):.2f} s"]],
    )


def first_sample(base, file, until):
    """When the sample was taken that first said the file is there, at most 20 s before."""
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=10)
    connection.request("GET", f"/api/v1/query?query=mailhub_file_exists%7Bfile%3D%22{file}%22%7D%5B20s%5D&time={until + 1}")
    values = json.load(connection.getresponse())["data"]["result"][0]["values"]
    last_zero = max((at for at, value in values if value == "0"), default=0)
    return min(at for at, value in values if value == "1" and at > last_zero)


PARTS = {"restart": restart, "intake": intake, "steps": steps, "gates": gates}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs are built")
    parser.add_argument("--dir", default="/var/tmp", help="on the disk that is to be measured")
    parser.add_argument("parts", nargs="*", metavar="PART", help="restart, intake, steps, gates; all unless named")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    print(measure.describe_machine(), flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-bench-", dir=arguments.dir))
    try:
        for name in arguments.parts or PARTS:
            print(f"\n{name}", flush=True)
            PARTS[name](arguments.build.resolve(), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
