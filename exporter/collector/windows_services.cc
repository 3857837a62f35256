// `sc` writes CRLF, pads its keys, and gives a state as number and word: place and number are the
// same in every language.
#include "exporter/collector/windows_services.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "lib/base/lower.h"
#include "lib/base/trim.h"

namespace mailhub::exporter {
namespace {

constexpr uint64_t kServiceDoesNotExist = 1060;
constexpr uint64_t kNeverStarted = 1077;

// The first word after the colon of a line "KEY : VALUE ..."; the keys and some of the values are
// in the host's language.
std::string_view ValueOf(std::string_view line) {
  const size_t colon = line.find(':');
  const auto words = Words(colon == std::string_view::npos ? "" : line.substr(colon + 1), 2);
  return words.empty() ? "" : words[0].substr(0, words[0].find_first_of(" \t"));
}

// `sc` shows the name first; then, in this order, type, state, and the two exit codes of a stopped
// service. The type may be no number (e0): its place counts all the same.
constexpr size_t kStatePlace = 1;
constexpr size_t kExitPlace = 2;
struct Answer {
  std::string_view name;
  std::vector<std::optional<uint64_t>> numbers;  // of the lines with a colon after the name
  std::optional<uint64_t> error;  // "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:"
};

Answer ReadAnswer(std::string_view output) {
  Answer answer;
  bool first = true;
  while (!output.empty()) {
    const size_t end = output.find_first_of("\r\n");
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
    const auto words = Words(line);
    if (words.empty()) continue;
    if (words[0] == "[SC]") {
      for (std::string_view word : words) {
        if (word.back() != ':') continue;
        if (const auto number = ReadCount(word.substr(0, word.size() - 1), UINT32_MAX)) {
          answer.error = number;
        }
      }
    } else if (first) {
      const size_t colon = line.find(':');
      if (colon != std::string_view::npos) answer.name = line.substr(colon + 1);
    } else if (line.find(':') != std::string_view::npos) {
      answer.numbers.push_back(ReadCount(ValueOf(line), UINT32_MAX));
    }
    first = false;
  }
  return answer;
}

// As Windows compares names: without case.
bool SameName(std::string_view a, std::string_view b) {
  return EqualIgnoringCase(Trim(a, kBlanks), Trim(b, kBlanks));
}

// PowerShell takes a command as the base64 of its UTF-16.
std::string Encoded(const std::string& ascii) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  for (char c : ascii) bytes += {c, '\0'};
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

// A host's login shell is cmd or PowerShell, which read blanks and dollars differently; a name with
// such characters is encoded, so that neither reads them.
std::string WindowsServiceCommand(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
  if (plain) return "sc.exe query " + name;
  return "powershell.exe -NoProfile -NonInteractive -EncodedCommand " +
         Encoded("sc.exe query '" + name + "'");
}

Result<ServiceReport> ReadWindowsService(const std::string& name, std::string_view output) {
  ServiceReport report;
  const Answer answer = ReadAnswer(output);
  if (answer.error == kServiceDoesNotExist) return report;
  const auto at = [&](size_t place) {
    return place < answer.numbers.size() ? answer.numbers[place] : std::nullopt;
  };
  const auto state = at(kStatePlace);
  if (answer.error || !state || !SameName(answer.name, name)) {
    return NotUnderstood("services", "sc says nothing about the state of " + name);
  }
  switch (*state) {
    case 1: {  // stopped: by a person, or by its own failure
      const auto exit = at(kExitPlace);
      if (!exit) return NotUnderstood("services", "sc shows no exit code");
      const bool failed = *exit != 0 && *exit != kNeverStarted;
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
    case 7:  // paused: it exists and does nothing
      report.state = ServiceState::kInactive;
      return report;
    default:
      return NotUnderstood("services", "sc names an unknown state");
  }
}

}  // namespace mailhub::exporter
