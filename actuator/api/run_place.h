// Where a page of the list of runs ends: unfinished runs in the order in which they were queued, then
// finished ones, the newest first. A run that ends between two pages moves to the finished ones, so
// it is on a later page, and perhaps on an earlier one too; none is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actuator/engine/view.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

struct RunPlace {
  bool finished = false;
  uint64_t seq = 0;  // RunView::seq

  static RunPlace Of(const engine::RunView& run);
  bool IsBefore(const engine::RunView& run) const;
  std::string Text() const;  // "unfinished-12"
};

// The query parameter "after"; nothing when it is absent. kInvalid when it is no such text.
Result<std::optional<RunPlace>> QueryRunPlace(const http::Request& request);

}  // namespace mailhub::api
