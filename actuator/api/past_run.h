// Rebuilds a run that the engine no longer shows from its journal events.
#pragma once

#include <string>

#include "actuator/api/backend.h"

namespace mailhub::api {

// kNotFound unless its events begin with its plan; other errors as Backend::RunEvents. Gate readings
// and marks are not in the journal, so a past run has none.
Result<engine::RunView> ViewOfPastRun(Backend& backend, const std::string& id);

}  // namespace mailhub::api
