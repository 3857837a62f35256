// Hands the families to prometheus-cpp's serializer, which writes them in the order given.
#include "actuator/api/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

namespace mailhub::api {
namespace {

prometheus::ClientMetric::Histogram ToHistogram(const HistogramData& data) {
  prometheus::ClientMetric::Histogram out;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < data.bounds.size(); ++i) {
    cumulative += data.counts[i];
    out.bucket.push_back({cumulative, data.bounds[i]});
  }
  out.sample_count = cumulative + data.counts.back();
  out.sample_sum = data.sum;
  return out;
}

}  // namespace

HistogramData::HistogramData(std::vector<double> upper_bounds)
    : bounds(std::move(upper_bounds)), counts(bounds.size() + 1, 0) {}

void HistogramData::Observe(double value) {
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
  ++counts[static_cast<size_t>(bound - bounds.begin())];
  sum += value;
}

Exposition::Series& Exposition::At(Kind kind, const std::string& name, const std::string& help,
                                   const MetricLabels& labels) {
  Family& family = families_[name];
  family.kind = kind;
  family.help = help;
  return family.series[labels];
}

void Exposition::Counter(const std::string& name, const std::string& help,
                         const MetricLabels& labels, double value) {
  At(Kind::kCounter, name, help, labels).value = value;
}

void Exposition::Gauge(const std::string& name, const std::string& help, const MetricLabels& labels,
                       double value) {
  At(Kind::kGauge, name, help, labels).value = value;
}

void Exposition::Histogram(const std::string& name, const std::string& help,
                           const MetricLabels& labels, const HistogramData& data) {
  At(Kind::kHistogram, name, help, labels).histogram = &data;
}

std::string Exposition::Text() const {
  std::vector<prometheus::MetricFamily> out;
  for (const auto& [name, family] : families_) {
    prometheus::MetricFamily one;
    one.name = name;
    one.help = family.help;
    for (const auto& [labels, series] : family.series) {
      prometheus::ClientMetric metric;
      for (const auto& [label, value] : labels) metric.label.push_back({label, value});
      switch (family.kind) {
        case Kind::kCounter:
          one.type = prometheus::MetricType::Counter;
          metric.counter.value = series.value;
          break;
        case Kind::kGauge:
          one.type = prometheus::MetricType::Gauge;
          metric.gauge.value = series.value;
          break;
        case Kind::kHistogram:
          one.type = prometheus::MetricType::Histogram;
          metric.histogram = ToHistogram(*series.histogram);
          break;
      }
      one.metric.push_back(std::move(metric));
    }
    out.push_back(std::move(one));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out);
  return text.str();
}

}  // namespace mailhub::api
