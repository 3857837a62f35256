// The usual process_* metrics.
#pragma once

#include "lib/metrics/families.h"

namespace mailhub::metrics {

// For this process, from /proc/self. Unreadable values are left out. Thread-safe.
void AddProcessMetrics(Families* families);

}  // namespace mailhub::metrics
