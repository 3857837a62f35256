// Finds runs and episodes of a view by an id or the beginning of one.
#pragma once

#include <string>

#include "actuator/engine/view.h"
#include "lib/base/result.h"

namespace mailhub::api {

// Null when the view has none; kInvalid when several runs begin with `id`. A beginning has at least
// 6 characters.
Result<const engine::RunView*> FindRun(const engine::View& view, const std::string& id);

// The full fingerprint of the episode; `fingerprint` itself when the view has no such episode.
// kInvalid when several episodes begin with it.
Result<std::string> FindEpisode(const engine::View& view, const std::string& fingerprint);

}  // namespace mailhub::api
