// Makes the plan of one run from a runbook and its parameters' values.
#pragma once

#include <map>
#include <string>

#include "actuator/engine/plan.h"
#include "actuator/runbook/runbook.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub::runbook {

using Runbooks = std::map<std::string, Runbook>;

// One value in canonical form; a host gets its own name for any of its names. kInvalid: the
// expected values.
Result<std::string> BindValue(const Parameter& parameter, const std::string& given,
                              const config::Site& site);

// The values of all parameters that are not absent, defaults included, in canonical form. kInvalid
// names the parameter and the expected values.
Result<std::map<std::string, std::string>> BindParameters(
    const Runbook& book, const std::map<std::string, std::string>& given, const config::Site& site);

// Pure. `values` come from BindParameters. kInvalid names file:line:column: names that the site
// does not have, gates that cannot be trusted, limits of engine::Plan, wrong references between
// steps and runbooks.
Result<engine::Plan> Expand(const Runbook& book, const std::map<std::string, std::string>& values,
                            const Runbooks& all, const config::Site& site);

}  // namespace mailhub::runbook
