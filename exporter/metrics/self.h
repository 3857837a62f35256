// What the exporter counts about itself, shown on /metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/host/link.h"
#include "exporter/metrics/family.h"

namespace mailhub::exporter {

// Thread-safe. Never fails.
class SelfMetrics final : public LinkObserver {
 public:
  // Results of probes and connects: "success" and the failure reasons.
  static constexpr std::array<const char*, 9> kResults = {"success",  "resolve",   "connect",
                                                          "host_key", "auth",      "timeout",
                                                          "protocol", "own_files", "own_limits"};

  SelfMetrics(std::string version, std::string revision)
      : version_(std::move(version)), revision_(std::move(revision)) {}

  void OnConnect(const char* result) override;
  void OnSessions(int change) override;
  void OnProbe(std::string_view result, double seconds);
  void OnReload(bool success);

  Families Collect() const;

 private:
  static constexpr std::array<double, 13> kBounds = {0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05,
                                                     0.1,   0.25,  0.5,   1,     2.5,  10};

  const std::string version_;
  const std::string revision_;
  std::array<std::atomic<uint64_t>, kResults.size()> connects_{};
  std::array<std::atomic<uint64_t>, kResults.size()> probes_{};
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> buckets_{};  // not cumulative
  std::atomic<uint64_t> microseconds_{0};
  std::atomic<int> sessions_{0};
  std::atomic<bool> reload_succeeded_{false};
};

}  // namespace mailhub::exporter
