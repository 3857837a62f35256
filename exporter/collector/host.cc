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

// The line that begins with this word; empty if there is none.
std::string_view LineOf(const Section& section, std::string_view word) {
  for (const std::string& line : section.lines) {
    const auto words = Words(line, 2);
    if (!words.empty() && words[0] == word) return line;
  }
  return {};
}

// "MemTotal:       24684084 kB"
bool ReadMemory(std::string_view line, const metrics::Metric& metric, metrics::Families* families) {
  const auto words = Words(line);
  if (words.size() != 3 || words[2] != "kB") return false;
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
  // What /proc does not tell, as in some containers, is left out; what it tells in another way is not believed.
  std::string missing;
  const auto cpu = LineOf(section, "cpu");
  if (cpu.empty()) {
    missing = "/proc/stat does not begin with the processors' times";
  } else if (!ReadCpu(cpu, reply.ticks_per_second, families)) {
    return NotUnderstood("host", "/proc/stat begins differently");
  }
  const auto words = Words(LineOf(section, "cpus"));
  const auto cpus = words.size() == 2 ? ReadCount(words[1], 1 << 16) : uint64_t{0};
  if (!cpus) return NotUnderstood("host", "no number of processors");
  if (*cpus > 0) {
    families->Add(kHostCpus, {}, static_cast<double>(*cpus));
  } else {
    missing = "/proc/stat lists no processors";
  }
  const auto total = LineOf(section, "MemTotal:");
  if (total.empty()) {
    missing = "/proc/meminfo does not begin with the memory that there is";
  } else if (!ReadMemory(total, kHostMemoryTotal, families)) {
    return NotUnderstood("host", "/proc/meminfo begins differently");
  }
  // Linux before 3.14 does not say what is available; then neither do we.
  ReadMemory(LineOf(section, "MemAvailable:"), kHostMemoryAvailable, families);
  if (const auto time = ReadTime(reply)) families->Add(kHostTime, {}, *time);
  auto boot = AddBoot(host, reply, families);
  if (boot && !missing.empty()) return Fail(ErrorKind::kNotFound, "host: " + missing);
  return boot;
}

}  // namespace

const Collector kHostCollector = {config::CollectorKind::kHost, "host", config::Platform::kLinux,
                                  [](const config::Host&, Spec*) {}, Read};

}  // namespace mailhub::exporter
