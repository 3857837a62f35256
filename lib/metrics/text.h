// Renders families as a page in Prometheus's text format.
#pragma once

#include <string>

#include "lib/metrics/families.h"

namespace mailhub::metrics {

enum class Format { kText, kOpenMetrics };  // Prometheus' text format, and OpenMetrics 1.0.0

const char* ContentTypeOf(Format format);

// Families sorted by name, series by labels, everything escaped. Thread-safe, never fails. OpenMetrics has no times
// of creation (_created): they are not known. A counter whose name does not end in _total is of unknown type there,
// because it would get another name.
std::string ToText(const Families& families, Format format = Format::kText);

}  // namespace mailhub::metrics
