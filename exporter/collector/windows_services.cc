// `sc` writes CRLF, pads its keys, and says a state as number and word; the number is the same in
// every language.
#include "exporter/collector/windows_services.h"

#include <optional>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"

namespace mailhub::exporter {
namespace {

constexpr uint64_t kServiceDoesNotExist = 1060;
constexpr uint64_t kNeverStarted = 1077;

// "        STATE              : 4  RUNNING " -> 4
std::optional<uint64_t> NumberAfter(std::string_view output, std::string_view key) {
  while (!output.empty()) {
    const size_t end = output.find_first_of("\r\n");
    const auto words = Words(output.substr(0, end), 4);
    if (words.size() >= 3 && words[0] == key && words[1] == ":") {
      return ReadCount(words[2], UINT32_MAX);
    }
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
  }
  return std::nullopt;
}

// "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:"
bool SaysError(std::string_view output, uint64_t error) {
  const size_t failed = output.find("FAILED ");
  if (failed == std::string_view::npos) return false;
  std::string_view number = output.substr(failed + 7);
  return ReadCount(number.substr(0, number.find_first_not_of("0123456789"))) == error;
}

}  // namespace

std::string WindowsServiceCommand(const std::string& name) {
  return "sc.exe query " + name;
}

Result<ServiceReport> ReadWindowsService(std::string_view output) {
  ServiceReport report;
  if (SaysError(output, kServiceDoesNotExist)) return report;
  const auto state = NumberAfter(output, "STATE");
  if (!state) return NotUnderstood("services", "sc says nothing about a state");
  switch (*state) {
    case 1: {  // stopped: by somebody, or by its own failure
      const auto exit_code = NumberAfter(output, "WIN32_EXIT_CODE");
      const bool failed = exit_code && *exit_code != 0 && *exit_code != kNeverStarted;
      report.state = failed ? ServiceState::kFailed : ServiceState::kInactive;
      return report;
    }
    case 2:  // start pending
    case 5:  // continue pending
      report.state = ServiceState::kActivating;
      return report;
    case 3:  // stop pending
    case 6:  // pause pending
      report.state = ServiceState::kDeactivating;
      return report;
    case 4:
      report.state = ServiceState::kActive;
      return report;
    case 7:  // paused: it is there and does nothing
      report.state = ServiceState::kInactive;
      return report;
    default:
      return NotUnderstood("services", "sc names an unknown state");
  }
}

}  // namespace mailhub::exporter
