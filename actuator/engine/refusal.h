// What people may say to a run, as it is now.
#pragma once

#include "actuator/engine/input.h"
#include "actuator/engine/run.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// A repeat of what the same person has said already: it changes nothing, and is no mistake; unless
// the run asks something else by now, which that person has then to know.
bool WasSaid(const Run& run, const Command& command);

// kRefused, with what the run asks now, if it does not take the command.
Status MayBeSaid(const Run& run, const Command& command);

}  // namespace mailhub::engine
