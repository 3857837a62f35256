// See context.h and engine_config.h.
#include "actuator/engine/context.h"

#include <algorithm>
#include <utility>

namespace mailhub::engine {

Milliseconds EngineConfig::AfterTheEnd() const {
  return std::max(remote_retry * 10, Milliseconds(1'000));
}

std::string QueueRun(const Context& context, RunQueued queued) {
  std::string id = context.ids();
  context.recorder->Emit(id, std::move(queued));
  return id;
}

void HoldRun(const Context& context, const Run& run, const std::string& path, HoldReason reason,
             const std::string& detail) {
  if (!run.HasHold(path, reason)) context.recorder->Emit(run.id, RunHeld{path, reason, detail});
}

bool IsRefusal(const Error& error) {
  return error.kind == ErrorKind::kRefused || error.kind == ErrorKind::kInvalid;
}

std::string KeyOf(const Run& run, const std::string& path) {
  return run.id + '/' + path + '/' + std::to_string(run.steps.at(path).attempt);
}

}  // namespace mailhub::engine
