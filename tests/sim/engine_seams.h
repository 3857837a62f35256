// Adapts the simulation to optional features of the engine: a list of holds, effects with a time
// limit, verbs that name what they answer, renewals while a commit is pending. The engine's types
// are checked for each, so that one simulation runs with engines with and without it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/engine.h"
#include "actuator/engine/run.h"

namespace mailhub::sim {

struct OpenHold {
  int number = 0;  // 0 if the engine does not number them
  std::string path;
  engine::HoldReason reason = engine::HoldReason::kStepFailed;
};

template <typename AnyRun>
std::vector<OpenHold> HoldsOf(const AnyRun& run) {
  std::vector<OpenHold> holds;
  if constexpr (requires { run.holds; }) {
    for (const auto& hold : run.holds) holds.push_back({hold.number, hold.path, hold.reason});
  } else {
    if (run.hold) holds.push_back({0, run.hold->path, run.hold->reason});
  }
  return holds;
}

template <typename AnyRun>
bool IsHeld(const AnyRun& run) {
  if constexpr (requires { run.holds; }) {
    return !run.holds.empty();
  } else {
    return run.hold.has_value();
  }
}

// Latest begin of an effect; nothing: at any time.
inline std::optional<SteadyTime> BeginBefore(const engine::RemoteRequest& request) {
  return request.begin_before;
}

// The state that a person saw and answers.
template <typename AnyCommand>
void NameWhatIsAnswered(AnyCommand* command, int hold, const std::string& step, int attempt) {
  if constexpr (requires { command->hold; }) {
    command->hold = hold;
    command->step = step;
    command->attempt = attempt;
  }
}

// Renewals of leases that may be sent while a commit is pending.
template <typename AnyEngine>
std::vector<engine::Effect> RenewWhilePending(AnyEngine* engine, engine::Moment now) {
  if constexpr (requires { engine->RenewWhilePending(now); }) {
    return engine->RenewWhilePending(now);
  } else {
    return {};
  }
}
template <typename AnyEngine>
void NoteRenewal(AnyEngine* engine, const engine::RemoteDone& done) {
  if constexpr (requires { engine->NoteRenewal(done); }) engine->NoteRenewal(done);
}

}  // namespace mailhub::sim
