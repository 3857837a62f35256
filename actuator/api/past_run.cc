#include "actuator/api/past_run.h"

#include <variant>

#include "actuator/engine/run.h"

namespace mailhub::api {

std::optional<engine::RunView> ViewOfPastRun(const std::vector<engine::Event>& events) {
  if (events.empty() || !std::holds_alternative<engine::RunQueued>(events.front().body))
    return std::nullopt;
  engine::Run run;
  run.id = events.front().run;
  for (const engine::Event& event : events) run.Apply(event);
  return engine::ViewOf(run);
}

}  // namespace mailhub::api
