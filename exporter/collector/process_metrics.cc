#include "exporter/collector/process_metrics.h"

namespace mailhub::exporter {
namespace {

constexpr Metric kRunning{"mailhub_process_running", "How many processes match."};
constexpr Metric kResident{"mailhub_process_resident_memory_bytes",
                           "Resident memory of the matching processes together."};
constexpr Metric kStart{"mailhub_process_start_time_seconds",
                        "When the oldest matching process started, in the host's unix time."};
constexpr Metric kThreads{"mailhub_process_threads", "Threads of the matching processes together."};
constexpr Metric kCpu{"mailhub_process_cpu_seconds_total",
                      "CPU time of the matching processes together, user and system.",
                      Kind::kCounter};

}  // namespace

void AddProcess(const std::string& label, const ProcessFigures& figures, Families* families) {
  const Labels labels = {{"process", label}};
  families->Add(kRunning, labels, figures.count);
  if (figures.count == 0) return;
  families->Add(kResident, labels, figures.resident_bytes);
  families->Add(kStart, labels, figures.start_time_seconds);
  families->Add(kThreads, labels, figures.threads);
  families->Add(kCpu, labels, figures.cpu_seconds);
}

}  // namespace mailhub::exporter
