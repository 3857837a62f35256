// The metrics that show the engine's present state.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "actuator/engine/view.h"
#include "lib/metrics/families.h"

namespace mailhub::api {

// `known`: runbook and host of past runs, which show 0 while no such run is in progress.
void AddViewMetrics(const engine::View& view,
                    const std::set<std::pair<std::string, std::string>>& known,
                    metrics::Families* page);

}  // namespace mailhub::api
