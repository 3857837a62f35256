// Runs and episodes of a view by what a person types: an id, or its beginning.
#pragma once

#include <string>

#include "actuator/engine/view.h"
#include "lib/base/result.h"

namespace mailhub::api {

// Null when the view has none; kInvalid when several runs begin with `id`. A beginning has at least
// 6 characters.
Result<const engine::RunView*> FindRun(const engine::View& view, const std::string& id);

// The whole fingerprint of the episode that `fingerprint` begins; itself when the view shows no
// such episode. kInvalid when several begin with it.
Result<std::string> FindEpisode(const engine::View& view, const std::string& fingerprint);

}  // namespace mailhub::api
