// The exporter's own metrics, shown on /metrics.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <string_view>

#include "exporter/host/link.h"
#include "lib/base/guarded.h"
#include "lib/metrics/families.h"
#include "lib/metrics/histogram.h"

namespace mailhub::exporter {

// Thread-safe. Never fails.
class SelfMetrics final : public LinkObserver {
 public:
  SelfMetrics(std::string version, std::string revision);

  void OnConnect(const char* result) override;
  void OnSessions(int change) override;
  void OnProbe(std::string_view result, double seconds);
  void OnReload(bool success);

  metrics::Families Collect() const;

 private:
  using CountsByResult = std::map<std::string, double, std::less<>>;
  struct Counts {
    CountsByResult connects;
    CountsByResult probes;
    metrics::Histogram probe_seconds;
  };

  const std::string version_;
  const std::string revision_;
  Guarded<Counts> counts_;
  std::atomic<int> sessions_{0};
  std::atomic<bool> reload_succeeded_{false};
};

}  // namespace mailhub::exporter
