// Renders families as a page in Prometheus's text format.
#pragma once

#include <string>

#include "lib/metrics/families.h"

namespace mailhub::metrics {

inline constexpr char kTextContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Families sorted by name, series by labels, everything escaped. Thread-safe, never fails.
std::string ToText(const Families& families);

}  // namespace mailhub::metrics
