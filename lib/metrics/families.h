// Metric families put together for one page, on prometheus-cpp's data model. text.h makes the page.
#pragma once

#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mailhub::metrics {

using Type = prometheus::MetricType;
using Sample = prometheus::ClientMetric;
using Label = Sample::Label;
using Labels = std::vector<Label>;

// What a metric is called and means. `name` and `help` are literals.
struct Metric {
  const char* name;
  const char* help;
  Type type = Type::Gauge;
};

// Families by name, each once. Confined to one thread. Never fails.
class Families {
 public:
  // Of the values for the same name and labels, the page has the last one.
  void Add(const Metric& metric, Labels labels, double value);
  void Add(const Metric& metric, Labels labels, Sample::Histogram histogram);

  // Takes all of `others`; a family that both have gets the samples of both.
  void Merge(Families&& others);

  const std::map<std::string_view, prometheus::MetricFamily>& all() const { return families_; }

 private:
  prometheus::MetricFamily& Of(const Metric& metric);

  std::map<std::string_view, prometheus::MetricFamily> families_;  // the names are literals
};

// The value of a counter or gauge; of a histogram, the sum.
double ValueOf(const prometheus::MetricFamily& family, const Sample& sample);

}  // namespace mailhub::metrics
