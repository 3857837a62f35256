#include "exporter/metrics/self.h"

#include <limits>

#include "exporter/metrics/process.h"

namespace mailhub::exporter {
namespace {

constexpr Metric kBuildInfo{"mailhub_exporter_build_info", "The exporter's version."};
constexpr Metric kReloaded{"mailhub_exporter_config_last_reload_successful",
                           "Whether the last attempt to load the site file succeeded."};
constexpr Metric kSessions{"mailhub_exporter_ssh_sessions", "SSH sessions that are open."};
constexpr Metric kConnects{"mailhub_exporter_ssh_connects_total",
                           "Attempts to connect over SSH, by what came of them.", Kind::kCounter};
constexpr Metric kProbes{"mailhub_exporter_probes_total", "Probes, by what came of them.",
                         Kind::kCounter};
constexpr Metric kProbeSeconds{"mailhub_exporter_probe_seconds", "How long probes took.",
                               Kind::kHistogram};

size_t IndexOf(std::string_view result) {
  for (size_t i = 0; i < SelfMetrics::kResults.size(); ++i) {
    if (result == SelfMetrics::kResults[i]) return i;
  }
  return SelfMetrics::kResults.size() - 1;
}

}  // namespace

void SelfMetrics::OnConnect(const char* result) {
  ++connects_[IndexOf(result)];
}

void SelfMetrics::OnSessions(int change) {
  sessions_ += change;
}

void SelfMetrics::OnProbe(std::string_view result, double seconds) {
  ++probes_[IndexOf(result)];
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++buckets_[bucket];
  microseconds_ += static_cast<uint64_t>(seconds * 1e6);
}

void SelfMetrics::OnReload(bool success) {
  reload_succeeded_ = success;
}

Families SelfMetrics::Collect() const {
  Families families;
  families.Add(kBuildInfo, {{"revision", revision_}, {"version", version_}}, 1);
  families.Add(kReloaded, {}, reload_succeeded_ ? 1 : 0);
  families.Add(kSessions, {}, sessions_);
  for (size_t i = 0; i < kResults.size(); ++i) {
    const Labels labels = {{"result", kResults[i]}};
    families.Add(kConnects, labels, static_cast<double>(connects_[i]));
    families.Add(kProbes, labels, static_cast<double>(probes_[i]));
  }
  Sample histogram;
  uint64_t count = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    count += buckets_[i];
    const double bound = i < kBounds.size() ? kBounds[i] : std::numeric_limits<double>::infinity();
    histogram.buckets.emplace_back(bound, count);
  }
  histogram.value = static_cast<double>(microseconds_) / 1e6;
  families.AddHistogram(kProbeSeconds, std::move(histogram));
  AddProcessMetrics(&families);
  return families;
}

}  // namespace mailhub::exporter
