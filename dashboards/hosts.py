"""The dashboard of the hosts: all that the exporter reports, by the names of the site file.

Why: a site that has written its site file has a dashboard, without an edit.
"""

from panels import RED_AT_0, RED_FROM_1, braces, dashboard, graph, job_variable, query, row, stat, states, variable


def hosts(config):
    job = 'job=~"$job"'

    def on(metric, *more):
        return metric + braces(config.rest("probe"), job, 'instance=~"$instance"', *more)

    def failing(metric, *more):
        """How many series are 0: none if there are no series."""
        return f"count({on(metric, *more)}) - sum(clamp_max({on(metric, *more)}, 1))"

    probed = f"probe_success{braces(config.selectors['probe'])}"
    chosen = f"probe_success{braces(config.rest('probe'), job)}"
    rate = "[$__rate_interval]"
    own_time = on("mailhub_host_time_seconds")
    return dashboard(
        config,
        "hosts",
        "Hosts",
        "What the exporter reports of each host: probes, load, and the names of the site file.",
        [job_variable(probed), variable("instance", "Host", f"label_values({chosen}, instance)")],
        [
            row("Now"),
            stat(
                "Hosts that fail",
                "Hosts whose last probe failed.",
                "short",
                query(failing("probe_success"), "hosts"),
                steps=RED_FROM_1,
            ),
            stat(
                "Collectors that fail",
                "A failing collector leaves its metrics out, and alerts on them cannot fire.",
                "short",
                query(failing("mailhub_collector_success"), "collectors"),
                steps=RED_FROM_1,
            ),
            stat(
                "Slowest probe",
                "Duration of the slowest probe. It must stay below the scrape's timeout.",
                "s",
                query(f"max({on('probe_duration_seconds')})", "slowest"),
            ),
            stat(
                "Processes down",
                "Processes of the site file that do not run.",
                "short",
                query(failing("mailhub_process_running"), "processes"),
                steps=RED_FROM_1,
            ),
            stat(
                "Services not active",
                "Services of the site file that are not active.",
                "short",
                query(failing("mailhub_service_state", 'state="active"'), "services"),
                steps=RED_FROM_1,
            ),
            stat(
                "Checks that fail",
                "Checks of the site file that exited with something else than 0, or too late.",
                "short",
                query(failing("mailhub_check_success"), "checks"),
                steps=RED_FROM_1,
            ),
            row("Probes"),
            states(
                "Probes",
                "Whether the exporter could probe each host.",
                query(on("probe_success"), "{{instance}}"),
                words=("failing", "ok"),
            ),
            states(
                "Collectors",
                "Whether the figures of each collector are complete.",
                query(on("mailhub_collector_success"), "{{instance}} {{collector}}"),
                words=("failing", "ok"),
            ),
            graph(
                "Failing hosts by reason",
                "How many hosts fail for each reason. All are 0 if every probe succeeds.",
                "short",
                query(f"sum by (reason) ({on('mailhub_probe_failure')})", "{{reason}}"),
                width=8,
            ),
            graph(
                "Probe duration",
                "Duration of each probe. It must stay below the scrape's timeout.",
                "s",
                query(on("probe_duration_seconds"), "{{instance}}"),
                width=8,
            ),
            graph(
                "Collector duration",
                "The slowest host's time for each collector.",
                "s",
                query(f"max by (collector) ({on('mailhub_collector_duration_seconds')})", "{{collector}}"),
                width=8,
            ),
            row("Machines"),
            graph(
                "CPU idle",
                "Idle share of each host's CPUs over a minute.",
                "percentunit",
                query(on("instance:mailhub_host_cpu_idle:ratio_rate1m"), "{{instance}}"),
                width=8,
            ),
            graph(
                "Memory available",
                "Share of each host's memory that new processes could have.",
                "percentunit",
                query(
                    f"{on('mailhub_host_memory_available_bytes')} / {on('mailhub_host_memory_total_bytes')}",
                    "{{instance}}",
                ),
                width=8,
            ),
            graph(
                "Time since boot",
                "It falls to 0 when a host boots.",
                "s",
                query(on("mailhub_host_uptime_seconds"), "{{instance}}"),
                width=8,
            ),
            row("Processes and threads"),
            states(
                "Processes",
                "Each process that the site file names.",
                query(
                    f"min by (instance, process) (clamp_max({on('mailhub_process_running')}, 1))",
                    "{{instance}} {{process}}",
                ),
            ),
            states(
                "Threads",
                "Each thread that the site file names.",
                query(
                    f"min by (instance, process, thread) (clamp_max({on('mailhub_thread_running')}, 1))",
                    "{{instance}} {{process}} {{thread}}",
                ),
            ),
            graph(
                "Resident memory of processes",
                "It falls when a process restarts.",
                "decbytes",
                query(on("mailhub_process_resident_memory_bytes"), "{{instance}} {{process}}"),
            ),
            graph(
                "Growth of processes",
                "Over an hour, in bytes per second: a leak stays above 0. No value until an hour after a restart.",
                "Bps",
                query(on("instance_process:mailhub_process_resident_memory_bytes:deriv1h"), "{{instance}} {{process}}"),
            ),
            graph(
                "CPU time of processes",
                "CPUs that each process uses.",
                "short",
                query(
                    f"sum by (instance, process) (rate({on('mailhub_process_cpu_seconds_total')}{rate}))",
                    "{{instance}} {{process}}",
                ),
            ),
            graph(
                "Threads of processes",
                "Number of threads. One that only grows is a leak, too.",
                "short",
                query(on("mailhub_process_threads"), "{{instance}} {{process}}"),
            ),
            row("Services and ports"),
            states(
                "Services",
                "Each service that the site file names.",
                query(on("mailhub_service_state", 'state="active"'), "{{instance}} {{name}}"),
                words=("not active", "active"),
            ),
            graph(
                "Restarts by the service manager",
                "Restarts that nobody asked for. Only systemd counts them.",
                "short",
                query(
                    f"sum by (instance, name) (increase({on('mailhub_service_restarts_total')}{rate}))",
                    "{{instance}} {{name}}",
                ),
            ),
            states(
                "Ports",
                "Whether each port of the site file takes connections from the exporter.",
                query(on("mailhub_port_open"), "{{instance}} {{port}}"),
                words=("closed", "open"),
            ),
            graph(
                "Time to connect",
                "Of the ports that are open.",
                "s",
                query(on("mailhub_port_connect_seconds"), "{{instance}} {{port}}"),
            ),
            row("Directories, files and checks"),
            graph(
                "Files in directories",
                "Number of files in each directory of the site file.",
                "short",
                query(on("mailhub_directory_files"), "{{instance}} {{directory}}"),
                width=8,
            ),
            graph(
                "Size of directories",
                "Size of these files together.",
                "decbytes",
                query(on("mailhub_directory_bytes"), "{{instance}} {{directory}}"),
                width=8,
            ),
            graph(
                "Age of the oldest file",
                "By the host's own clock. A directory without files has none.",
                "s",
                query(
                    f"{own_time} - on (instance, job) group_right () "
                    f"{on('mailhub_directory_oldest_file_timestamp_seconds')}",
                    "{{instance}} {{directory}}",
                ),
                width=8,
            ),
            graph(
                "Age of files",
                "Time since each file was written, by its host's own clock.",
                "s",
                query(on("instance_file:mailhub_file_age_seconds:last10m"), "{{instance}} {{file}}"),
                width=8,
            ),
            graph(
                "Size of files",
                "Of the files that exist.",
                "decbytes",
                query(on("mailhub_file_size_bytes"), "{{instance}} {{file}}"),
                width=8,
            ),
            graph(
                "Values of checks",
                "The number that each check printed.",
                "short",
                query(on("mailhub_check_value"), "{{instance}} {{check}}"),
                width=8,
            ),
            states(
                "Files",
                "Whether each file of the site file exists.",
                query(on("mailhub_file_exists"), "{{instance}} {{file}}"),
                words=("absent", "there"),
            ),
            states(
                "Checks",
                "Whether each check of the site file succeeds.",
                query(on("mailhub_check_success"), "{{instance}} {{check}}"),
                steps=RED_AT_0,
                words=("failing", "ok"),
            ),
        ],
    )
