#include "lib/metrics/histogram.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mailhub::metrics {

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  bounds_.push_back(std::numeric_limits<double>::infinity());
  counts_.resize(bounds_.size());
}

void Histogram::Observe(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<size_t>(bound - bounds_.begin())];
  sum_ += value;
}

Sample::Histogram Histogram::Collect() const {
  Sample::Histogram collected;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    collected.sample_count += counts_[i];
    collected.bucket.push_back({collected.sample_count, bounds_[i]});
  }
  collected.sample_sum = sum_;
  return collected;
}

}  // namespace mailhub::metrics
