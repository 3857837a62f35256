// Reads the actuator's metrics page as Prometheus would.
#pragma once

#include "actuator/engine/view.h"
#include "tests/sim/observation.h"

namespace mailhub::sim {

// `silence_all`: a deliberate bug silences every unfinished run's hosts.
Looked ReadMetrics(const engine::View& view, WallTime now, bool silence_all);

}  // namespace mailhub::sim
