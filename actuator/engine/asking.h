// The state that each machine has which asks a host or Prometheus until it gets on.
#pragma once

#include <optional>
#include <string>

#include "actuator/engine/context.h"
#include "actuator/engine/run.h"
#include "lib/base/clock.h"

namespace mailhub::engine {

struct Asking {
  EffectId effect = 0;                 // the question under way, or 0
  std::optional<SteadyTime> due;       // when it is asked next
  std::optional<SteadyTime> deadline;  // on the attended clock; afterwards it gives up
  std::string trouble;                 // why it does not get on, for people

  // When the machine wants to work next. Nothing: not before an answer or another input.
  std::optional<SteadyTime> NextDeadline(const Context& context, const Run& run) const;
};

}  // namespace mailhub::engine
