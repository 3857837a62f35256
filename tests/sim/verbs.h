// Judges people's verbs: none acts on a state that its person did not see.
#pragma once

#include <vector>

#include "tests/sim/engine_seams.h"
#include "tests/sim/known.h"

namespace mailhub::sim {

// Judges a verb that is about to change the run.
Complaint JudgeVerb(const Known& known, const engine::Run& run, const engine::OperatorActed& body);
// Judges a verb that has changed the run from this earlier hold.
Complaint JudgeAnswer(const Known& known, const engine::Run& run,
                      const std::vector<OpenHold>& before, const engine::OperatorActed& body);

}  // namespace mailhub::sim
