// Hosts without /proc, through ps and vmstat: fewer and coarser values in the same families.
#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "exporter/collector/host_metrics.h"
#include "exporter/collector/process_metrics.h"

namespace mailhub::exporter {
namespace {

// A mode's name in `vmstat -s`: Linux' words, then Solaris'.
struct ModeName {
  const char* text;
  const char* mode;
};
constexpr std::array<ModeName, 12> kModeNames = {{{"non-nice user cpu ticks", "user"},
                                                  {"nice user cpu ticks", "nice"},
                                                  {"system cpu ticks", "system"},
                                                  {"idle cpu ticks", "idle"},
                                                  {"io-wait cpu ticks", "iowait"},
                                                  {"irq cpu ticks", "irq"},
                                                  {"softirq cpu ticks", "softirq"},
                                                  {"stolen cpu ticks", "steal"},
                                                  {"user cpu", "user"},
                                                  {"system cpu", "system"},
                                                  {"idle cpu", "idle"},
                                                  {"wait cpu", "iowait"}}};

// The words of a line from the second on, in lower case, one blank between them.
std::string Caption(const std::vector<std::string_view>& words) {
  std::string caption;
  for (size_t i = 1; i < words.size(); ++i) {
    if (i > 1) caption += ' ';
    for (char c : words[i])
      caption += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return caption;
}

Status ReadHost(const config::Host& host, const Reply& reply, const Section& section, Past*,
                metrics::Families* families) {
  std::set<std::string_view> said;  // a repeated series makes the page invalid
  const auto twice = [&said](std::string_view what) { return !said.insert(what).second; };
  for (const std::string& line : section.lines) {
    const auto words = Words(line);
    if (words.size() < 2) continue;
    if (words.size() == 2 && (words[0] == "cpus" || words[0] == "time")) {
      const auto value = ReadCount(words[1]);
      if (!value || *value == 0) continue;
      const bool cpus = words[0] == "cpus";
      if (twice(cpus ? "cpus" : "time")) return NotUnderstood("host", "a duplicate line");
      families->Add(cpus ? kHostCpus : kHostTime, {}, static_cast<double>(*value));
      continue;
    }
    const auto value = ReadCount(words[0]);
    if (!value) continue;
    const std::string caption = Caption(words);
    if (caption == "k total memory") {
      if (twice("memory")) return NotUnderstood("host", "a duplicate line");
      families->Add(kHostMemoryTotal, {}, static_cast<double>(*value) * 1024);
    }
    for (const ModeName& name : kModeNames) {
      if (caption != name.text) continue;
      if (twice(name.mode)) return NotUnderstood("host", "a duplicate line");
      families->Add(kHostCpuSeconds, {{"mode", name.mode}},
                    static_cast<double>(*value) / reply.ticks_per_second);
    }
  }
  auto boot = AddBoot(host, reply, families);
  if (!boot) return boot;
  if (said.contains("idle") && said.contains("cpus")) return {};
  return Fail(ErrorKind::kNotFound, "host: vmstat -s names no idle time");
}

std::optional<double> Now(const Reply& reply) {
  const Section* host = reply.Find("host");
  if (host == nullptr) return std::nullopt;
  for (const std::string& line : host->lines) {
    const auto words = Words(line);
    if (words.size() == 2 && words[0] == "time") return ReadDecimal(words[1]);
  }
  return std::nullopt;
}

// "process PLACE PID RSS_KB THREADS CPU_SECONDS AGE_SECONDS", with "-" for values that ps lacks.
Status ReadProcesses(const config::Host& host, const Reply& reply, const Section& section,
                     Past* past, metrics::Families* families) {
  const auto now = Now(reply);
  std::vector<ProcessFigures> found(host.processes.size());
  Unknowns unknowns(host.processes.size());
  past->BeginLook();
  for (const std::string& line : section.lines) {
    if (unknowns.Take(line)) continue;
    const auto words = Words(line);
    const auto place = words.size() == 7 ? ReadCount(words[1]) : std::nullopt;
    if (!place || words[0] != "process" || *place >= found.size()) {
      return NotUnderstood("processes", "a line is not understood");
    }
    std::array<std::optional<double>, 4> values{};
    for (size_t i = 0; i < values.size(); ++i) {
      if (words[i + 3] == "-") continue;
      const auto value = ReadCount(words[i + 3], uint64_t{1} << 50);
      if (!value) return NotUnderstood("processes", "a line is not understood");
      values[i] = static_cast<double>(*value);
    }
    ProcessFigures one;
    one.count = 1;
    if (values[0]) one.resident_bytes = *values[0] * 1024;
    one.threads = values[1];
    if (values[2]) past->Count(std::to_string(*place), std::string(words[2]), *values[2]);
    one.cpu_seconds = values[2];
    if (now && values[3]) one.start_time_seconds = *now - *values[3];
    found[*place].Add(one);
  }
  size_t next = 0;
  for (const auto& [label, match] : host.processes) {
    ProcessFigures& figures = found[next];
    if (!unknowns.Has(next)) {
      if (figures.count == 0 || figures.cpu_seconds) {
        figures.cpu_seconds = past->Total(std::to_string(next));
      }
      AddProcess(label, figures, families);
    }
    ++next;
  }
  return unknowns.Verdict();
}

}  // namespace

const Collector kPosixHostCollector = {
    config::CollectorKind::kHost, "host", config::Platform::kPosix,
    [](const config::Host&, Spec* spec) { spec->Line("platform", "posix"); }, ReadHost};

const Collector kPosixProcessCollector = {
    config::CollectorKind::kProcesses, "processes", config::Platform::kPosix,
    [](const config::Host& host, Spec* spec) { kProcessCollector.ask(host, spec); }, ReadProcesses};

}  // namespace mailhub::exporter
