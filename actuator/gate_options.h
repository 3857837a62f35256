// Makes the gate evaluator's options from the actuator file's `prometheus:` section.
#pragma once

#include "actuator/condition/gate_evaluator.h"
#include "actuator/settings/settings.h"
#include "lib/base/result.h"

namespace mailhub {

// Reads the secret files that the client does not read itself. Fails as config::ReadFile, and with
// kInvalid for a header value that is empty or has several lines.
Result<condition::GateOptions> GateOptionsOf(const settings::PrometheusSettings& settings);

}  // namespace mailhub
