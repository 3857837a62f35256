"""The university's dashboard about registration: the clients on the mailhubs, the agents, and the files between them."""

from panels import RED_AT_0, RED_FROM_1, braces, dashboard, graph, job_variable, query, red_above, row, stat, states
from panels import variable

AGENTS = 'process=~"qubRA|openRA"'
REGCLIENT = 'name="regclient"'
DELTAS = 'directory="deltas"'
ACTIVE = 'state="active"'
RATE = "[$__rate_interval]"


class Series:
    """Series of the mailhubs ($mailhub) and of the agents' machines ($instance)."""

    def __init__(self, config):
        self.rest = config.rest("probe")

    def hub(self, metric, *more):
        return metric + braces(self.rest, 'job=~"$job"', 'instance=~"$mailhub"', *more)

    def agent(self, metric, *more):
        return metric + braces(self.rest, 'job=~"$job"', 'instance=~"$instance"', *more)

    def anywhere(self, metric, *more):
        return metric + braces(self.rest, 'job=~"$job"', *more)


def now(config, series):
    regclients = series.hub("mailhub_service_state", REGCLIENT, ACTIVE)
    agents = series.agent("mailhub_process_running", AGENTS)
    threads = series.agent("mailhub_thread_running", AGENTS)
    mailbox = series.anywhere("mailhub_service_state", 'name="MailboxCreation"', ACTIVE)
    oldest = series.agent("mailhub_directory_oldest_file_timestamp_seconds", DELTAS)
    return [
        row("Now"),
        stat(
            "Registration clients down",
            "Mailhubs whose regclient is not active. One is expected while that mailhub is rebuilt.",
            "short",
            query(f"count({regclients}) - sum({regclients})", "down"),
            steps=RED_FROM_1,
        ),
        stat(
            "Agents down",
            "qubRA and openRA: registrations wait while one is down.",
            "short",
            query(f"count({agents}) - sum(clamp_max({agents}, 1))", "down"),
            steps=RED_FROM_1,
        ),
        stat(
            "Agents' threads down",
            "One is expected during a rebuild, which closes qubRA's student thread.",
            "short",
            query(f"count({threads}) - sum(clamp_max({threads}, 1))", "down"),
            steps=RED_FROM_1,
        ),
        stat(
            "Mailbox creation",
            "1 if the Windows service that creates mailboxes is active.",
            "short",
            query(mailbox, "{{instance}}"),
            steps=RED_AT_0,
        ),
        stat(
            "Delta files",
            "Files that wait for the directory. Red: the backlog alert's threshold.",
            "short",
            query(series.agent("mailhub_directory_files", DELTAS), "{{instance}}"),
            steps=red_above(config.number("delta_backlog_files")),
        ),
        stat(
            "Oldest delta file",
            "How long it has waited, by its host's clock. No value while none waits.",
            "s",
            query(
                f"{series.agent('mailhub_host_time_seconds')} - on (instance, job) group_right () {oldest}", "{{instance}}"
            ),
        ),
    ]


def clients(series):
    started = series.hub("mailhub_service_start_time_seconds", REGCLIENT)
    return [
        row("Registration clients"),
        states(
            "Registration clients",
            "regclient on each mailhub.",
            query(series.hub("mailhub_service_state", REGCLIENT, ACTIVE), "{{instance}}"),
            words=("not active", "active"),
            width=8,
        ),
        graph(
            "Time since their start",
            "By each mailhub's own clock. A run restarts one after the other.",
            "s",
            query(f"{series.hub('mailhub_host_time_seconds')} - on (instance, job) group_right () {started}", "{{instance}}"),
            width=8,
        ),
        graph(
            "Restarts by the service manager",
            "Restarts that no person and no run asked for: regclient has died.",
            "short",
            query(
                f"sum by (instance) (increase({series.hub('mailhub_service_restarts_total', REGCLIENT)}{RATE}))",
                "{{instance}}",
            ),
            width=8,
        ),
        graph(
            "Aliases in the tables",
            "Entries of each mailhub's alias tables. Mailhubs that differ for long have stale tables.",
            "short",
            query(series.hub("mailhub_check_value", 'check="alias_entries"'), "{{instance}}"),
        ),
        graph(
            "CPU idle of the mailhubs",
            "Idle share over a minute. A registration client that synchronises again costs much.",
            "percentunit",
            query(series.hub("instance:mailhub_host_cpu_idle:ratio_rate1m"), "{{instance}}"),
        ),
    ]


def agents(series):
    return [
        row("Registration agents"),
        states(
            "Agents",
            "The processes qubRA and openRA.",
            query(
                f"min by (instance, process) (clamp_max({series.agent('mailhub_process_running', AGENTS)}, 1))",
                "{{instance}} {{process}}",
            ),
        ),
        states(
            "Agents' threads",
            "One of openRA that is gone is always a fault; a rebuild closes qubRA's student thread.",
            query(
                "min by (instance, process, thread) "
                f"(clamp_max({series.agent('mailhub_thread_running', AGENTS)}, 1))",
                "{{instance}} {{process}} {{thread}}",
            ),
        ),
        graph(
            "Memory of the agents",
            "Resident memory. It falls when an agent restarts.",
            "decbytes",
            query(series.agent("mailhub_process_resident_memory_bytes", AGENTS), "{{instance}} {{process}}"),
        ),
        graph(
            "CPU time of the agents' threads",
            "CPUs that each thread uses. One that runs and uses none has nothing to do, or is stuck.",
            "short",
            query(
                "sum by (instance, process, thread) "
                f"(rate({series.agent('mailhub_thread_cpu_seconds_total', AGENTS)}{RATE}))",
                "{{instance}} {{process}} {{thread}}",
            ),
        ),
    ]


def deltas(config, series):
    return [
        row("Delta files"),
        graph(
            "Delta files",
            "Files that wait for the directory. The dashed line is where the backlog alert fires.",
            "short",
            query(series.agent("mailhub_directory_files", DELTAS), "{{instance}}"),
            query("mailhub:threshold:delta_backlog_files", "threshold"),
            steps=red_above(config.number("delta_backlog_files")),
        ),
        graph(
            "Size of the delta files",
            "Size of all that wait.",
            "decbytes",
            query(series.agent("mailhub_directory_bytes", DELTAS), "{{instance}}"),
        ),
    ]


def registration(config):
    series = Series(config)
    hubs = series.anywhere("mailhub_service_state", REGCLIENT)
    machines = series.anywhere("mailhub_process_running", AGENTS)
    return dashboard(
        config,
        "registration",
        "Registration and agents",
        "The registration clients of the mailhubs, the agents that make accounts and aliases, and their delta files.",
        [
            job_variable(f"probe_success{braces(config.selectors['probe'])}"),
            variable("instance", "Agents' machine", f"label_values({machines}, instance)"),
            variable("mailhub", "Mailhub", f"label_values({hubs}, instance)"),
        ],
        [*now(config, series), *clients(series), *agents(series), *deltas(config, series)],
    )
