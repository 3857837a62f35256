// For tests: finds one value in families by name and labels.
#pragma once

#include <optional>
#include <string>

#include "lib/metrics/families.h"

namespace mailhub::metrics {

// Nothing when there is no such series.
inline std::optional<double> Value(const Families& families, const std::string& name,
                                   const Labels& labels = {}) {
  const auto family = families.all().find(name);
  if (family == families.all().end()) return std::nullopt;
  for (const Sample& sample : family->second.metric) {
    if (sample.label == labels) return ValueOf(family->second, sample);
  }
  return std::nullopt;
}

}  // namespace mailhub::metrics
