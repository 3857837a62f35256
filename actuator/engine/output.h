// The result of each engine call: events to commit, then effects to perform.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"
#include "actuator/engine/input.h"
#include "actuator/engine/remote.h"
#include "lib/base/result.h"

namespace mailhub::engine {

using Question = std::variant<RemoteRequest, GateQuestion, QueryQuestion>;

struct Effect {
  EffectId id = 0;  // comes back with the result; 0: no result is awaited
  Question what;
};

struct Output {
  std::vector<Event> events;
  std::vector<Effect> effects;
  // For Command: the id of its run, or the refusal. Else success.
  Result<std::string> answer = std::string();
};

}  // namespace mailhub::engine
