// Steps that are owed without an `always`: they restart what a step with a dead man stops. The host
// would do so if the actuator vanished, so a run must do so at its end.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"

namespace mailhub::runbook {

// One entry for each step of `guarded` (paths) whose dead man has an `until`: its restore command,
// owed from the step until `until` is done. In the plan's own order of restarts. The caller sets
// the entries' paths.
std::vector<engine::AlwaysStep> OwedFor(const engine::Plan& plan,
                                        const std::vector<std::string>& guarded);

// Removes those of `added` (paths of entries) that another entry for the same step and host covers.
void DropCovered(const std::set<std::string>& added, engine::Plan* plan);

// Whether the first path's step comes before the second's in the plan.
bool Before(const engine::Plan& plan, const std::string& first, const std::string& second);

}  // namespace mailhub::runbook
