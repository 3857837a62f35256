"""The university's dashboards about its directory and its rebuilds.

Why: they show one site's processes, services and files by name; hosts.py and runs.py show those of any site.
"""

import runs
from panels import RED_AT_0, RED_FROM_1, braces, dashboard, graph, job_variable, query, red_above, red_below
from panels import row, stat, states, table, variable

EDDY = 'process="eddy"'


def threshold_line(name):
    return query(f"mailhub:threshold:{name}", "threshold")


def directory_health(config):
    probe = config.selectors["probe"]
    rest, job, server, mailhub = config.rest("probe"), 'job=~"$job"', 'instance=~"$instance"', 'instance=~"$mailhub"'

    def on_server(metric, *more):
        return metric + braces(rest, job, server, *more)

    def on_mailhubs(metric, *more):
        return metric + braces(rest, job, mailhub, *more)

    def anywhere(metric, *more):
        return metric + braces(rest, job, *more)

    memory = on_server("mailhub_process_resident_memory_bytes", EDDY)
    slope = on_server("instance_process:mailhub_process_resident_memory_bytes:deriv1h", EDDY)
    idle = on_server("instance:mailhub_host_cpu_idle:ratio_rate1m")
    deltas = on_server("mailhub_directory_files", 'directory="deltas"')
    regclients = on_mailhubs("mailhub_service_state", 'name="regclient"', 'state="active"')
    age = on_mailhubs("instance_file:mailhub_file_age_seconds:last10m", 'file="aliases"')
    servers = anywhere("mailhub_process_running", EDDY)
    hubs = anywhere("mailhub_service_state", 'name="regclient"')
    return dashboard(
        config,
        "directory-health",
        "Directory health",
        "The X.500 directory, the services that depend on it, and the state of their probes.",
        [
            job_variable(f"probe_success{braces(probe)}"),
            variable("instance", "Directory server", f"label_values({servers}, instance)"),
            variable("mailhub", "Mailhub", f"label_values({hubs}, instance)"),
        ],
        [
            row("Now"),
            stat(
                "Directory memory",
                "Resident memory of the main directory process. Red: the restart alert's threshold.",
                "decbytes",
                query(memory, "{{instance}}"),
                steps=red_above(config.number("directory_memory_bytes")),
            ),
            stat(
                "CPU idle",
                "Idle share of the directory server's CPUs over a minute. Red: too busy for the "
                "next registration client.",
                "percentunit",
                query(idle, "{{instance}}"),
                steps=red_below(config.number("directory_cpu_idle_ratio")),
            ),
            stat(
                "Directory processes",
                "Number of main and root processes. Each should be 1.",
                "short",
                query(on_server("mailhub_process_running", 'process=~"eddy|eddy_root"'), "{{process}}"),
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
                steps=red_above(config.number("delta_backlog_files")),
            ),
            stat(
                "Oldest tables",
                "Age of the oldest alias tables. Red: the rebuild alert's threshold.",
                "s",
                query(f"max({age})", "oldest"),
                steps=red_above(config.number("tables_age_seconds")),
            ),
            row("Memory and load of the directory server"),
            graph(
                "Memory against the threshold",
                "Resident memory of the directory's processes; it falls at each "
                "restart. The dashed line is where the restart alert fires.",
                "decbytes",
                query(memory, "{{instance}}"),
                threshold_line("directory_memory_bytes"),
                steps=red_above(config.number("directory_memory_bytes")),
            ),
            graph(
                "CPU idle",
                "Idle share over a minute. The runbooks wait for the dashed line before they start the next "
                "registration client.",
                "percentunit",
                query(idle, "{{instance}}"),
                threshold_line("directory_cpu_idle_ratio"),
                steps=red_below(config.number("directory_cpu_idle_ratio")),
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
                query(
                    f"min by (instance, process) (clamp_max({anywhere('mailhub_process_running')}, 1))",
                    "{{instance}} {{process}}",
                ),
            ),
            states(
                "Threads",
                "Each thread that the site file names. qubRA's student thread is closed during a rebuild.",
                query(
                    f"min by (instance, process, thread) (clamp_max({anywhere('mailhub_thread_running')}, 1))",
                    "{{instance}} {{process}} {{thread}}",
                ),
            ),
            states("Registration clients", "regclient on each mailhub.", query(regclients, "{{instance}}")),
            states(
                "Mailbox creation service and directory port",
                "The Windows service, and whether the directory takes connections.",
                query(
                    anywhere("mailhub_service_state", 'name="MailboxCreation"', 'state="active"'), "{{instance}} {{name}}"
                ),
                query(on_server("mailhub_port_open", 'port="directory"'), "{{instance}} port"),
            ),
            row("Delta files and tables"),
            graph(
                "Delta files",
                "Files that wait for the directory. Draining them costs CPU. The dashed "
                "line is where the backlog alert fires.",
                "short",
                query(deltas, "{{instance}}"),
                threshold_line("delta_backlog_files"),
                steps=red_above(config.number("delta_backlog_files")),
            ),
            graph(
                "Age of the tables",
                "By each mailhub's own clock; it falls to 0 when a rebuild ends. The dashed "
                "line is where the rebuild alert fires.",
                "s",
                query(age, "{{instance}}"),
                threshold_line("tables_age_seconds"),
                steps=red_above(config.number("tables_age_seconds")),
            ),
            row("Probes and alerts"),
            states(
                "Probes",
                "Whether the exporter could probe each host.",
                query(anywhere("probe_success"), "{{instance}}"),
                words=("failing", "ok"),
                width=8,
            ),
            states(
                "Collectors",
                "A failing collector leaves its metrics out, and alerts on them cannot fire.",
                query(anywhere("mailhub_collector_success"), "{{instance}} {{collector}}"),
                words=("failing", "ok"),
                width=8,
            ),
            graph(
                "Probe duration",
                "Duration of each probe. It must stay below the scrape's timeout.",
                "s",
                query(anywhere("probe_duration_seconds"), "{{instance}}"),
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


def rebuilds(config):
    """The panels of every run, with the history of rebuilds and the load of the directory's server."""
    probe = config.selectors["probe"]
    parts = runs.Parts(config, 'runbook="mailhub-rebuild"', 'host=~"$mailhub"')
    ended = f"mailhub_actuator_last_run_duration_seconds{braces(config.rest('actuator'), runs.JOB, parts.runbook)}"
    idle = (
        f"instance:mailhub_host_cpu_idle:ratio_rate1m{braces(probe)} and on (instance) "
        f"mailhub_process_running{braces(probe, EDDY)}"
    )
    return dashboard(
        config,
        "rebuilds",
        "Rebuilds",
        "Duration of rebuilds, and the state, gates and queue of the current one.",
        [
            job_variable(f"mailhub_actuator_build_info{braces(config.selectors['actuator'])}"),
            variable("mailhub", "Mailhub", f"label_values({ended}, host)", every=".*"),
        ],
        [
            *parts.now(),
            row("History"),
            *parts.history("Rebuild", "rebuild", "each mailhub's", red_above(config.number("tables_age_seconds"))),
            *parts.sums(),
            row("Progress and gates"),
            *parts.progress(),
            graph(
                "CPU idle and the gates",
                "CPU idle of the directory server against the share that the gates require.",
                "percentunit",
                query(idle, "{{instance}}"),
                threshold_line("directory_cpu_idle_ratio"),
                steps=red_below(config.number("directory_cpu_idle_ratio")),
            ),
            *parts.waits(),
            row("From alert to run"),
            *parts.alerts(),
        ],
    )
