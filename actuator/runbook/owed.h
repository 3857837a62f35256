// What is owed although no `always` says so: whatever a step with a dead man takes away. The host
// would bring it back if the actuator vanished; a run that ends must not leave it away either.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"

namespace mailhub::runbook {

// One entry for each step of `guarded` (paths) whose dead man has an `until`: its restore command,
// owed from the step until `until` is done. In the order in which the plan itself brings them back.
// Paths of the entries are left to the caller.
std::vector<engine::AlwaysStep> OwedFor(const engine::Plan& plan,
                                        const std::vector<std::string>& guarded);

// Takes those of `added` (paths of entries) away that another entry covers: one for the same step,
// on the same host.
void DropCovered(const std::set<std::string>& added, engine::Plan* plan);

// Whether the first step comes before the second in the plan; both are paths of it.
bool Before(const engine::Plan& plan, const std::string& first, const std::string& second);

}  // namespace mailhub::runbook
