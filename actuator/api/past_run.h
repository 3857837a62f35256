// A run that the engine no longer shows, put together again from what the journal says of it.
#pragma once

#include <optional>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/view.h"

namespace mailhub::api {

// `events` are all events of one run, oldest first. Nothing unless they begin with its plan. Gate
// readings and marks are not in the journal, so a past run has none.
std::optional<engine::RunView> ViewOfPastRun(const std::vector<engine::Event>& events);

}  // namespace mailhub::api
