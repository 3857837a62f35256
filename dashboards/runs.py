"""The dashboard of runs, and the panels about runs that other dashboards share.

Why: what people ask about a run (how long, where, why does it wait) is the same for every runbook.
"""

from panels import GREEN, GREY, RED_FROM_1, braces, dashboard, graph, job_variable, query, row, stat, states, table
from panels import variable

JOB = 'job=~"$job"'


class Parts:
    """Groups of panels about the runs that `runbook` and `host`, two matchers, select; the present of all runs."""

    def __init__(self, config, runbook, host):
        self.config, self.runbook, self.host = config, runbook, host

    def of(self, metric, *more):
        return metric + braces(self.config.rest("actuator"), JOB, *more)

    def chosen(self, metric, *more):
        return self.of(metric, self.runbook, self.host, *more)

    def mean(self, histogram):
        """Since the actuator started: with rate() the first run of each step would not count."""
        took, times = self.of(histogram + "_sum"), self.of(histogram + "_count")
        return f"sum by (runbook, step) ({took}) / (sum by (runbook, step) ({times}) > 0)"

    def now(self):
        eta = self.of("mailhub_actuator_run_eta_timestamp_seconds")
        return [
            row("Now"),
            stat(
                "Runs under way",
                "Runs that have started and not ended, held ones included.",
                "short",
                query(f"sum({self.of('mailhub_actuator_run_in_progress')})", "runs"),
            ),
            stat(
                "Expected end",
                "Expected end of the current run, from the history of such runs.",
                "dateTimeFromNow",
                query(f"{eta} * 1000", "{{runbook}} {{host}}"),
            ),
            stat(
                "Held",
                "Runs that wait for a person.",
                "short",
                query(f"sum({self.of('mailhub_actuator_run_held')}) or vector(0)", "held"),
                steps=RED_FROM_1,
            ),
            stat(
                "Overdue",
                "Runs that take longer than their history predicts.",
                "short",
                query(f"sum({self.of('mailhub_actuator_run_overdue')})", "overdue"),
                steps=RED_FROM_1,
            ),
            stat(
                "Queue",
                "Runs that wait for a lock or a window.",
                "short",
                query(self.of("mailhub_actuator_queue_length"), "queued"),
            ),
            stat(
                "Queue blocked by a hold",
                "1 if a held run keeps the lock that a queued run waits for.",
                "short",
                query(self.of("mailhub_actuator_queue_blocked_by_hold"), "blocked"),
                steps=RED_FROM_1,
            ),
        ]

    def history(self, name, noun, whose, late=None):
        """`late`: steps of the time since the last success."""
        last = self.chosen("mailhub_actuator_last_run_duration_seconds")
        success = self.chosen("mailhub_actuator_last_run_success_timestamp_seconds")
        duration = self.of("mailhub_actuator_run_duration_seconds_bucket")
        legend = "{{runbook}} {{host}}" if "$runbook" in self.runbook else "{{host}}"
        return [
            graph(
                f"{name} duration over months",
                f"Duration of {whose} last {noun} over time; each step is a {noun}. "
                "The actuator restores the value from its journal, so a restart leaves no gap.",
                "s",
                query(last, legend),
                width=24,
                timeFrom="180d",
            ),
            stat(f"Last {noun} took", f"Duration of {whose} last {noun}.", "s", query(last, legend), width=8),
            stat(
                f"Since the last successful {noun}",
                "Red: the rebuild alert's threshold." if late else "By the time of its end.",
                "s",
                query(f"time() - {success}", legend),
                steps=late,
                width=8,
            ),
            stat(
                "Nine runs in ten end within",
                "90th percentile of the durations since the actuator started.",
                "s",
                query(f"histogram_quantile(0.9, sum by (le, runbook) ({duration}))", "{{runbook}}"),
                width=8,
            ),
        ]

    def sums(self):
        ended = self.of("mailhub_actuator_runs_total")
        return [
            table(
                "Mean duration of each step",
                "Since the actuator started.",
                "s",
                query(self.mean("mailhub_actuator_step_duration_seconds"), "{{step}}", instant=True),
            ),
            table(
                "Results",
                "Runs that ended, by result, since the actuator started.",
                "short",
                query(f"sum by (runbook, result) ({ended})", "{{runbook}} {{result}}", instant=True),
            ),
        ]

    def progress(self):
        return [
            states(
                "Runs",
                "Unfinished runs.",
                query(self.of("mailhub_actuator_run_in_progress"), "{{runbook}} {{host}}"),
                steps=[(GREY, None), (GREEN, 1)],
                words=("idle", "unfinished"),
            ),
            states(
                "Gates",
                "The gate that each run waits for, and whether it is open.",
                query(self.of("mailhub_actuator_gate_open"), "{{runbook}} {{host}} {{step}}"),
                words=("shut", "open"),
            ),
        ]

    def waits(self):
        held = f"sum by (runbook, host, step) ({self.of('mailhub_actuator_run_held')}) or on () vector(0)"
        return [
            table(
                "Mean wait at each gate",
                "Since the actuator started.",
                "s",
                query(self.mean("mailhub_actuator_gate_wait_seconds"), "{{step}}", instant=True),
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
                query(self.of("mailhub_actuator_queue_length"), "queued"),
                query(self.of("mailhub_actuator_queue_blocked_by_hold"), "blocked by a hold"),
            ),
        ]

    def alerts(self):
        requests = self.of("mailhub_actuator_webhook_requests_total")
        commit = "mailhub_actuator_journal_commit_seconds"
        return [
            graph(
                "Decisions about alerts",
                "Decisions about alerts, since the actuator started.",
                "short",
                query(f"sum by (decision) ({self.of('mailhub_actuator_alerts_total')})", "{{decision}}"),
                width=8,
            ),
            graph(
                "Webhook requests",
                "By HTTP status. Alertmanager delivers 503 again, 4xx not.",
                "reqps",
                query(f"sum by (code) (rate({requests}[$__rate_interval]))", "{{code}}"),
                width=8,
            ),
            graph(
                "Journal",
                "Mean time of a commit; every answer waits for it.",
                "s",
                query(f"{self.of(commit + '_sum')} / {self.of(commit + '_count')}", "commit"),
                width=8,
            ),
        ]


def runs(config):
    parts = Parts(config, 'runbook=~"$runbook"', 'host=~"$host"')
    ended = parts.of("mailhub_actuator_last_run_duration_seconds")
    hosts = parts.of("mailhub_actuator_last_run_duration_seconds", parts.runbook)
    asked = parts.of("mailhub_actuator_person_asked")
    return dashboard(
        config,
        "runs",
        "Runs",
        "Runs of every runbook: state, history, gates, holds and queue.",
        [
            job_variable(f"mailhub_actuator_build_info{braces(config.selectors['actuator'])}"),
            variable("runbook", "Runbook", f"label_values({ended}, runbook)"),
            # A run without a target has host="".
            variable("host", "Host", f"label_values({hosts}, host)", every=".*"),
        ],
        [
            *parts.now(),
            row("Progress and gates"),
            *parts.progress(),
            *parts.waits(),
            graph(
                "Runs that wait for a person",
                "By kind: a question, a hold or a pause; 0 without a kind while no run waits.",
                "short",
                query(f"sum by (kind) ({asked}) or on () vector(0)", "{{kind}}"),
            ),
            row("History of the chosen runbooks"),
            *parts.history("Run", "run", "each runbook's and host's"),
            *parts.sums(),
            row("From alert to run"),
            *parts.alerts(),
        ],
    )
