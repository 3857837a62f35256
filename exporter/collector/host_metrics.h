// The host's families, which hosts with and without /proc share.
#pragma once

#include "exporter/metrics/family.h"

namespace mailhub::exporter {

inline constexpr Metric kHostCpuSeconds{"mailhub_host_cpu_seconds_total",
                                        "Seconds all processors together spent in each mode.",
                                        Kind::kCounter};
inline constexpr Metric kHostCpus{"mailhub_host_cpus",
                                  "Processors that the CPU seconds are the sum of."};
inline constexpr Metric kHostMemoryTotal{"mailhub_host_memory_total_bytes", "Memory of the host."};
inline constexpr Metric kHostMemoryAvailable{
    "mailhub_host_memory_available_bytes", "Memory that new processes could get without swapping."};
inline constexpr Metric kHostUptime{
    "mailhub_host_uptime_seconds",
    "Time since the host booted, read before everything else in this collection."};
inline constexpr Metric kHostTime{"mailhub_host_time_seconds",
                                  "The host's own clock, in unix time."};
inline constexpr Metric kHostInfo{"mailhub_host_info",
                                  "The host's platform and the identity of its current boot."};

}  // namespace mailhub::exporter
