// The `prometheus:` section of the actuator file.
#pragma once

#include "actuator/settings/settings.h"
#include "actuator/settings/taker.h"

namespace mailhub::settings {

// `take` fails at the first mistake.
void TakePrometheus(Taker& take, const Node& node, PrometheusSettings* prometheus);

}  // namespace mailhub::settings
