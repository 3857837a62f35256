// The process_* metrics that Prometheus users expect of every program.
#pragma once

#include "lib/metrics/families.h"

namespace mailhub::metrics {

// Of this process, from /proc/self. What cannot be read is left out. Thread-safe.
void AddProcessMetrics(Families* families);

}  // namespace mailhub::metrics
