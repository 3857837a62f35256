// The process_* metrics that every Prometheus client library offers and prometheus-cpp does not.
#pragma once

#include "exporter/metrics/family.h"

namespace mailhub::exporter {

// Of this process, from /proc/self. What cannot be read is left out. Thread-safe.
void AddProcessMetrics(Families* families);

}  // namespace mailhub::exporter
