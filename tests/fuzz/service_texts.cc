// Output of `sc`, `systemctl show` and status scripts. The first byte selects one.
#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/collector/windows_services.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using exporter::ServiceState;
using metrics::Families;

std::vector<std::string> Lines(std::string_view text, std::string_view ends) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find_first_of(ends);
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// The number of the state: in the second line with a colon after the name's.
void DemandSc(std::string_view bytes, ServiceState state) {
  if (state == ServiceState::kAbsent) {
    return Demand(bytes.find("1060:") != std::string_view::npos, "absent is said by its number",
                  bytes);
  }
  std::vector<std::string> said;
  for (const std::string& line : Lines(bytes, "\r\n")) {
    const size_t text = line.find_first_not_of(" \t");
    if (text == std::string::npos) continue;
    const std::string word = line.substr(text, line.find_first_of(" \t", text) - text);
    if (word == "[SC]") continue;
    if (said.empty() || line.find(':') != std::string::npos) said.push_back(line);
  }
  Demand(said.size() > 2, "a state stands in its place", bytes);
  const std::string value = said[2].substr(said[2].find(':') + 1);
  const size_t digit = value.find_first_not_of(" \t0");
  const char* of[] = {"17", "25", "36", "4"};
  const size_t which = state == ServiceState::kActivating     ? 1
                       : state == ServiceState::kDeactivating ? 2
                       : state == ServiceState::kActive       ? 3
                                                              : 0;
  const char* known = of[which];
  Demand(digit != std::string::npos && std::string(known).find(value[digit]) != std::string::npos,
         "a state is the number in its place", said[2]);
}

// Whether some paragraph names the unit and has one of these states.
bool SaidOf(const std::vector<std::string>& lines, const std::string& unit,
            const std::vector<std::string>& states) {
  bool named = false;
  bool said = false;
  for (size_t i = 0; i <= lines.size(); ++i) {
    if (i == lines.size() || lines[i].empty() || lines[i].starts_with("sysv ")) {
      if (named && said) return true;
      named = said = false;
      continue;
    }
    for (const char* property : {"Id=", "Names="}) {
      if (lines[i].starts_with(property)) {
        std::string names = " " + lines[i].substr(lines[i].find('=') + 1) + " ";
        std::replace(names.begin(), names.end(), '\t', ' ');
        named |= names.find(" " + unit + " ") != std::string::npos;
      }
    }
    for (const std::string& state : states) said |= lines[i] == "ActiveState=" + state;
  }
  return false;
}

void TrySystemctl(std::string_view bytes) {
  static const config::Host kHost = [] {
    config::Host host;
    for (const char* name : {"a", "b"}) host.services[name] = {config::ServiceKind::kSystemd};
    host.services["c"] = {config::ServiceKind::kSysv};
    return host;
  }();
  exporter::Section section;
  section.done = true;
  section.lines = Lines(bytes, "\n");
  exporter::Past past;
  Families families;
  const Status read =
      exporter::kServiceCollector.read(kHost, exporter::Reply{}, section, &past, &families);
  if (!read) {
    DemandGoodMessage(read.error());
    if (read.error().kind != ErrorKind::kNotFound) return;
  }
  const auto found = families.all().find("mailhub_service_state");
  if (found == families.all().end()) return;
  static const std::map<std::string, std::vector<std::string>> kWords = {
      {"active", {"active", "reloading", "refreshing"}},
      {"activating", {"activating"}},
      {"deactivating", {"deactivating"}},
      {"failed", {"failed"}},
      {"inactive", {"inactive", "maintenance"}},
      {"absent", {"inactive", "maintenance", "active"}}};
  for (const metrics::Sample& sample : found->second.metric) {
    const std::string& name = sample.label[0].value;
    const std::string& state = sample.label[1].value;
    if (sample.gauge.value != 1 || name == "c") continue;
    if (state == "absent") continue;  // by LoadState
    Demand(SaidOf(section.lines, name + ".service", kWords.at(state)),
           "a state is what is said of that unit", std::string(name).append(" ").append(state));
  }
}

}  // namespace

void TryServiceTexts(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool sc = (bytes[0] & 1) != 0;
  bytes.remove_prefix(1);
  if (!sc) return TrySystemctl(bytes);
  const auto report = exporter::ReadWindowsService("Mail", bytes);
  if (!report) return DemandGoodMessage(report.error());
  DemandSc(bytes, report->state);
}

}  // namespace mailhub::fuzz
