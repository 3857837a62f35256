// The words journal, API, metrics and people see for the engine's enumerations.
#include <array>

#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {
namespace {

// Enumerations here count from 0 without gaps; anything else is a bug that shows as "?".
template <typename Enum, size_t kCount>
const char* Pick(const std::array<const char*, kCount>& names, Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < kCount ? names[index] : "?";
}

}  // namespace

const char* Name(Mode mode) {
  return Pick(std::array{"active", "observe", "halted"}, mode);
}

const char* Name(Decision decision) {
  return Pick(
      std::array{"started_run", "joined", "repeat", "cooldown", "observed", "halted", "resolved",
                 "cancelled", "ignored", "rejected", "joined_late", "deferred", "late"},
      decision);
}

const char* Name(HoldReason reason) {
  return Pick(
      std::array{"step_failed", "timed_out", "outcome_unknown", "gate_shut", "refused",
                 "dead_man_restored", "always_failed", "lease_lost", "still_stopped", "host_away"},
      reason);
}

const char* Name(Verb verb) {
  return Pick(
      std::array{"start", "pause", "resume", "confirm", "cancel", "retry", "skip", "resolve"},
      verb);
}

const char* Name(StepResult result) {
  return Pick(std::array{"done", "skipped", "resolved", "continued"}, result);
}

const char* Name(RunResult result) {
  return Pick(std::array{"succeeded", "failed", "cancelled", "dropped"}, result);
}

const char* Name(StepKind kind) {
  return Pick(std::array{"run", "job", "wait_for", "check", "confirm"}, kind);
}

const char* Name(OnFailure on_failure) {
  return Pick(std::array{"hold", "continue", "abort"}, on_failure);
}

const char* Name(ReceiptState state) {
  return Pick(std::array{"none", "running", "finished", "interrupted", "void"}, state);
}

const char* Name(GateState state) {
  return Pick(std::array{"open", "false", "stale", "rebooted", "unreachable", "invalid"}, state);
}

const char* Name(RunState state) {
  return Pick(std::array{"queued", "running", "held", "paused", "ending", "finished"}, state);
}

const char* Name(StepPhase phase) {
  return Pick(std::array{"pending", "preparing", "acting", "retry_wait", "marking", "gate",
                         "confirm", "done", "held", "left"},
              phase);
}

const char* Name(LeasePhase phase) {
  return Pick(std::array{"unconfirmed", "armed", "disarming", "restored", "lost"}, phase);
}

const char* Name(EpisodeState state) {
  return Pick(std::array{"answered", "remedied", "unanswered", "waiting"}, state);
}

const char* Name(const EventBody& body) {
  static constexpr std::array kNames = {
      "actuator_started",  "mode_changed",      "alert_decided", "run_queued",     "run_started",
      "run_dropped",       "step_started",      "step_settled",  "step_done",      "dead_man_armed",
      "dead_man_disarmed", "dead_man_restored", "run_held",      "operator_acted", "run_ending",
      "run_finished",      "run_swept",         "host_takeover", "episode_closed"};
  static_assert(kNames.size() == std::variant_size_v<EventBody>);
  return kNames[body.index()];
}

}  // namespace mailhub::engine
