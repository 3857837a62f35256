// Commands from the site file: whether the exit status was 0, and the printed number.
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kSuccess{"mailhub_check_success",
                                   "Whether the command ended in time with exit status 0."};
constexpr metrics::Metric kValue{"mailhub_check_value",
                                 "The number in the first line of a successful command's output."};

void Ask(const config::Host& host, Spec* spec) {
  for (const auto& [label, check] : host.checks) {
    spec->Line("check", label + " " + std::to_string(check.timeout.count()) + " " + check.command);
  }
}

// The first word, so that `wc -l FILE` is a number too. Sign and exponent are allowed here, because
// the site chose the command.
std::optional<double> ReadValue(std::string_view output) {
  constexpr size_t kMostThatIsSent = 200;
  const auto words = Words(output, 2);
  if (words.empty()) return std::nullopt;
  std::string_view text = words[0].substr(0, words[0].find_first_of(" \t\r"));
  if (text.size() >= kMostThatIsSent) return std::nullopt;  // it may be cut off
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

struct Outcome {
  std::optional<bool> succeeded;
  std::optional<double> value;
};

// "limit MS", what the scrape left for each; "status PLACE EXIT" and "output PLACE TEXT", in any
// order. A command that was stopped has no status: at its own time-out it has failed, earlier nobody
// knows.
Status Read(const config::Host& host, const Reply&, const Section& section, Past*,
            metrics::Families* families) {
  std::vector<Outcome> outcomes(host.checks.size());
  uint64_t limit_ms = 0;
  for (const std::string& line : section.lines) {
    if (line.empty()) continue;
    const auto words = Words(line, 3);
    if (words[0] == "limit") {
      const auto limit = words.size() == 2 ? ReadCount(words[1]) : std::nullopt;
      if (!limit) return NotUnderstood("checks", "a line is not understood");
      limit_ms = *limit;
      continue;
    }
    const auto place = words.size() >= 2 ? ReadCount(words[1]) : std::nullopt;
    if (!place || *place >= outcomes.size()) {
      return NotUnderstood("checks", "a line is not understood");
    }
    if (words[0] == "status" && words.size() == 3) {
      outcomes[*place].succeeded = words[2] == "0";
    } else if (words[0] == "output") {
      outcomes[*place].value = words.size() == 3 ? ReadValue(words[2]) : std::nullopt;
    } else {
      return NotUnderstood("checks", "an unknown line");
    }
  }
  size_t next = 0;
  std::string cut_off;
  for (const auto& [label, check] : host.checks) {
    Outcome& outcome = outcomes[next++];
    const metrics::Labels labels = {{"check", label}};
    if (!outcome.succeeded && limit_ms < static_cast<uint64_t>(check.timeout.count())) {
      cut_off = label;
      continue;
    }
    const bool succeeded = outcome.succeeded.value_or(false);
    families->Add(kSuccess, labels, succeeded ? 1 : 0);
    if (succeeded && outcome.value) families->Add(kValue, labels, *outcome.value);
  }
  if (cut_off.empty()) return {};
  return Fail(ErrorKind::kNotFound,
              "checks: " + cut_off + " was not over when the scrape's time was");
}

}  // namespace

// A scrape that cannot wait leaves no time to those that go on.
const Collector kCheckCollector = {
    config::CollectorKind::kChecks, "checks", {}, Ask, Read, "limit 0"};

}  // namespace mailhub::exporter
