// Families as a page in Prometheus' text format.
#pragma once

#include <string>

#include "lib/metrics/families.h"

namespace mailhub::metrics {

inline constexpr char kTextContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Families in the order of their names, series in the order of their labels, everything escaped.
// Thread-safe, never fails.
std::string ToText(const Families& families);

}  // namespace mailhub::metrics
