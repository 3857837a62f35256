#include "actuator/api/past_run.h"

#include <variant>

#include "actuator/engine/run.h"

namespace mailhub::api {

Result<engine::RunView> ViewOfPastRun(Backend& backend, const std::string& id) {
  engine::Run run;
  const Status read = backend.RunEvents(id, 0, [&run](const engine::Event& event) {
    if (run.id.empty() && !std::holds_alternative<engine::RunQueued>(event.body)) return false;
    run.id = event.run;
    run.Apply(event);
    return true;
  });
  if (!read) return Fail(read.error());
  if (run.id.empty()) return Fail(ErrorKind::kNotFound, "no run " + id);
  return engine::ViewOf(run);
}

}  // namespace mailhub::api
