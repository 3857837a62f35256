// The host itself: uptime and boot, processors, memory, clock. Present on every host with the
// helper.
#include <array>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "exporter/collector/host_metrics.h"

namespace mailhub::exporter {
namespace {

constexpr std::array<const char*, 8> kModes = {"user",   "nice", "system",  "idle",
                                               "iowait", "irq",  "softirq", "steal"};

// "cpu  10406 0 6258 257252 7301 0 162 242 0 0": the last two, guest time, are already part of user
// and nice.
bool ReadCpu(std::string_view line, double ticks_per_second, metrics::Families* families) {
  const auto words = Words(line);
  if (words.size() < 5 || words[0] != "cpu") return false;
  for (size_t i = 0; i < kModes.size() && i + 1 < words.size(); ++i) {
    const auto ticks = ReadCount(words[i + 1]);
    if (!ticks) return false;
    families->Add(kHostCpuSeconds, {{"mode", kModes[i]}},
                  static_cast<double>(*ticks) / ticks_per_second);
  }
  return true;
}

// "MemTotal:       24684084 kB"
bool ReadMemory(std::string_view line, std::string_view key, const metrics::Metric& metric,
                metrics::Families* families) {
  const auto words = Words(line);
  if (words.size() != 3 || words[0] != key || words[2] != "kB") return false;
  const auto kilobytes = ReadCount(words[1], uint64_t{1} << 50);
  if (!kilobytes) return false;
  families->Add(metric, {}, static_cast<double>(*kilobytes) * 1024);
  return true;
}

// A shell with a clock reports the time. Otherwise the look at files gives it: /proc/self/stat is
// as old as the command that looks at it.
std::optional<double> ReadTime(const Reply& reply) {
  for (const Section& section : reply.sections) {
    if (section.name != "host" && section.name != "paths") continue;
    for (const std::string& line : section.lines) {
      const auto words = Words(line);
      if (words.size() == 2 && words[0] == "time") return ReadDecimal(words[1]);
      if (words.size() == 5 && words[0] == "f" && words[4] == "/proc/self/stat") {
        return ReadDecimal(words[3]);
      }
    }
  }
  return std::nullopt;
}

Status Read(const config::Host& host, const Reply& reply, const Section& section, Past*,
            metrics::Families* families) {
  const auto& lines = section.lines;
  if (lines.size() < 5) return NotUnderstood("host", "lines are missing");
  if (!ReadCpu(lines[0], reply.ticks_per_second, families)) {
    return NotUnderstood("host", "/proc/stat begins differently");
  }
  const auto words = Words(lines[1]);
  const auto cpus = words.size() == 2 ? ReadCount(words[1], 1 << 16) : std::nullopt;
  if (!cpus || *cpus == 0) return NotUnderstood("host", "no processors");
  families->Add(kHostCpus, {}, static_cast<double>(*cpus));
  if (!ReadMemory(lines[2], "MemTotal:", kHostMemoryTotal, families)) {
    return NotUnderstood("host", "/proc/meminfo begins differently");
  }
  // Linux before 3.14 does not report available memory; then neither do we.
  ReadMemory(lines[4], "MemAvailable:", kHostMemoryAvailable, families);
  if (const auto time = ReadTime(reply)) families->Add(kHostTime, {}, *time);
  return AddBoot(host, reply, families);
}

}  // namespace

const Collector kHostCollector = {config::CollectorKind::kHost, "host", config::Platform::kLinux,
                                  [](const config::Host&, Spec*) {}, Read};

}  // namespace mailhub::exporter
