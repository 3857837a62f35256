// From the actuator file's `prometheus:` section to what the gates' evaluator needs.
#pragma once

#include "actuator/condition/gate_evaluator.h"
#include "actuator/settings/settings.h"
#include "lib/base/result.h"

namespace mailhub {

// Reads the files of secrets that the client does not read itself. Fails as config::ReadFile, and
// with kInvalid for a header's value that is empty or more than one line.
Result<condition::GateOptions> GateOptionsOf(const settings::PrometheusSettings& settings);

}  // namespace mailhub
