// From a runbook and the values of its parameters to the plan of one run.
#pragma once

#include <map>
#include <string>

#include "actuator/engine/plan.h"
#include "actuator/runbook/runbook.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub::runbook {

using Runbooks = std::map<std::string, Runbook>;

// One value in canonical form: a host by its own name, whichever of its names was given. kInvalid:
// what was expected.
Result<std::string> BindValue(const Parameter& parameter, const std::string& given,
                              const config::Site& site);

// The values of all parameters that are not absent, defaults included, in canonical form. kInvalid
// names the parameter and what was expected.
Result<std::map<std::string, std::string>> BindParameters(
    const Runbook& book, const std::map<std::string, std::string>& given, const config::Site& site);

// Pure. `values` come from BindParameters. kInvalid names file:line:column: what the site does not
// have, what a gate must not believe, bounds of engine::Plan, wrong references between steps and
// runbooks.
Result<engine::Plan> Expand(const Runbook& book, const std::map<std::string, std::string>& values,
                            const Runbooks& all, const config::Site& site);

}  // namespace mailhub::runbook
