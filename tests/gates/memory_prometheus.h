// A Prometheus in memory, written from its documentation: slow, simple, and with just enough PromQL
// for gates' queries. It knows nothing of gates.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "actuator/condition/queries.h"

namespace mailhub::gates {

using condition::Labels;

struct Stored {
  int64_t at_ms = 0;
  int64_t visible_ms = 0;  // earlier queries do not see it
  double value = 0;
  bool stale = false;  // a staleness marker: the series was gone at this time
};

struct StoredSeries {
  Labels labels;                // __name__ included
  std::vector<Stored> samples;  // by time
};

// Ranges are closed as in 2.x, or left-open as in 3.x.
class MemoryPrometheus final : public condition::Queries {
 public:
  explicit MemoryPrometheus(bool left_open) : left_open_(left_open) {}

  void SetNow(int64_t now_ms) { now_ms_ = now_ms; }
  std::vector<StoredSeries>& Series() { return series_; }

  // An expression that it does not understand aborts the test.
  Result<condition::Instant> Query(const std::string& expr) override;
  Result<std::vector<condition::Series>> QueryRange(const std::string& expr, double start_s,
                                                    double end_s, Milliseconds step) override;

 private:
  const bool left_open_;
  int64_t now_ms_ = 0;
  std::vector<StoredSeries> series_;
};

}  // namespace mailhub::gates
