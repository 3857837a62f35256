// Services of systemd, all in one `systemctl show`, and of managers whose answer is one word.
#include <algorithm>
#include <map>
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "exporter/collector/service_state.h"

namespace mailhub::exporter {
namespace {

using Properties = std::map<std::string, std::string, std::less<>>;

void Ask(const config::Host& host, Spec* spec) {
  for (const auto& [label, service] : host.services) {
    const std::string_view request = config::ManagerOf(service.kind).request;
    if (!request.empty()) spec->Line(request, config::NameOnHost(label, service));
  }
}

std::optional<ServiceState> SystemdState(const Properties& unit) {
  const auto load = unit.find("LoadState");
  const auto active = unit.find("ActiveState");
  if (load == unit.end() || active == unit.end()) return std::nullopt;
  const std::string& state = active->second;
  if (state == "active" || state == "reloading" || state == "refreshing") {
    return ServiceState::kActive;
  }
  if (state == "activating") return ServiceState::kActivating;
  if (state == "deactivating") return ServiceState::kDeactivating;
  if (state == "failed") return ServiceState::kFailed;
  // A unit without its file may still be running; it is absent only if it does not run either.
  if (load->second == "not-found") return ServiceState::kAbsent;
  if (state == "inactive" || state == "maintenance") return ServiceState::kInactive;
  return std::nullopt;
}

std::optional<double> Microseconds(const Properties& unit, std::string_view property) {
  const auto found = unit.find(property);
  const auto value = found == unit.end() ? std::nullopt : ReadCount(found->second);
  if (!value || *value == 0) return std::nullopt;
  return static_cast<double>(*value) / 1e6;
}

std::optional<ServiceReport> ReadUnit(const Properties& unit, const Reply& reply) {
  const auto state = SystemdState(unit);
  if (!state) return std::nullopt;
  ServiceReport report;
  report.state = *state;
  if (*state == ServiceState::kActive) {
    auto since_boot = Microseconds(unit, "ExecMainStartTimestampMonotonic");
    if (!since_boot) since_boot = Microseconds(unit, "ActiveEnterTimestampMonotonic");
    if (since_boot && reply.boot_time_seconds > 0)
      report.start_time_seconds = reply.boot_time_seconds + *since_boot;
  }
  const auto restarts = unit.find("NRestarts");
  if (restarts != unit.end() && *state != ServiceState::kAbsent) {
    if (const auto count = ReadCount(restarts->second)) {
      report.restarts = static_cast<double>(*count);
    }
  }
  return report;
}

// systemctl separates units by an empty line and may leave one out. So each is identified by its
// names: its own, and the requested aliases.
bool HasName(const Properties& unit, std::string_view name) {
  for (const char* property : {"Id", "Names"}) {
    const auto found = unit.find(property);
    if (found == unit.end()) continue;
    const auto names = Words(found->second);
    if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  }
  return false;
}

// Whether the line is an answer in one word, after the manager's and the service's.
bool IsAnswer(std::string_view line) {
  return std::ranges::any_of(All<config::ServiceKind>(), [&](auto kind) {
    const config::ServiceManager manager = config::ManagerOf(kind);
    return !manager.answers.empty() && line.starts_with(manager.request) &&
           line.substr(manager.request.size()).starts_with(' ');
  });
}

// The answers in one word are kept by the two words before it.
bool ReadLines(const Section& section, std::vector<Properties>* units, Properties* answers) {
  bool between = true;
  for (const std::string& line : section.lines) {
    if (line.empty()) {
      between = true;
      continue;
    }
    if (IsAnswer(line)) {
      const auto words = Words(line);
      if (words.size() != 3) return false;
      (*answers)[std::string(words[0]).append(" ").append(words[1])] = words[2];
      between = true;
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == std::string::npos) return false;
    if (between) units->emplace_back();
    between = false;
    const bool fresh =
        units->back().emplace(line.substr(0, equals), line.substr(equals + 1)).second;
    if (!fresh) return false;  // it is unclear of which of two units
  }
  return true;
}

Status Read(const config::Host& host, const Reply& reply, const Section& section, Past*,
            metrics::Families* families) {
  std::vector<Properties> units;
  Properties answers;
  if (!ReadLines(section, &units, &answers)) {
    return NotUnderstood("services", "a line is not understood");
  }
  Status known;
  for (const auto& [label, service] : host.services) {
    const config::ServiceManager manager = config::ManagerOf(service.kind);
    const std::string name = config::NameOnHost(label, service);
    std::optional<ServiceReport> report;
    const char* why = "nothing sensible is said about ";
    if (manager.answers.empty()) {
      const auto found =
          std::ranges::find_if(units, [&](const Properties& one) { return HasName(one, name); });
      if (found != units.end()) report = ReadUnit(*found, reply);
    } else if (const auto said = answers.find(std::string(manager.request) + " " + name);
               said != answers.end()) {
      const auto known_answer =
          std::ranges::find(manager.answers, said->second, &config::ServiceAnswer::answer);
      if (known_answer != manager.answers.end()) {
        report = ServiceReport{known_answer->state, std::nullopt, std::nullopt};
      } else if (said->second == "usage") {
        why = "its script prints its usage when it is asked for the status of ";
      }
    }
    if (report) {
      AddService(label, *report, families);
    } else {
      known = Fail(ErrorKind::kNotFound, std::string("services: ") + why + label);
    }
  }
  return known;
}

}  // namespace

const Collector kServiceCollector = {config::CollectorKind::kServices, "services", {}, Ask, Read};

}  // namespace mailhub::exporter
