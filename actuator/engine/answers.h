// The verbs that a hold accepts in the run's present state. Offers to people and checks of their
// answers both use this.
#pragma once

#include <vector>

#include "actuator/engine/run.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// kRefused with the reason if `verb` does not answer `hold`.
Status MayAnswer(const Run& run, const Hold& hold, Verb verb);
std::vector<Verb> AnswersTo(const Run& run, const Hold& hold);

}  // namespace mailhub::engine
