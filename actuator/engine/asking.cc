#include "actuator/engine/asking.h"

namespace mailhub::engine {

std::optional<SteadyTime> Asking::NextDeadline(const Context& context, const Run& run) const {
  std::optional<SteadyTime> next;
  if (effect == 0) next = context.clock->Ahead(due);
  if (deadline && run.holds.empty()) next = Earlier(next, context.clock->NextLook());
  return next;
}

}  // namespace mailhub::engine
