#!/usr/bin/python3
"""The whole procedure on the lab, triggered by real alerts: (a) a leak starts a restart of the directory, (b) stale
tables start a rebuild of a mailhub. Everything is taken down at the end, also on Ctrl-C; --keep leaves it running."""

import argparse
import pathlib
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from labkit import faults, knobs, layout, mail, stack  # noqa: E402

TARGET = "mailhub2"
MEMORY = 'mailhub_process_resident_memory_bytes{instance="x500",process="eddy"}'
KNOBS = ["reset", "qubra_crash=1", "rebuild_seconds=25", "resync_seconds=4", "resync_after_rebuild_seconds=8"]


def heading(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def routes(address):
    """The running Exim's answer to RCPT TO."""
    return mail.rcpt(TARGET, address)


def directory_mb():
    return (stack.value(MEMORY) or 0) / 1e6


def run_of(runbook, since):
    """The newest run of a runbook that was queued after `since`, or None."""
    for run in stack.api("runs")["runs"]:
        if run["runbook"] == runbook and run["queuedAt"] and stack.parse_time(run["queuedAt"]) >= since:
            return run
    return None


def watch(build, run):
    """Follows a run in the terminal with the operators' command."""
    watched = subprocess.run([f"{build}/bin/mailhubctl", f"--url={stack.ACTUATOR}", "run", "watch", run["id"]], check=False)
    if watched.returncode != 0:
        raise layout.LabError(f"run {run['id']} did not succeed (mailhubctl run watch exited {watched.returncode})")
    return stack.api(f"runs/{run['id']}")


def triggered(runbook, fault, *words):
    """Breaks something and waits until the alert has come through Prometheus and Alertmanager and is a run."""
    since = time.time() - 1
    fault(*words)
    return layout.wait_until(f"the alert to start {runbook}", lambda: run_of(runbook, since), 90, 0.2)


def table(run):
    for step in run["steps"]:
        if step["elapsedSeconds"] is not None and step["result"]:
            print(f"  {step['path']:<22} {step['elapsedSeconds']:>7.1f} s  {step['result']:<9} {step['name']}")
    print(f"  {'whole run':<22} {run['elapsedSeconds']:>7.1f} s  {run['result']}")


def play(build):
    before = {address: routes(address) for address in (layout.LIVING_ALIAS, layout.DELETED_ALIAS)}

    heading("(a) The directory leaks past 500 MB; its alert restarts it")
    memory_before = directory_mb()
    run = triggered("directory-restart", faults.leak)
    memory_high = directory_mb()
    restart = watch(build, run)
    memory_after = directory_mb()

    heading(f"(b) The tables of {TARGET} are stale; their alert starts the whole rebuild")
    run = triggered("mailhub-rebuild", faults.stale_tables, TARGET)
    before = {address: routes(address) for address in before}
    rebuild = watch(build, run)

    heading("Directory restart, step by step")
    table(restart)
    heading(f"Rebuild of {TARGET}, step by step")
    table(rebuild)
    heading("What changed")
    print(f"  directory memory   {memory_before:.0f} MB, leaked to {memory_high:.0f} MB, {memory_after:.0f} MB after (a),"
          f" {directory_mb():.0f} MB after (b)")
    for address, was in before.items():
        print(f"  RCPT TO:<{address}> before: {was}; after: {routes(address)}")
    mode, owner, lines = mail.table(TARGET)
    print(f"  {mail.TABLES}/aliases: mode {mode}, owner {owner}, {lines} lines as {mail.ACCOUNT} reads it")
    heading("Where to look")
    print(f"  actuator     {stack.ACTUATOR}/   mailhubctl --url={stack.ACTUATOR} run list")
    print(f"  exporter     {stack.EXPORTER}/   Prometheus {stack.PROMETHEUS}/   Alertmanager {stack.ALERTMANAGER}/")
    print("  Grafana      import dashboards/*/*.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release", help="build folder (default build/release)")
    parser.add_argument("--stop", action="store_true", help="only take down what --keep left running")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lab = layout.LAB_DIR / "lab"
    if args.stop:
        stack.stop_left_running()
        return subprocess.run([lab, "down"], check=False).returncode
    site = stack.Stack(args.build)
    began = time.monotonic()
    code = 1
    try:
        heading("Six hosts, exporter, Prometheus, Alertmanager, actuator")
        stack.stop_left_running()
        subprocess.run([lab, "down", "--wipe"], check=True)  # a new site, without an earlier journal's receipts
        subprocess.run([lab, "up"], check=True)
        faults.clear()
        knobs.set_all(KNOBS)
        site.up()
        play(args.build)
        print(f"\nThe demo took {time.monotonic() - began:.0f} s.")
        code = 0
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
    except (layout.LabError, subprocess.CalledProcessError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing interrupts the cleanup
        if args.keep and code == 0:
            site.leave_running()
            print("Everything runs on; `make stop` takes it down.")
        else:
            site.down()
            subprocess.run([lab, "down"], check=False)
    return code


if __name__ == "__main__":
    sys.exit(main())
