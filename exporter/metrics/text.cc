// prometheus-cpp writes the page; what it leaves to its caller is done here: order, and a HELP text
// without line ends.
#include "exporter/metrics/text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

namespace mailhub::exporter {
namespace {

std::string EscapeHelp(const std::string& help) {
  std::string escaped;
  for (char c : help) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

prometheus::ClientMetric Convert(const Sample& sample, Kind kind) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  switch (kind) {
    case Kind::kCounter:
      metric.counter.value = sample.value;
      break;
    case Kind::kGauge:
      metric.gauge.value = sample.value;
      break;
    case Kind::kHistogram:
      metric.histogram.sample_sum = sample.value;
      for (const auto& [bound, count] : sample.buckets) {
        metric.histogram.bucket.push_back({count, bound});
        metric.histogram.sample_count = count;
      }
      break;
  }
  return metric;
}

prometheus::MetricType Convert(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return prometheus::MetricType::Counter;
    case Kind::kGauge:
      return prometheus::MetricType::Gauge;
    case Kind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

std::string ToText(const Families& families) {
  std::vector<prometheus::MetricFamily> converted;
  converted.reserve(families.all().size());
  for (const auto& [name, family] : families.all()) {
    prometheus::MetricFamily one;
    one.name = name;
    one.help = EscapeHelp(family.metric.help);
    one.type = Convert(family.metric.kind);
    for (const Sample& sample : family.samples) {
      one.metric.push_back(Convert(sample, family.metric.kind));
    }
    std::stable_sort(one.metric.begin(), one.metric.end(),
                     [](const auto& a, const auto& b) { return a.label < b.label; });
    converted.push_back(std::move(one));
  }
  std::ostringstream page;
  prometheus::TextSerializer().Serialize(page, converted);
  return page.str();
}

}  // namespace mailhub::exporter
