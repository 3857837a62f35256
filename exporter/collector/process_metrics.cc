#include "exporter/collector/process_metrics.h"

#include "exporter/collector/fields.h"
#include "lib/base/printable.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kRunning{"mailhub_process_running", "How many processes match."};
constexpr metrics::Metric kResident{"mailhub_process_resident_memory_bytes",
                                    "Resident memory of the matching processes together."};
constexpr metrics::Metric kStart{
    "mailhub_process_start_time_seconds",
    "When the oldest matching process started, in the host's unix time."};
constexpr metrics::Metric kThreads{"mailhub_process_threads",
                                   "Threads of the matching processes together."};
constexpr metrics::Metric kCpu{
    "mailhub_process_cpu_seconds_total",
    "CPU time that matching processes have used since they were first seen here.",
    metrics::Type::Counter};

}  // namespace

void AddProcess(const std::string& label, const ProcessFigures& figures,
                metrics::Families* families) {
  const metrics::Labels labels = {{"process", label}};
  families->Add(kRunning, labels, figures.count);
  if (figures.count == 0) return;
  const auto add = [&](const metrics::Metric& metric, std::optional<double> value) {
    if (value) families->Add(metric, labels, *value);
  };
  add(kResident, figures.resident_bytes);
  add(kStart, figures.start_time_seconds);
  add(kThreads, figures.threads);
  add(kCpu, figures.cpu_seconds);
}

bool Unknowns::Take(std::string_view line) {
  const auto words = Words(line, 3);
  const auto place =
      words.size() == 3 && words[0] == "unknown" ? ReadCount(words[1]) : std::nullopt;
  if (!place || *place >= whys_.size()) return false;
  whys_[*place] = std::string(words[2]);
  return true;
}

// The host's text.
Status Unknowns::Verdict() const {
  constexpr size_t kMostOfWhy = 300;
  for (const std::string& why : whys_) {
    if (!why.empty()) return Fail(ErrorKind::kNotFound, "processes: " + Excerpt(why, kMostOfWhy));
  }
  return {};
}

}  // namespace mailhub::exporter
