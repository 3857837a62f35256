#include "lib/metrics/families.h"

#include <iterator>
#include <utility>

namespace mailhub::metrics {

prometheus::MetricFamily& Families::Of(const Metric& metric) {
  const auto found = families_.find(metric.name);
  if (found != families_.end()) return found->second;
  return families_
      .emplace(metric.name,
               prometheus::MetricFamily{metric.name, metric.help, metric.type, /*metric=*/{}})
      .first->second;
}

void Families::Add(const Metric& metric, Labels labels, double value) {
  Sample& sample = Of(metric).metric.emplace_back();
  sample.label = std::move(labels);
  (metric.type == Type::Counter ? sample.counter.value : sample.gauge.value) = value;
}

void Families::Add(const Metric& metric, Labels labels, Sample::Histogram histogram) {
  Sample& sample = Of(metric).metric.emplace_back();
  sample.label = std::move(labels);
  sample.histogram = std::move(histogram);
}

void Families::Merge(Families&& others) {
  for (auto& [name, family] : others.families_) {
    const auto [mine, added] = families_.try_emplace(name, std::move(family));
    if (added) continue;
    mine->second.metric.insert(mine->second.metric.end(),
                               std::make_move_iterator(family.metric.begin()),
                               std::make_move_iterator(family.metric.end()));
  }
}

double ValueOf(const prometheus::MetricFamily& family, const Sample& sample) {
  switch (family.type) {
    case Type::Counter:
      return sample.counter.value;
    case Type::Histogram:
      return sample.histogram.sample_sum;
    default:
      return sample.gauge.value;
  }
}

}  // namespace mailhub::metrics
