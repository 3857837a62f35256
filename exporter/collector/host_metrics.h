// The host's metric families, common to hosts with and without /proc.
#pragma once

#include <algorithm>

#include "exporter/collector/reply.h"
#include "lib/base/result.h"
#include "lib/config/site.h"
#include "lib/metrics/families.h"

namespace mailhub::exporter {

inline constexpr metrics::Metric kHostCpuSeconds{
    "mailhub_host_cpu_seconds_total", "Seconds all processors together spent in each mode.",
    metrics::Type::Counter};
inline constexpr metrics::Metric kHostCpus{"mailhub_host_cpus",
                                           "Processors that the CPU seconds are the sum of."};
inline constexpr metrics::Metric kHostMemoryTotal{"mailhub_host_memory_total_bytes",
                                                  "Memory of the host."};
inline constexpr metrics::Metric kHostMemoryAvailable{
    "mailhub_host_memory_available_bytes", "Memory that new processes could get without swapping."};
inline constexpr metrics::Metric kHostUptime{
    "mailhub_host_uptime_seconds",
    "Time since the host booted, when this collection began; it may be somewhat more."};
inline constexpr metrics::Metric kHostTime{"mailhub_host_time_seconds",
                                           "The host's own clock, in unix time."};
inline constexpr metrics::Metric kHostInfo{
    "mailhub_host_info", "The host's platform and the identity of its current boot."};

// Uptime and boot, by which gates tell new evidence from old; left out if the host does not know
// them.
inline Status AddBoot(const config::Host& host, const Reply& reply, metrics::Families* families) {
  if (reply.uptime_seconds > 0) {
    families->Add(kHostUptime, {},
                  std::max(0.0, reply.uptime_at_begin.value_or(reply.uptime_seconds)));
  }
  if (!reply.boot_id.empty()) {
    families->Add(kHostInfo, {{"boot_id", reply.boot_id}, {"platform", Name(host.platform)}}, 1);
  }
  if (reply.uptime_seconds > 0 && !reply.boot_id.empty()) return {};
  return Fail(ErrorKind::kNotFound,
              "host: it does not say how long it is up, or which boot this is");
}

}  // namespace mailhub::exporter
