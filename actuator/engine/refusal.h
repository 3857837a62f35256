// Checks whether a run accepts a person's command in its present state.
#pragma once

#include "actuator/engine/input.h"
#include "actuator/engine/run.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// Whether the same person has given this command before. A repeat changes nothing and is no
// mistake, unless the run now asks something else that the person must know.
bool WasSaid(const Run& run, const Command& command);

// kRefused, with the run's open question, if the run does not accept the command.
Status MayBeSaid(const Run& run, const Command& command);

}  // namespace mailhub::engine
