// Counts observations by upper bound.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/metrics/families.h"

namespace mailhub::metrics {

// Plain data, protected by its owner. Never fails.
class Histogram {
 public:
  // `bounds` ascend; infinity is added.
  explicit Histogram(std::vector<double> bounds);

  void Observe(double value);
  Sample::Histogram Collect() const;

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;  // per bound, not cumulative
  double sum_ = 0;
};

}  // namespace mailhub::metrics
