// What people ask of runs: each verb is either refused with a sentence or recorded with who asked.
#include "actuator/engine/answers.h"
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
  engine::Command said = command;
  if (said.verb == Verb::kCancel) said.hold = kAllHolds;
  const Status acted = ActOn(**live, said);
  if (acted) {
    out.answer = (*live)->run.id;
  } else {
    out.answer = Fail(acted.error());
  }
}

Result<std::string> Engine::Core::Start(const engine::Command& command) {
  if (mode != Mode::kActive) {
    return Fail(ErrorKind::kRefused,
                std::string("mode is ") + Name(mode) + ": no run is started before it is active");
  }
  Result<Plan> plan = plans->Make(command.runbook, command.parameters);
  if (!plan) return Fail(plan.error());
  if (const LiveRun* same = FindUnfinished(plan->runbook, plan->parameters)) {
    return Fail(ErrorKind::kRefused, "run " + same->run.id +
                                         " of this runbook with these parameters is not finished: "
                                         "see what it waits for; answer it, or cancel it");
  }
  if (RunsFull())
    return Fail(ErrorKind::kOverloaded,
                "there are " + std::to_string(config.most_unfinished_runs) +
                    " unfinished runs, the most that are allowed: answer or cancel one first");
  RunQueued queued;
  queued.plan = *std::move(plan);
  queued.by = command.by;
  const std::string id = QueueRun(std::move(queued));
  Emit(id, OperatorActed{Verb::kStart, "", command.by, command.detail, kNoHold});
  return id;
}

Status Engine::Core::ActOn(LiveRun& live, const engine::Command& command) {
  Run& run = live.run;
  if (WasSaid(run, command)) return {};
  if (Status refused = Refusal(run, command); !refused) return refused;
  if (const Hold* hold = run.FindHold(command.hold)) {
    if (GivesUpAGoodDeadMan(live, *hold, command.verb)) {
      return Fail(ErrorKind::kRefused,
                  "the host has confirmed since that this dead man is armed; "
                  "retry goes on with it");
    }
    Answer(live, Hold(*hold), command);
    return {};
  }
  const Step* current = run.Current();
  const std::string path = current != nullptr ? current->path : "";
  const int hold = command.verb == Verb::kCancel ? command.hold : kNoHold;
  Emit(run.id, OperatorActed{command.verb, path, command.by, command.detail, hold});
  if (command.verb != Verb::kPause) live.doing = {};
  if (run.stage == Stage::kQueued && command.verb == Verb::kCancel) {
    Emit(run.id, RunFinished{RunResult::kCancelled,
                             "cancelled by " + command.by + " before it started", run.worked});
  } else if (command.verb == Verb::kConfirm) {
    Done(live, *current, StepResult::kDone, "confirmed by " + command.by);
  }
  return {};
}

// What its host refused has been mended, as its host has said since.
bool Engine::Core::GivesUpAGoodDeadMan(const LiveRun& live, const Hold& hold, Verb verb) const {
  if (hold.reason != HoldReason::kRefused || (verb != Verb::kSkip && verb != Verb::kResolve)) {
    return false;
  }
  const auto state = live.run.steps.find(hold.path);
  const auto lease = live.leases.find(hold.path);
  return state != live.run.steps.end() && state->second.result && lease != live.leases.end() &&
         live.run.leases.contains(hold.path) && lease->second.confirmed &&
         lease->second.trouble.empty();
}

// A repeat of what the same person has said already: it changes nothing, and is no mistake; unless
// the run asks something else by now, which that person has then to know.
bool Engine::Core::WasSaid(const Run& run, const engine::Command& command) const {
  if (!run.holds.empty() || run.AtQuestion() || run.pause) return false;
  const auto answer = run.answers.find(command.hold);
  if (answer != run.answers.end()) {
    return answer->second.verb == command.verb && answer->second.by == command.by;
  }
  if (command.verb == Verb::kResume) {
    const auto lifted = run.resumed_by.find(command.pause);
    return lifted != run.resumed_by.end() && lifted->second == command.by;
  }
  if (command.verb != Verb::kConfirm) return false;
  const auto step = run.steps.find(command.step);
  return step != run.steps.end() && step->second.attempt == command.attempt &&
         step->second.result == StepResult::kDone &&
         step->second.detail == "confirmed by " + command.by;
}

namespace {

Error Refused(std::string why) {
  return {ErrorKind::kRefused, std::move(why)};
}

// What the run asks now, for a person that answered something else.
std::string AsksNow(const Run& run) {
  std::string text;
  for (const Hold& hold : run.holds) {
    text += text.empty() ? "it is held now by " : ", and by ";
    const Step* step = run.Find(hold.path);
    text += "hold " + std::to_string(hold.number) + " (" + Name(hold.reason) + " at step " +
            hold.path + (step == nullptr ? "" : ", " + step->name) + ": " + hold.detail + ")";
  }
  if (!text.empty()) return text;
  if (run.AtQuestion()) {
    const Step* step = run.Current();
    return "it asks now at step " + step->path + " (attempt " +
           std::to_string(run.steps.at(step->path).attempt) + "): " + step->name;
  }
  if (run.pause) {
    return "it is paused now by " + run.pause->by + ": pause " + std::to_string(run.pause->number) +
           (run.pause->reason.empty() ? "" : " (" + run.pause->reason + ")");
  }
  return "it is not held now";
}

}  // namespace

Status Engine::Core::Refusal(const Run& run, const engine::Command& command) const {
  const auto refuse = [](std::string why) { return Fail(Refused(std::move(why))); };
  if (run.stage == Stage::kFinished) return refuse("the run is finished");
  const Hold* hold = run.FindHold(command.hold);
  const auto answered = run.answers.find(command.hold);
  if (answered != run.answers.end()) {
    return refuse("hold " + std::to_string(command.hold) + " was answered by " +
                  answered->second.by + ": " + Name(answered->second.verb) + "; " + AsksNow(run));
  }
  switch (command.verb) {
    case Verb::kStart:
      return Fail(ErrorKind::kInternal, "start is not about a run");
    case Verb::kPause:
      if (run.pause) return refuse("the run is paused already; " + AsksNow(run));
      if (!run.holds.empty()) {
        return refuse("the run is held, and begins nothing until that is answered");
      }
      if (run.cancelling || run.stage == Stage::kEnding) {
        return refuse("the run is ending; its last steps are owed");
      }
      return {};
    case Verb::kConfirm: {
      const auto seen = run.steps.find(command.step);
      if (seen != run.steps.end() && seen->second.attempt == command.attempt &&
          seen->second.result == StepResult::kDone && run.Find(command.step) != nullptr &&
          run.Find(command.step)->kind == StepKind::kConfirm) {
        return refuse("step " + command.step + " was " + seen->second.detail + "; " + AsksNow(run));
      }
      if (!run.AtQuestion() || !run.holds.empty()) {
        return refuse("the run is not waiting for a confirmation; " + AsksNow(run));
      }
      const std::string& path = run.Current()->path;
      if (command.step != path || command.attempt != run.steps.at(path).attempt) {
        return refuse("that is not what the run asks; " + AsksNow(run));
      }
      return {};
    }
    case Verb::kCancel:
      if (run.stage == Stage::kEnding) {
        return refuse("the run is ending, and its last steps are owed; " + AsksNow(run));
      }
      if (run.cancelling && run.holds.empty()) {
        return refuse("the run is being cancelled already");
      }
      return {};
    case Verb::kResume:
      if (command.hold == kNoHold && (run.pause || command.pause != 0)) {
        if (run.pause && command.pause == run.pause->number) return {};
        const auto lifted = run.resumed_by.find(command.pause);
        return refuse(lifted != run.resumed_by.end()
                          ? "pause " + std::to_string(command.pause) + " was lifted by " +
                                lifted->second + "; " + AsksNow(run)
                          : "say which pause is lifted; " + AsksNow(run));
      }
      break;
    case Verb::kRetry:
    case Verb::kSkip:
    case Verb::kResolve:
      break;
  }
  if (hold == nullptr) {
    return refuse(command.hold == kNoHold ? "say which hold is answered; " + AsksNow(run)
                  : command.hold <= run.holds_so_far
                      ? "hold " + std::to_string(command.hold) + " is over; " + AsksNow(run)
                      : "there is no hold " + std::to_string(command.hold) + "; " + AsksNow(run));
  }
  return MayAnswer(run, *hold, command.verb);
}

// A hold about a dead man changes nothing of the step that the run is at: unless the guarded step
// is to be done again, the run goes on where it was.
void Engine::Core::Answer(LiveRun& live, const Hold& hold, const engine::Command& command) {
  Run& run = live.run;
  Emit(run.id, OperatorActed{command.verb, hold.path, command.by, command.detail, hold.number});
  live.doing = {};
  // An answer that is on its way for a dead man which nobody waits for any more is not heard.
  std::erase_if(live.leases, [&](const auto& lease) {
    return !run.leases.contains(lease.first) && !run.restored.contains(lease.first);
  });
  if (hold.reason == HoldReason::kHostAway) {
    const auto lease = live.leases.find(hold.path);
    if (lease == live.leases.end()) return;
    lease->second.give_up.reset();
    lease->second.due.reset();
    return;
  }
  // Perhaps not the step that the run is at: an earlier one may have to be done again first.
  const Step& step = *run.Find(hold.path);
  if (IsAboutLease(hold.reason) || run.steps[hold.path].result) return;
  if (run.IsToBeRepeated(hold.path) && !run.IsOfTheRepeat(hold)) return;
  if (command.verb == Verb::kSkip) {
    Done(live, step, StepResult::kSkipped, "skipped by " + command.by + ": " + command.detail);
  } else if (command.verb == Verb::kResolve) {
    Done(live, step, StepResult::kResolved, "resolved by " + command.by + ": " + command.detail);
  }
}

}  // namespace mailhub::engine
