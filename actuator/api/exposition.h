// Metric families put together for one page, so that the order is fixed and no series stands twice
// (Prometheus would reject the whole page). prometheus-cpp stays in the .cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mailhub::api {

using MetricLabels = std::map<std::string, std::string>;

// Counts of observations up to each bound. Plain data, protected by whoever owns it.
struct HistogramData {
  std::vector<double> bounds;    // ascending; +Inf is implied
  std::vector<uint64_t> counts;  // one a bound, and one above the last
  double sum = 0;

  explicit HistogramData(std::vector<double> upper_bounds);
  void Observe(double value);
};

// Confined to one thread. Names and help texts are the program's own and trusted; label values may
// hold anything.
class Exposition {
 public:
  // A later value for the same name and labels replaces the earlier one.
  void Counter(const std::string& name, const std::string& help, const MetricLabels& labels,
               double value);
  void Gauge(const std::string& name, const std::string& help, const MetricLabels& labels,
             double value);
  void Histogram(const std::string& name, const std::string& help, const MetricLabels& labels,
                 const HistogramData& data);

  // The text exposition format; families by name, series by labels.
  std::string Text() const;

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Series {
    double value = 0;
    const HistogramData* histogram = nullptr;  // outlives this object
  };
  struct Family {
    Kind kind = Kind::kGauge;
    std::string help;
    std::map<MetricLabels, Series> series;
  };
  Series& At(Kind kind, const std::string& name, const std::string& help,
             const MetricLabels& labels);

  std::map<std::string, Family> families_;
};

}  // namespace mailhub::api
