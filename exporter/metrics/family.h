// Metric families as the exporter builds them, one probe at a time: names, labels, plain numbers.
// How they become a page is text.h's affair.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/words.h"

namespace mailhub::exporter {

enum class Kind { kGauge, kCounter, kHistogram };
constexpr auto WordsOf(Kind) {
  using enum Kind;
  return Vocabulary<Kind>({{kGauge, "gauge"}, {kCounter, "counter"}, {kHistogram, "histogram"}});
}

// What a metric is called and means. `name` and `help` are literals.
struct Metric {
  const char* name;
  const char* help;
  Kind kind = Kind::kGauge;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;
  double value = 0;  // a histogram's sum
  // Of a histogram: upper bounds and how many observations are at or below each; the last bound is
  // infinity.
  std::vector<std::pair<double, uint64_t>> buckets = {};
};

struct Family {
  Metric metric;
  std::vector<Sample> samples;
};

// Families by name, each once; names are literals, so that their text outlives this. Confined to
// one thread. Never fails.
class Families {
 public:
  void Add(const Metric& metric, Labels labels, double value) {
    auto [place, added] = families_.try_emplace(metric.name, Family{metric, {}});
    place->second.samples.push_back({std::move(labels), value});
  }
  void AddHistogram(const Metric& metric, Sample sample) {
    auto [place, added] = families_.try_emplace(metric.name, Family{metric, {}});
    place->second.samples.push_back(std::move(sample));
  }

  // Takes all of `others`; a family that both have gets the samples of both.
  void Merge(Families&& others) {
    for (auto& [name, family] : others.families_) {
      auto [place, added] = families_.try_emplace(name, Family{family.metric, {}});
      for (auto& sample : family.samples) place->second.samples.push_back(std::move(sample));
    }
  }

  const std::map<std::string_view, Family>& all() const { return families_; }

 private:
  std::map<std::string_view, Family> families_;
};

}  // namespace mailhub::exporter
