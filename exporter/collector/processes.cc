// Processes by executable, and their threads by name. Absent ones are an explicit 0.
#include <array>
#include <map>
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "exporter/collector/process_metrics.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kThreadRunning{"mailhub_thread_running",
                                         "How many threads have this name."};
constexpr metrics::Metric kThreadState{"mailhub_thread_state",
                                       "Whether a thread of this name is in the state."};
constexpr metrics::Metric kThreadCpu{
    "mailhub_thread_cpu_seconds_total",
    "CPU time that threads of this name have used since they were first seen here.",
    metrics::Type::Counter};

struct State {
  std::string_view letters;  // as in /proc
  const char* name;
};
constexpr std::array<State, 7> kStates = {{{"R", "running"},
                                           {"S", "sleeping"},
                                           {"DWKP", "disk_sleep"},
                                           {"Tt", "stopped"},
                                           {"Z", "zombie"},
                                           {"Xx", "dead"},
                                           {"I", "idle"}}};

// The values of one process or thread, from its stat file after the name (proc(5) counts from there
// as 3).
struct Stat {
  size_t state = 0;  // index into kStates
  double cpu_ticks = 0;
  double threads = 0;
  double start_ticks = 0;
  std::string identity;  // number and start
};

// The line of a stat file: "PID (NAME) S ...". The name may have any character, parentheses too.
std::optional<Stat> ReadStat(std::string_view line) {
  constexpr size_t kUser = 11;
  constexpr size_t kSystem = 12;
  constexpr size_t kThreadCount = 17;
  constexpr size_t kStartTime = 19;
  const size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  const auto words = Words(line.substr(name_end + 1));
  if (words.size() <= kStartTime || words[0].size() != 1) return std::nullopt;
  Stat stat;
  while (stat.state < kStates.size() &&
         kStates[stat.state].letters.find(words[0]) == std::string_view::npos) {
    ++stat.state;
  }
  const auto user = ReadCount(words[kUser]);
  const auto system = ReadCount(words[kSystem]);
  const auto threads = ReadCount(words[kThreadCount], 1 << 22);
  const auto start = ReadCount(words[kStartTime]);
  if (stat.state == kStates.size() || !user || !system || !threads || !start) return std::nullopt;
  stat.cpu_ticks = static_cast<double>(*user) + static_cast<double>(*system);
  stat.threads = static_cast<double>(*threads);
  stat.start_ticks = static_cast<double>(*start);
  stat.identity = std::string(line.substr(0, line.find('('))) + std::string(words[kStartTime]);
  return stat;
}

// The result for one process or one named thread of the site file.
struct Found {
  ProcessFigures figures;
  std::array<bool, kStates.size()> states{};

  void Add(const Stat& stat, double pages, const Reply& reply) {
    ProcessFigures one;
    one.count = 1;
    one.resident_bytes = pages * reply.page_bytes;
    one.threads = stat.threads;
    if (reply.boot_time_seconds > 0) {
      one.start_time_seconds = reply.boot_time_seconds + stat.start_ticks / reply.ticks_per_second;
    }
    figures.Add(one);
    states[stat.state] = true;
  }
};

// Requests and answers identify processes and threads by their place in the site file's order.
void Ask(const config::Host& host, Spec* spec) {
  std::map<std::string, size_t> exes;
  for (const auto& [label, match] : host.processes) {
    const auto [place, added] = exes.try_emplace(match.exe, exes.size());
    if (added) spec->Line("exe", match.exe);
    spec->Line("process", std::to_string(place->second));
    if (!match.args_contain.empty()) spec->Line("contain", match.args_contain);
    if (!match.args_lack.empty()) spec->Line("lack", match.args_lack);
    const auto threads = host.threads.find(label);
    if (threads == host.threads.end()) continue;
    for (const std::string& name : threads->second) spec->Line("thread", name);
  }
}

struct Place {
  std::string process;
  std::string thread;
};

std::string CounterName(bool is_process, size_t place) {
  return (is_process ? "process " : "thread ") + std::to_string(place);
}

// "process PLACE PAGES STAT" and "thread PLACE STAT".
Status Gather(const Reply& reply, const Section& section, Past* past, Unknowns* unknowns,
              std::vector<Found>* processes, std::vector<Found>* threads) {
  past->BeginLook(reply.uptime_seconds);
  for (const std::string& line : section.lines) {
    if (unknowns->Take(line)) continue;
    const auto words = Words(line, 4);
    if (words.size() < 4) return NotUnderstood("processes", "a line is too short");
    const bool is_process = words[0] == "process";
    if (!is_process && words[0] != "thread") return NotUnderstood("processes", "an unknown line");
    auto* found = is_process ? processes : threads;
    const auto place = ReadCount(words[1]);
    const auto pages = is_process ? ReadCount(words[2], uint64_t{1} << 48) : uint64_t{0};
    // A thread has no pages: its stat begins one word earlier.
    const auto stat = ReadStat(is_process ? words[3] : line.substr(words[2].data() - line.data()));
    if (!place || *place >= found->size() || !pages || !stat) {
      return NotUnderstood("processes", "a line is not understood");
    }
    (*found)[*place].Add(*stat, static_cast<double>(*pages), reply);
    past->Count(CounterName(is_process, *place), stat->identity,
                stat->cpu_ticks / reply.ticks_per_second,
                stat->start_ticks / reply.ticks_per_second);
  }
  return {};
}

void AddThread(const Place& place, const Found& found, double cpu_seconds,
               metrics::Families* families) {
  const metrics::Labels labels = {{"process", place.process}, {"thread", place.thread}};
  families->Add(kThreadRunning, labels, found.figures.count);
  for (size_t i = 0; i < kStates.size(); ++i) {
    metrics::Labels with_state = labels;
    with_state.emplace_back("state", kStates[i].name);
    families->Add(kThreadState, with_state, found.states[i] ? 1 : 0);
  }
  if (found.figures.count > 0) families->Add(kThreadCpu, labels, cpu_seconds);
}

Status Read(const config::Host& host, const Reply& reply, const Section& section, Past* past,
            metrics::Families* families) {
  std::vector<Place> places;
  std::vector<size_t> owners;  // for each, its process's place
  size_t owner = 0;
  for (const auto& [label, match] : host.processes) {
    if (const auto threads = host.threads.find(label); threads != host.threads.end()) {
      for (const std::string& name : threads->second) {
        places.push_back({label, name});
        owners.push_back(owner);
      }
    }
    ++owner;
  }
  std::vector<Found> processes(host.processes.size());
  std::vector<Found> threads(places.size());
  Unknowns unknowns(processes.size());
  auto gathered = Gather(reply, section, past, &unknowns, &processes, &threads);
  if (!gathered) return gathered;
  size_t next = 0;
  for (const auto& [label, match] : host.processes) {
    ProcessFigures& figures = processes[next].figures;
    if (!unknowns.Has(next)) {
      figures.cpu_seconds = past->Total(CounterName(true, next));
      AddProcess(label, figures, families);
    } else if (figures.count > 0) {
      // There may be more of them. Then sums would be wrong.
      ProcessFigures least;
      least.count = figures.count;
      AddProcess(label, least, families);
    }
    ++next;
  }
  for (size_t i = 0; i < places.size(); ++i) {
    const double running = threads[i].figures.count;
    if (!unknowns.Has(owners[i])) {
      AddThread(places[i], threads[i], past->Total(CounterName(false, i)), families);
    } else if (running > 0) {
      families->Add(kThreadRunning, {{"process", places[i].process}, {"thread", places[i].thread}},
                    running);
    }
  }
  return unknowns.Verdict();
}

}  // namespace

const Collector kProcessCollector = {config::CollectorKind::kProcesses, "processes",
                                     config::Platform::kLinux, Ask, Read};

}  // namespace mailhub::exporter
