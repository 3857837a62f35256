// Which verbs a hold takes, as its run is now. What is offered to people and what is accepted of
// them are the same.
#pragma once

#include <vector>

#include "actuator/engine/run.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// kRefused with the reason if `verb` does not answer `hold`.
Status MayAnswer(const Run& run, const Hold& hold, Verb verb);
std::vector<Verb> AnswersTo(const Run& run, const Hold& hold);

}  // namespace mailhub::engine
