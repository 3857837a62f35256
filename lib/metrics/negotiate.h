// Which format of a page a client asks for.
#pragma once

#include <string_view>

#include "lib/metrics/text.h"

namespace mailhub::metrics {

// For an Accept header. OpenMetrics 1.0.0 if it is named, and wanted at least as much as the text format
// (q values); else the text format, also if neither is accepted: that is what clients that name nothing
// can read. Thread-safe, never fails.
Format FormatFor(std::string_view accept);

}  // namespace mailhub::metrics
