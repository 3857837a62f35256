// Rebuilds a run that the engine no longer shows from its journal events.
#pragma once

#include <optional>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/view.h"

namespace mailhub::api {

// `events` are all events of one run, oldest first. Nothing unless the first is its plan. The
// journal has no gate readings and no marks, so a past run has none.
std::optional<engine::RunView> ViewOfPastRun(const std::vector<engine::Event>& events);

}  // namespace mailhub::api
