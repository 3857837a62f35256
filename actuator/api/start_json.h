// When a run would start, as JSON, for the render*.cc files.
#pragma once

#include <string>

#include "actuator/api/json_values.h"

namespace mailhub::api {

// Nothing for a time that is not known.
inline Json ReservedJson(const engine::Needed& needed) {
  return needed.time > Milliseconds(0) ? Json(ToSeconds(needed.time)) : Json(nullptr);
}

// `unknown` says why nothing is known; else it is empty.
inline Json StartJson(const Result<engine::StartView>& start) {
  const engine::StartView view = start ? *start : engine::StartView();
  return {{"unknown", start ? "" : start.error().message},
          {"refused", view.refused},
          {"now", start ? Json(view.now) : Json(nullptr)},
          {"startsAt", Time(view.begin)},
          {"waitingFor", view.why},
          {"reservedSeconds", ReservedJson(view.needed)},
          {"reservedFrom", view.needed.from}};
}

}  // namespace mailhub::api
