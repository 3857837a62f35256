// What the actuator's metrics say, read from the page that Prometheus would get.
#pragma once

#include "actuator/engine/view.h"
#include "tests/sim/observation.h"

namespace mailhub::sim {

// `silence_all`: a part that misbehaves silences every unfinished run's hosts.
Looked ReadMetrics(const engine::View& view, WallTime now, bool silence_all);

}  // namespace mailhub::sim
