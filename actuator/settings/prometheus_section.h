// The `prometheus:` section of the actuator file.
#pragma once

#include "actuator/settings/settings.h"
#include "lib/config/reader.h"

namespace mailhub::settings {

void ReadPrometheus(config::Reader& in, const config::Node& node, PrometheusSettings* prometheus);

}  // namespace mailhub::settings
