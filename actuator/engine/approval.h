// Who may answer a `confirm`.
#pragma once

#include <string>

#include "actuator/engine/input.h"
#include "actuator/engine/run.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// kRefused, with those who may, if this person may not answer the question of `step`. A name counts
// only after a login: whoever holds the API token may claim any.
Status MayApprove(const Run& run, const Step& step, const Command& command);

// "alice, approver; not ann, who started the run"; empty: everybody who may confirm.
std::string WhoMayApprove(const Run& run, const Step& step);

}  // namespace mailhub::engine
