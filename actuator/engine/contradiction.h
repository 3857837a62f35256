// Whether a recorded event fits what was recorded before it. For checks of a journal: the engine
// itself records nothing else.
#pragma once

#include <string>

#include "actuator/engine/event.h"
#include "actuator/engine/run.h"

namespace mailhub::engine {

// `run`: the run that the event is about, folded up to the event before it. A sentence that says what
// does not fit; empty: it fits, and Run::Apply() may be called. Knows what all versions of the program
// record.
std::string Contradiction(const Run& run, const Event& event);

// Whether an alert's decision fits its own fields. A sentence; empty: it does.
std::string Contradiction(const AlertDecided& decided);

}  // namespace mailhub::engine
