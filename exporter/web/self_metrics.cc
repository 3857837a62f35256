#include "exporter/web/self_metrics.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kBuildInfo{"mailhub_exporter_build_info", "The exporter's version."};
constexpr metrics::Metric kReloaded{"mailhub_exporter_config_last_reload_successful",
                                    "Whether the last attempt to load the site file succeeded."};
constexpr metrics::Metric kSessions{"mailhub_exporter_ssh_sessions", "SSH sessions that are open."};
constexpr metrics::Metric kConnects{"mailhub_exporter_ssh_connects_total",
                                    "Attempts to connect over SSH, by what came of them.",
                                    metrics::Type::Counter};
constexpr metrics::Metric kProbes{"mailhub_exporter_probes_total", "Probes, by what came of them.",
                                  metrics::Type::Counter};
constexpr metrics::Metric kProbeSeconds{"mailhub_exporter_probe_seconds", "How long probes took.",
                                        metrics::Type::Histogram};

metrics::Histogram NoProbes() {
  return metrics::Histogram(
      {0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10});
}

}  // namespace

// All series exist from the start, so that the first increase is visible.
SelfMetrics::SelfMetrics(std::string version, std::string revision)
    : version_(std::move(version)), revision_(std::move(revision)), counts_({{}, {}, NoProbes()}) {
  counts_.With([](Counts& counts) {
    counts.connects[kSucceeded] = counts.probes[kSucceeded] = 0;
    for (const auto failure : All<ssh::ConnectFailure>())
      counts.connects[Name(failure)] = counts.probes[Name(failure)] = 0;
  });
}

void SelfMetrics::OnConnect(const char* result) {
  counts_.With([&](Counts& counts) { ++counts.connects[result]; });
}

void SelfMetrics::OnSessions(int change) {
  sessions_ += change;
}

void SelfMetrics::OnProbe(std::string_view result, double seconds) {
  counts_.With([&](Counts& counts) {
    ++counts.probes[std::string(result)];
    counts.probe_seconds.Observe(seconds);
  });
}

void SelfMetrics::OnReload(bool success) {
  reload_succeeded_ = success;
}

metrics::Families SelfMetrics::Collect() const {
  metrics::Families families;
  families.Add(kBuildInfo, {{"revision", revision_}, {"version", version_}}, 1);
  families.Add(kReloaded, {}, reload_succeeded_ ? 1 : 0);
  families.Add(kSessions, {}, sessions_);
  counts_.With([&](const Counts& counts) {
    for (const auto& [result, count] : counts.connects)
      families.Add(kConnects, {{"result", result}}, count);
    for (const auto& [result, count] : counts.probes)
      families.Add(kProbes, {{"result", result}}, count);
    families.Add(kProbeSeconds, {}, counts.probe_seconds.Collect());
  });
  return families;
}

}  // namespace mailhub::exporter
