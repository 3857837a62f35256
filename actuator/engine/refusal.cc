// See refusal.h.
#include "actuator/engine/refusal.h"

#include "actuator/engine/answers.h"
#include "actuator/engine/approval.h"

namespace mailhub::engine {
namespace {

Error Refused(std::string why) {
  return {ErrorKind::kRefused, std::move(why)};
}

// The run's open question, for a person who answered another one.
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

bool WasSaid(const Run& run, const Command& command) {
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

Status MayBeSaid(const Run& run, const Command& command) {
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
      return MayApprove(run.queued, *run.Current(), command);
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
  // To pass over a question, or to call it answered, is to answer it.
  const Step* step = run.Find(hold->path);
  const bool passes = command.verb == Verb::kSkip || command.verb == Verb::kResolve;
  if (passes && step != nullptr && step->kind == StepKind::kConfirm && !run.IsAboutDeadMan(*hold)) {
    if (Status refused = MayApprove(run.queued, *step, command); !refused) return refused;
  }
  return MayAnswer(run, *hold, command.verb);
}

}  // namespace mailhub::engine
