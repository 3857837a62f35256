// The process_* metrics that people expect of every exporter.
#pragma once

#include "exporter/metrics/family.h"

namespace mailhub::exporter {

// Of this process, from /proc/self. What cannot be read is left out. Thread-safe.
void AddProcessMetrics(Families* families);

}  // namespace mailhub::exporter
