// Collects metric families for one page, on prometheus-cpp's data model. text.h makes the page.
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

// A metric's name and meaning. `name` and `help` are literals.
struct Metric {
  const char* name;
  const char* help;
  Type type = Type::Gauge;
};

// Families by name, each once. Confined to one thread. Never fails.
class Families {
 public:
  // A repeated name and labels replaces the earlier value.
  void Add(const Metric& metric, Labels labels, double value);
  void Add(const Metric& metric, Labels labels, Sample::Histogram histogram);

  // Takes all of `others`; common families get the samples of both.
  void Merge(Families&& others);

  const std::map<std::string_view, prometheus::MetricFamily>& all() const { return families_; }

 private:
  prometheus::MetricFamily& Of(const Metric& metric);

  std::map<std::string_view, prometheus::MetricFamily> families_;  // the names are literals
};

// The value of a counter or gauge; of a histogram, the sum.
double ValueOf(const prometheus::MetricFamily& family, const Sample& sample);

}  // namespace mailhub::metrics
