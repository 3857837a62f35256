// Carries out people's commands to runs. Each verb is refused with a sentence, or recorded with the
// person's name.
#pragma once

#include <string>

#include "actuator/engine/context.h"
#include "actuator/engine/runs.h"

namespace mailhub::engine {

// kRefused, kOverloaded: why no person may start a run of this plan now.
Status MayQueue(const Plan& plan, const Context& context, const Runs& runs);

// The id of the command's run, or the refusal.
Result<std::string> Obey(const Command& command, const Context& context, Runs* runs);

}  // namespace mailhub::engine
