#!/usr/bin/python3
"""Writes directory-health.json and rebuilds.json.

Why: a panel is a title, a sentence, a unit and a few queries, and red begins at the alert's value in
rules/thresholds.yml. After a change here run this script and commit both files (a test compares them).
"""

import json
import sys

from panels import GREEN, GREY, HERE, RED_AT_0, RED_FROM_1, dashboard, graph, query, red_above, red_below
from panels import row, stat, states, table, variable


def threshold_line(name):
    return query(f"mailhub:threshold:{name}", "threshold")


def directory_health():
    memory = 'mailhub_process_resident_memory_bytes{instance=~"$instance",process="eddy"}'
    slope = 'instance_process:mailhub_process_resident_memory_bytes:deriv1h{instance=~"$instance",process="eddy"}'
    idle = 'instance:mailhub_host_cpu_idle:ratio_rate1m{instance=~"$instance"}'
    deltas = 'mailhub_directory_files{instance=~"$instance",directory="deltas"}'
    regclients = 'mailhub_service_state{instance=~"$mailhub",name="regclient",state="active"}'
    age = 'instance_file:mailhub_file_age_seconds:last10m{instance=~"$mailhub",file="aliases"}'
    mailbox = 'mailhub_service_state{name="MailboxCreation",state="active"}'
    return dashboard(
        "mailhub-directory-health",
        "Directory health",
        "The X.500 directory, the services that depend on it, and the state of their probes.",
        "24h",
        [
            variable("instance", "Directory server", 'label_values(mailhub_process_running{process="eddy"}, instance)'),
            variable("mailhub", "Mailhub", 'label_values(mailhub_service_state{name="regclient"}, instance)'),
        ],
        [
            row("Now"),
            stat(
                "Directory memory",
                "Resident memory of the main directory process. Red: the restart alert's threshold.",
                "decbytes",
                query(memory, "{{instance}}"),
                steps=red_above("directory_memory_bytes"),
            ),
            stat(
                "CPU idle",
                "Idle share of the directory server's CPUs over a minute. Red: too busy for the "
                "next registration client.",
                "percentunit",
                query(idle, "{{instance}}"),
                steps=red_below("directory_cpu_idle_ratio"),
            ),
            stat(
                "Directory processes",
                "Number of main and root processes. Each should be 1.",
                "short",
                query('mailhub_process_running{instance=~"$instance",process=~"eddy|eddy_root"}', "{{process}}"),
                steps=RED_AT_0,
            ),
            stat(
                "Registration clients down",
                "Mailhubs whose regclient is not active. One is expected while that mailhub is rebuilt.",
                "short",
                query(f"count({regclients}) - sum({regclients})", "down"),
                steps=RED_FROM_1,
            ),
            stat(
                "Delta files",
                "Files that wait for the directory. Red: the backlog alert's threshold.",
                "short",
                query(deltas, "{{instance}}"),
                steps=red_above("delta_backlog_files"),
            ),
            stat(
                "Oldest tables",
                "Age of the oldest alias tables. Red: the rebuild alert's threshold.",
                "s",
                query(f"max({age})", "oldest"),
                steps=red_above("tables_age_seconds"),
            ),
            row("Memory and load of the directory server"),
            graph(
                "Memory against the threshold",
                "Resident memory of the directory's processes; it falls at each "
                "restart. The dashed line is where the restart alert fires.",
                "decbytes",
                query(memory, "{{instance}}"),
                threshold_line("directory_memory_bytes"),
                steps=red_above("directory_memory_bytes"),
            ),
            graph(
                "CPU idle",
                "Idle share over a minute. The runbooks wait for the dashed line before they start the next "
                "registration client.",
                "percentunit",
                query(idle, "{{instance}}"),
                threshold_line("directory_cpu_idle_ratio"),
                steps=red_below("directory_cpu_idle_ratio"),
            ),
            graph(
                "Leak slope",
                "Growth of the directory over an hour, in bytes per second. No value until an hour after a restart.",
                "Bps",
                query(slope, "{{instance}}"),
            ),
            graph(
                "Time until the threshold",
                "At the present slope. Shown only while the memory grows.",
                "s",
                query(
                    f"(mailhub:threshold:directory_memory_bytes - on () group_right () {memory}) / ({slope} > 0)",
                    "{{instance}}",
                ),
            ),
            row("Processes, threads and services"),
            states(
                "Processes",
                "Each process that the site file names.",
                query("min by (instance, process) (clamp_max(mailhub_process_running, 1))", "{{instance}} {{process}}"),
            ),
            states(
                "Threads",
                "Each thread that the site file names. qubRA's student thread is closed during a rebuild.",
                query(
                    "min by (instance, process, thread) (clamp_max(mailhub_thread_running, 1))",
                    "{{instance}} {{process}} {{thread}}",
                ),
            ),
            states("Registration clients", "regclient on each mailhub.", query(regclients, "{{instance}}")),
            states(
                "Mailbox creation service and directory port",
                "The Windows service, and whether the directory takes connections.",
                query(mailbox, "{{instance}} {{name}}"),
                query('mailhub_port_open{instance=~"$instance",port="directory"}', "{{instance}} port"),
            ),
            row("Delta files and tables"),
            graph(
                "Delta files",
                "Files that wait for the directory. Draining them costs CPU. The dashed "
                "line is where the backlog alert fires.",
                "short",
                query(deltas, "{{instance}}"),
                threshold_line("delta_backlog_files"),
                steps=red_above("delta_backlog_files"),
            ),
            graph(
                "Age of the tables",
                "By each mailhub's own clock; it falls to 0 when a rebuild ends. The dashed "
                "line is where the rebuild alert fires.",
                "s",
                query(age, "{{instance}}"),
                threshold_line("tables_age_seconds"),
                steps=red_above("tables_age_seconds"),
            ),
            row("Probes and alerts"),
            states(
                "Probes",
                "Whether the exporter could probe each host.",
                query('probe_success{job="mailhub"}', "{{instance}}"),
                words=("failing", "ok"),
                width=8,
            ),
            states(
                "Collectors",
                "A failing collector leaves its metrics out, and alerts on them cannot fire.",
                query("mailhub_collector_success", "{{instance}} {{collector}}"),
                words=("failing", "ok"),
                width=8,
            ),
            graph(
                "Probe duration",
                "Duration of each probe. It must stay below the scrape's timeout.",
                "s",
                query('probe_duration_seconds{job="mailhub"}', "{{instance}}"),
                width=8,
            ),
            table(
                "Firing alerts",
                "All firing alerts, inhibited ones included. Watchdog always fires.",
                "short",
                query(
                    'sum by (alertname, instance, severity) (ALERTS{alertstate="firing"})',
                    "{{alertname}}",
                    instant=True,
                ),
                width=24,
            ),
        ],
    )


def rebuilds():
    of_rebuild = 'runbook="mailhub-rebuild",host=~"$mailhub"'
    last = f"mailhub_actuator_last_run_duration_seconds{{{of_rebuild}}}"
    held = "sum by (runbook, host, step) (mailhub_actuator_run_held) or on () vector(0)"

    def mean(histogram):
        return f"sum by (runbook, step) ({histogram}_sum) / (sum by (runbook, step) ({histogram}_count) > 0)"

    return dashboard(
        "mailhub-rebuilds",
        "Rebuilds",
        "Duration of rebuilds, and the state, gates and queue of the current one.",
        "24h",
        [
            variable(
                "mailhub",
                "Mailhub",
                'label_values(mailhub_actuator_last_run_duration_seconds{runbook="mailhub-rebuild"}, host)',
            )
        ],
        [
            row("Now"),
            stat(
                "Runs under way",
                "Runs that have started and not ended, held ones included.",
                "short",
                query("sum(mailhub_actuator_run_in_progress)", "runs"),
            ),
            stat(
                "Expected end",
                "Expected end of the current run, from the history of such runs.",
                "dateTimeFromNow",
                query("mailhub_actuator_run_eta_timestamp_seconds * 1000", "{{runbook}} {{host}}"),
            ),
            stat(
                "Held",
                "Runs that wait for a person.",
                "short",
                query("sum(mailhub_actuator_run_held) or vector(0)", "held"),
                steps=RED_FROM_1,
            ),
            stat(
                "Overdue",
                "Runs that take longer than their history predicts.",
                "short",
                query("sum(mailhub_actuator_run_overdue)", "overdue"),
                steps=RED_FROM_1,
            ),
            stat(
                "Queue",
                "Runs that wait for a lock or a window.",
                "short",
                query("mailhub_actuator_queue_length", "queued"),
            ),
            stat(
                "Queue blocked by a hold",
                "1 if a held run keeps the lock that a queued run waits for.",
                "short",
                query("mailhub_actuator_queue_blocked_by_hold", "blocked"),
                steps=RED_FROM_1,
            ),
            row("History"),
            graph(
                "Rebuild duration over months",
                "Duration of each mailhub's last rebuild over time; each step is a rebuild. "
                "The actuator restores the value from its journal, so a restart leaves no gap.",
                "s",
                query(last, "{{host}}"),
                width=24,
                timeFrom="180d",
            ),
            stat(
                "Last rebuild took", "Duration of each mailhub's last rebuild.", "s", query(last, "{{host}}"), width=8
            ),
            stat(
                "Since the last successful rebuild",
                "Red: the rebuild alert's threshold.",
                "s",
                query(f"time() - mailhub_actuator_last_run_success_timestamp_seconds{{{of_rebuild}}}", "{{host}}"),
                steps=red_above("tables_age_seconds"),
                width=8,
            ),
            stat(
                "Nine runs in ten end within",
                "90th percentile of the durations since the actuator started.",
                "s",
                query(
                    "histogram_quantile(0.9, sum by (le, runbook) (mailhub_actuator_run_duration_seconds_bucket))",
                    "{{runbook}}",
                ),
                width=8,
            ),
            table(
                "Mean duration of each step",
                "Since the actuator started.",
                "s",
                query(mean("mailhub_actuator_step_duration_seconds"), "{{step}}", instant=True),
            ),
            table(
                "Results",
                "Runs that ended, by result, since the actuator started.",
                "short",
                query("sum by (runbook, result) (mailhub_actuator_runs_total)", "{{runbook}} {{result}}", instant=True),
            ),
            row("Progress and gates"),
            states(
                "Runs",
                "Unfinished runs.",
                query("mailhub_actuator_run_in_progress", "{{runbook}} {{host}}"),
                steps=[(GREY, None), (GREEN, 1)],
                words=("idle", "unfinished"),
            ),
            states(
                "Gates",
                "The gate that each run waits for, and whether it is open.",
                query("mailhub_actuator_gate_open", "{{runbook}} {{host}} {{step}}"),
                words=("shut", "open"),
            ),
            graph(
                "CPU idle and the gates",
                "CPU idle of the directory server against the share that the gates require.",
                "percentunit",
                query(
                    "instance:mailhub_host_cpu_idle:ratio_rate1m and on (instance) "
                    'mailhub_process_running{process="eddy"}',
                    "{{instance}}",
                ),
                threshold_line("directory_cpu_idle_ratio"),
                steps=red_below("directory_cpu_idle_ratio"),
            ),
            table(
                "Mean wait at each gate",
                "Since the actuator started.",
                "s",
                query(mean("mailhub_actuator_gate_wait_seconds"), "{{step}}", instant=True),
            ),
            states(
                "Holds",
                "Held runs and their steps; one empty band if no run holds.",
                query(held, "{{runbook}} {{host}} {{step}}"),
                steps=RED_FROM_1,
                words=("none", "held"),
            ),
            graph(
                "Queue",
                "Runs that wait, and whether a hold blocks them.",
                "short",
                query("mailhub_actuator_queue_length", "queued"),
                query("mailhub_actuator_queue_blocked_by_hold", "blocked by a hold"),
            ),
            row("From alert to run"),
            graph(
                "Decisions about alerts",
                "Decisions about alerts, since the actuator started.",
                "short",
                query("sum by (decision) (mailhub_actuator_alerts_total)", "{{decision}}"),
                width=8,
            ),
            graph(
                "Webhook requests",
                "By HTTP status. Alertmanager delivers 503 again, 4xx not.",
                "reqps",
                query("sum by (code) (rate(mailhub_actuator_webhook_requests_total[$__rate_interval]))", "{{code}}"),
                width=8,
            ),
            graph(
                "Journal",
                "Mean time of a commit; every answer waits for it.",
                "s",
                query(
                    "mailhub_actuator_journal_commit_seconds_sum / mailhub_actuator_journal_commit_seconds_count",
                    "commit",
                ),
                width=8,
            ),
        ],
    )


def render(content):
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def documents():
    return {"directory-health.json": render(directory_health()), "rebuilds.json": render(rebuilds())}


def main():
    for name, text in documents().items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
