"""The dashboard of the two programs themselves.

Why: people trust them to be right about everything else. What they refuse, cannot write or cannot deliver is here.
"""

from panels import GREY, RED_AT_0, RED_FROM_1, braces, dashboard, graph, job_variable, query, row, stat, states
from panels import variable

RATE = "[$__rate_interval]"


class Programs:
    """Series of the exporter and the actuator, and quantiles of their histograms."""

    def __init__(self, config):
        self.config = config

    def of(self, program, metric, *more):
        job = 'job=~"$job"' if program == "exporter" else 'job=~"$actuator_job"'
        return metric + braces(self.config.rest(program), job, 'instance=~"$instance"', *more)

    def exporter(self, metric, *more):
        return self.of("exporter", "mailhub_exporter_" + metric, *more)

    def actuator(self, metric, *more):
        return self.of("actuator", "mailhub_actuator_" + metric, *more)

    def both(self, metric, form="{}"):
        """What each program says about itself, in an expression with its place in it."""
        return " or ".join(form.format(self.of(program, metric)) for program in ("exporter", "actuator"))

    def quantiles(self, bucket):
        return [
            query(f"histogram_quantile({q}, sum by (le) (rate({bucket}{RATE})))", f"{q * 100:.0f} %") for q in (0.5, 0.9, 0.99)
        ]


def by(label, counter):
    return query(f"sum by ({label}) (rate({counter}{RATE}))", f"{{{{{label}}}}}")


def now(programs):
    return [
        row("Now"),
        stat(
            "Configuration",
            "Whether the last reload succeeded. 0: the program keeps an older configuration, and its log says why.",
            "short",
            query(programs.exporter("config_last_reload_successful"), "exporter"),
            query(programs.actuator("config_last_reload_successful"), "actuator"),
            steps=RED_AT_0,
        ),
        stat(
            "Actuator's mode",
            "1 if the actuator is active. Else alerts start no runs.",
            "short",
            query(programs.actuator("mode", 'mode="active"'), "active"),
            steps=RED_AT_0,
        ),
        stat(
            "SSH sessions",
            "Open sessions of the exporter: one for each host that it reaches.",
            "short",
            query(f"sum({programs.exporter('ssh_sessions')})", "sessions"),
        ),
        stat(
            "Receivers down",
            "Receivers that did not take the last notification. No number: there is no receiver.",
            "short",
            query(
                f"count({programs.actuator('receiver_up')}) - sum({programs.actuator('receiver_up')})",
                "receivers",
            ),
            steps=RED_FROM_1,
        ),
        stat(
            "Dead men unconfirmed",
            "Dead men that their hosts have not confirmed in time: it is unknown whether they would act.",
            "short",
            query(f"sum({programs.actuator('dead_men_unconfirmed')})", "dead men"),
            steps=RED_FROM_1,
        ),
        stat(
            "Alerts without an end",
            "Open alerts that no run answers, and those that go on firing after their runs.",
            "short",
            query(
                f"sum({programs.actuator('alerts_unanswered')}) + sum({programs.actuator('alerts_still_firing')})",
                "alerts",
            ),
            steps=RED_FROM_1,
        ),
    ]


def exporter_panels(programs):
    return [
        row("Exporter"),
        graph(
            "Probes",
            "Probes a second, by result.",
            "reqps",
            by("result", programs.exporter("probes_total")),
        ),
        graph(
            "Duration of probes",
            "As the exporter measures it, without the scrape around it.",
            "s",
            *programs.quantiles(programs.exporter("probe_seconds_bucket")),
        ),
        graph(
            "Attempts to connect",
            "Attempts a second, by result. A healthy exporter keeps its sessions and makes none.",
            "ops",
            by("result", programs.exporter("ssh_connects_total")),
        ),
        graph(
            "SSH sessions",
            "Open sessions. A gap is a host that went away.",
            "short",
            query(programs.exporter("ssh_sessions"), "{{instance}}"),
        ),
    ]


def actuator_panels(programs):
    return [
        row("Actuator: alerts and journal"),
        graph(
            "Webhook requests",
            "By HTTP status. Alertmanager delivers 503 again, 4xx not.",
            "reqps",
            by("code", programs.actuator("webhook_requests_total")),
        ),
        graph(
            "Notifications",
            "Notifications a second, by decision, and the refused ones by reason.",
            "ops",
            by("decision", programs.actuator("notifications_total")),
            by("reason", programs.actuator("notifications_refused_total")),
        ),
        graph(
            "Alerts",
            "Alerts a second, by decision.",
            "ops",
            by("decision", programs.actuator("alerts_total")),
        ),
        graph(
            "Commits to the journal",
            "Every answer to Alertmanager waits for a commit.",
            "s",
            *programs.quantiles(programs.actuator("journal_commit_seconds_bucket")),
        ),
        graph(
            "Errors of the journal",
            "Commits that failed: a full or read-only disk.",
            "short",
            query(f"sum(increase({programs.actuator('journal_errors_total')}{RATE}))", "errors"),
        ),
        graph(
            "Dead men",
            "Dead men of unfinished runs by state; one line at 0 while there is none.",
            "short",
            query(f"sum by (state) ({programs.actuator('dead_men')}) or on () vector(0)", "{{state}}"),
        ),
        states(
            "Mode",
            "The mode in force. Alerts start runs in mode active only.",
            query(programs.actuator("mode"), "{{mode}}"),
            steps=[(GREY, None), ("blue", 1)],
            words=("no", "in force"),
        ),
        graph(
            "Queue",
            "Runs that wait to start.",
            "short",
            query(programs.actuator("queue_length"), "queued"),
        ),
        row("Actuator: receivers of notifications"),
        states(
            "Receivers",
            "Whether each receiver took the last notification, or the last test.",
            query(programs.actuator("receiver_up"), "{{receiver}}"),
            words=("failing", "ok"),
            width=8,
        ),
        graph(
            "Notifications to receivers",
            "Taken, failed and given up, a second.",
            "ops",
            query(f"sum by (receiver) (rate({programs.actuator('receiver_sent_total')}{RATE}))", "{{receiver}} taken"),
            query(
                f"sum by (receiver) (rate({programs.actuator('receiver_failed_total')}{RATE}))", "{{receiver}} failed"
            ),
            query(
                f"sum by (receiver, reason) (rate({programs.actuator('receiver_dropped_total')}{RATE}))",
                "{{receiver}} given up: {{reason}}",
            ),
            width=8,
        ),
        graph(
            "Notifications that wait",
            "They are kept for a time, then given up.",
            "short",
            query(programs.actuator("receiver_pending"), "{{receiver}}"),
            width=8,
        ),
    ]


def process_panels(programs):
    legend = "{{job}} {{instance}}"
    return [
        row("Both as processes"),
        graph(
            "Resident memory",
            "It should stay level over weeks.",
            "decbytes",
            query(programs.both("process_resident_memory_bytes"), legend),
        ),
        graph(
            "CPU time",
            "CPUs that each program uses.",
            "short",
            query(programs.both("process_cpu_seconds_total", f"rate({{}}{RATE})"), legend),
        ),
        graph(
            "Open descriptors",
            "Share of the descriptors that the system allows.",
            "percentunit",
            query(f"({programs.both('process_open_fds')}) / ({programs.both('process_max_fds')})", legend),
        ),
        graph(
            "Time since the start",
            "It falls to 0 when a program restarts.",
            "s",
            query(programs.both("process_start_time_seconds", "time() - {}"), legend),
        ),
    ]


def internals(config):
    programs = Programs(config)
    exporter, actuator = (braces(config.selectors[program]) for program in ("exporter", "actuator"))
    actuators = f"label_values(mailhub_actuator_build_info{actuator}, job)"
    return dashboard(
        config,
        "internals",
        "Exporter and actuator internals",
        "The two programs themselves: what they answer, refuse, write and deliver, and what they use.",
        [
            job_variable(f"mailhub_exporter_build_info{exporter}"),
            variable("actuator_job", "Actuator's job", actuators, every=None),
            variable("instance", "Instance", 'label_values(up{job=~"$job|$actuator_job"}, instance)'),
        ],
        [*now(programs), *exporter_panels(programs), *actuator_panels(programs), *process_panels(programs)],
    )
