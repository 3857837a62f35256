// What people ask of runs: each verb is either refused with a sentence or recorded with who asked.
#include "actuator/engine/core.h"

namespace mailhub::engine {

Result<LiveRun*> Engine::Core::FindRun(const std::string& id_or_prefix) {
  if (id_or_prefix.size() < 6) {
    return Fail(ErrorKind::kInvalid, "a run is named by at least 6 characters of its id");
  }
  LiveRun* found = nullptr;
  for (auto& [id, live] : runs) {
    if (!id.starts_with(id_or_prefix)) continue;
    if (found != nullptr) {
      return Fail(ErrorKind::kInvalid, "more than one run's id starts with " + id_or_prefix);
    }
    found = &live;
  }
  if (found == nullptr) return Fail(ErrorKind::kNotFound, "no run has the id " + id_or_prefix);
  return found;
}

void Engine::Core::Command(const engine::Command& command) {
  if (command.verb == Verb::kStart) {
    out.answer = Start(command);
    return;
  }
  const Result<LiveRun*> live = FindRun(command.run);
  if (!live) {
    out.answer = Fail(live.error());
    return;
  }
  const Status acted = ActOn(**live, command);
  if (acted) {
    out.answer = (*live)->run.id;
  } else {
    out.answer = Fail(acted.error());
  }
}

Result<std::string> Engine::Core::Start(const engine::Command& command) {
  if (mode != Mode::kActive) {
    return Fail(ErrorKind::kRefused, std::string("mode is ") + Name(mode) + ": no run is started");
  }
  Result<Plan> plan = plans->Make(command.runbook, command.parameters);
  if (!plan) return Fail(plan.error());
  if (const LiveRun* same = FindUnfinished(plan->runbook, plan->parameters)) {
    return Fail(ErrorKind::kRefused,
                "run " + same->run.id + " of this runbook with these parameters is not finished");
  }
  if (RunsFull()) return Fail(ErrorKind::kOverloaded, "too many runs are not finished");
  RunQueued queued;
  queued.plan = *std::move(plan);
  queued.by = command.by;
  const std::string id = QueueRun(std::move(queued));
  Emit(id, OperatorActed{Verb::kStart, "", command.by, command.detail});
  return id;
}

Status Engine::Core::ActOn(LiveRun& live, const engine::Command& command) {
  Run& run = live.run;
  const Step* current = run.Current();
  const std::string path = current != nullptr ? current->path : "";
  const auto refuse = [](const char* why) { return Fail(ErrorKind::kRefused, why); };
  if (run.stage == Stage::kFinished) return refuse("the run is finished");

  switch (command.verb) {
    case Verb::kStart:
      return Fail(ErrorKind::kInternal, "start is not about a run");
    case Verb::kPause:
      if (run.paused) return refuse("the run is paused already");
      if (run.stage == Stage::kEnding) return refuse("the run is ending; its last steps are owed");
      break;
    case Verb::kResume:
      if (!run.paused && !run.hold) return refuse("the run is neither paused nor held");
      break;
    case Verb::kConfirm:
      if (current == nullptr || current->kind != StepKind::kConfirm ||
          run.steps[path].attempt == 0) {
        return refuse("the run is not waiting for a confirmation");
      }
      break;
    case Verb::kCancel:
      if (run.stage == Stage::kEnding) return refuse("the run is ending; its last steps are owed");
      if (run.cancelling && !run.hold) return refuse("the run is being cancelled already");
      break;
    case Verb::kRetry:
      if (!run.hold) return refuse("only a held run can retry its step");
      break;
    case Verb::kSkip:
    case Verb::kResolve:
      // Once only the dead men are left to disarm, skipping gives up on hosts that do not answer.
      if (command.verb == Verb::kSkip && run.stage == Stage::kEnding && current == nullptr) break;
      if (!run.hold) return refuse("only a held run's step can be skipped or resolved");
      break;
  }

  Emit(run.id, OperatorActed{command.verb, path, command.by, command.detail});
  if (command.verb != Verb::kPause) live.doing = {};
  if (run.stage == Stage::kQueued && command.verb == Verb::kCancel) {
    Emit(run.id,
         RunFinished{RunResult::kCancelled, "cancelled by " + command.by + " before it started"});
  } else if (command.verb == Verb::kConfirm) {
    Done(live, *current, StepResult::kDone, "confirmed by " + command.by);
  } else if (current != nullptr && command.verb == Verb::kSkip) {
    Done(live, *current, StepResult::kSkipped, "skipped by " + command.by + ": " + command.detail);
  } else if (current == nullptr && command.verb == Verb::kSkip) {
    auto leases = run.leases;
    leases.insert(run.restored.begin(), run.restored.end());
    for (const auto& [path_of_lease, lease] : leases) {
      Emit(run.id, DeadManDisarmed{path_of_lease});
    }
    live.leases.clear();
  } else if (current != nullptr && command.verb == Verb::kResolve) {
    Done(live, *current, StepResult::kResolved,
         "resolved by " + command.by + ": " + command.detail);
  }
  return {};
}

}  // namespace mailhub::engine
