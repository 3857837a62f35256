// For tests: one value out of families, by name and labels.
#pragma once

#include <optional>
#include <string>

#include "exporter/metrics/family.h"

namespace mailhub::exporter {

// Nothing when there is no such series.
inline std::optional<double> Value(const Families& families, const std::string& name,
                                   const Labels& labels = {}) {
  const auto family = families.all().find(name);
  if (family == families.all().end()) return std::nullopt;
  for (const Sample& sample : family->second.samples) {
    if (sample.labels == labels) return sample.value;
  }
  return std::nullopt;
}

}  // namespace mailhub::exporter
