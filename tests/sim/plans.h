// The shipped runbooks, expanded by the real code for the lab's site, with the lab's short windows.
#pragma once

#include <map>
#include <string>

#include "actuator/engine/plan.h"

namespace mailhub::sim {

// The plan, expanded once and kept. Thread-safe; the reference lives as long as the program.
const Result<engine::Plan>& ShippedPlan(const std::string& runbook,
                                        const std::map<std::string, std::string>& parameters);

// Parameters with which a simulated hour is enough for a whole rebuild.
std::map<std::string, std::string> ShortWindows();

}  // namespace mailhub::sim
