// Makes a trustworthy gate from its text.
#pragma once

#include <string>

#include "actuator/engine/plan.h"
#include "actuator/runbook/runbook.h"
#include "actuator/runbook/scope.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub::runbook {

// Pure. `host` is the step's own, empty if none. A host without marks stays out of `about`; the
// gate's evaluator finds it in the expression. kInvalid names file:line:column: an expression that
// a gate cannot trust, hosts that do not exist or are left out, durations that do not fit together.
Result<engine::Gate> ExpandGate(const GateText& text, const Scope& scope, const config::Site& site,
                                const std::string& host);

// The text as a duration, parameters filled in; `otherwise` if there is no text.
Result<Milliseconds> FillDuration(const std::optional<Text>& text, const Scope& scope,
                                  Milliseconds otherwise);

// The host of the site that the text names.
Result<const config::Host*> FillHost(const Text& text, const Scope& scope,
                                     const config::Site& site);

}  // namespace mailhub::runbook
