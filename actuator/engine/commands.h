// What people ask of runs: each verb is either refused with a sentence or recorded with the name of
// the person.
#pragma once

#include <string>

#include "actuator/engine/context.h"
#include "actuator/engine/runs.h"

namespace mailhub::engine {

// The run that it was about; or why it was refused.
Result<std::string> Obey(const Command& command, const Context& context, Runs* runs);

}  // namespace mailhub::engine
