// Windows and blackouts of a simulated site, and the judge's own view of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actuator/engine/calendar.h"
#include "actuator/engine/plan.h"
#include "tests/sim/faults.h"

namespace mailhub::sim {

// Names and spans of wall time. The windows `open` and `also` and the blackout `closed` change
// often at first; after some hours all is open.
using Times = std::map<std::string, std::vector<engine::Span>>;
Times MakeUpTimes(uint64_t seed);

// What the engine asks, perhaps with a mutation's mistake.
std::shared_ptr<const engine::Calendar> CalendarOf(const Times& times, Mutation mutation);

// Whether a run of `needed` may start then, by the judge's own reckoning: at each moment
// at which something changes.
bool IsSuitable(const Times& times, const engine::Suitable& suitable, WallTime at,
                Milliseconds needed);

}  // namespace mailhub::sim
