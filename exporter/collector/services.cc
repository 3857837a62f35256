// Services of systemd, all in one `systemctl show`, and of SysV status scripts.
#include <algorithm>
#include <map>
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "exporter/collector/service_state.h"

namespace mailhub::exporter {
namespace {

using Properties = std::map<std::string, std::string, std::less<>>;

const std::string& Called(const std::string& label, const config::ServiceSpec& service) {
  return service.name.empty() ? label : service.name;
}

std::string UnitOf(const std::string& label, const config::ServiceSpec& service) {
  return service.name.empty() ? label + ".service" : service.name;
}

void Ask(const config::Host& host, Spec* spec) {
  for (const auto& [name, service] : host.services) {
    if (service.kind == config::ServiceKind::kSystemd) spec->Line("unit", UnitOf(name, service));
    if (service.kind == config::ServiceKind::kSysv) spec->Line("sysv", Called(name, service));
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

// The meaning of a status script's exit (LSB): 0 runs, 1 and 2 died and left a trace, 3 does not
// run.
std::optional<ServiceState> SysvState(std::string_view exit) {
  if (exit == "absent") return ServiceState::kAbsent;
  if (exit == "0") return ServiceState::kActive;
  if (exit == "1" || exit == "2") return ServiceState::kFailed;
  if (exit == "3") return ServiceState::kInactive;
  return std::nullopt;
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

// The state of each status script, or the reason why it is unknown.
bool ReadLines(const Section& section, std::vector<Properties>* units,
               std::map<std::string, ServiceState>* sysv, std::map<std::string, std::string>* why) {
  bool between = true;
  for (const std::string& line : section.lines) {
    if (line.empty()) {
      between = true;
      continue;
    }
    if (line.rfind("sysv ", 0) == 0) {
      const auto words = Words(line);
      if (words.size() != 3) return false;
      const std::string name(words[1]);
      if (const auto state = SysvState(words[2])) {
        (*sysv)[name] = *state;
      } else if (words[2] == "usage") {
        (*why)[name] = "its script prints its usage when it is asked for the status of ";
      }
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
  std::map<std::string, ServiceState> sysv;
  std::map<std::string, std::string> why;
  if (!ReadLines(section, &units, &sysv, &why)) {
    return NotUnderstood("services", "a line is not understood");
  }
  Status known;
  for (const auto& [name, service] : host.services) {
    std::optional<ServiceReport> report;
    if (service.kind == config::ServiceKind::kSystemd) {
      const std::string unit = UnitOf(name, service);
      const auto found = std::find_if(units.begin(), units.end(),
                                      [&](const Properties& one) { return HasName(one, unit); });
      if (found != units.end()) report = ReadUnit(*found, reply);
    } else if (const auto state = sysv.find(Called(name, service)); state != sysv.end()) {
      report = ServiceReport{state->second, std::nullopt, std::nullopt};
    }
    if (report) {
      AddService(name, *report, families);
    } else {
      const auto reason = why.find(Called(name, service));
      const bool told = service.kind == config::ServiceKind::kSysv && reason != why.end();
      known =
          Fail(ErrorKind::kNotFound,
               "services: " + (told ? reason->second : "nothing sensible is said about ") + name);
    }
  }
  return known;
}

}  // namespace

const Collector kServiceCollector = {config::CollectorKind::kServices, "services", {}, Ask, Read};

}  // namespace mailhub::exporter
