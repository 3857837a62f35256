// Whether triggers can do what they say: their runbooks, values, labels and conditions, tried out
// before any alert comes.
#pragma once

#include "actuator/runbook/library.h"
#include "actuator/settings/settings.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub {

// Makes each trigger's plan with its fixed values, for every host that its labels could name, and
// reads its `only_if` with the values filled in. kInvalid: file:line:column, field, what was found
// and expected.
Status CheckTriggers(const settings::Settings& settings, const runbook::RunbookLibrary& runbooks,
                     const config::Site& site);

}  // namespace mailhub
