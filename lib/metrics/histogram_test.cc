// Buckets are cumulative, and a value equal to a bound is in its bucket.
#include "lib/metrics/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mailhub::metrics {
namespace {

using testing::ElementsAre;

std::vector<std::pair<double, uint64_t>> BucketsOf(const Sample::Histogram& histogram) {
  std::vector<std::pair<double, uint64_t>> buckets;
  for (const auto& bucket : histogram.bucket)
    buckets.emplace_back(bucket.upper_bound, bucket.cumulative_count);
  return buckets;
}

TEST(Histogram, CountsWhatIsAtOrBelowEachBound) {
  Histogram histogram({1, 2});
  for (const double value : {0.5, 1.0, 1.5, 7.0}) histogram.Observe(value);
  const Sample::Histogram collected = histogram.Collect();
  EXPECT_THAT(BucketsOf(collected),
              ElementsAre(std::pair(1.0, 2), std::pair(2.0, 3), std::pair(double{INFINITY}, 4)));
  EXPECT_EQ(collected.sample_count, 4u);
  EXPECT_EQ(collected.sample_sum, 10);
}

TEST(Histogram, HasAllBucketsBeforeTheFirstObservation) {
  const Sample::Histogram collected = Histogram({1}).Collect();
  EXPECT_THAT(BucketsOf(collected), ElementsAre(std::pair(1.0, 0), std::pair(double{INFINITY}, 0)));
  EXPECT_EQ(collected.sample_count, 0u);
}

}  // namespace
}  // namespace mailhub::metrics
