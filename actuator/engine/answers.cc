// See answers.h.
#include "actuator/engine/answers.h"

namespace mailhub::engine {

Status MayAnswer(const Run& run, const Hold& hold, Verb verb) {
  const auto refuse = [](std::string why) { return Fail(ErrorKind::kRefused, std::move(why)); };
  const Step* step = run.Find(hold.path);
  const Step* stop = step == nullptr ? nullptr : run.ComesAfter(*step);
  if (verb == Verb::kResolve && stop != nullptr && !run.IsAboutDeadMan(hold)) {
    return refuse("the command of \"" + stop->name +
                  "\" may still run, and what is back now may be stopped by it: retry waits for "
                  "its end; skip leaves this step, and it is owed");
  }
  switch (hold.reason) {
    case HoldReason::kDeadManRestored:
    case HoldReason::kLeaseLost:
      if (verb == Verb::kResume) {
        return refuse(
            "the site is not as the plan assumes: resolve goes on with what is, retry "
            "does the guarded step again");
      }
      if (verb != Verb::kRetry) return {};
      if (run.LeaseIsOver(hold.path)) {
        return refuse("what step " + hold.path + " stopped has been brought back since; resolve");
      }
      if (run.Find(hold.path)->dead_man->until.empty() && run.HasActedSince(hold.path)) {
        return refuse("step " + hold.path + "'s dead man has no `until`, and later steps have " +
                      "acted since: nobody knows what would bring it back again; resolve");
      }
      if (run.cancelling || (run.stage == Stage::kEnding && !run.IsAlways(hold.path))) {
        return refuse("the run is ending, and step " + hold.path + " is not done again; resolve");
      }
      return {};
    case HoldReason::kStillStopped:
      if (verb == Verb::kResume) {
        return refuse("retry brings it back; resolve if it is back; skip leaves it stopped");
      }
      if (verb == Verb::kResolve && run.LeftRunning() == run.Find(hold.path)) {
        return refuse(
            "its command may still run, and what is back now may be stopped by it: "
            "retry waits for its end; skip leaves it");
      }
      if (verb == Verb::kRetry && run.LeftRunning() == run.Find(hold.path)) return {};
      if (verb == Verb::kRetry && run.BringsBack(hold.path) == nullptr) {
        return refuse("no step of this run brings it back; do it, then resolve; or skip");
      }
      return {};
    default:
      return {};
  }
}

std::vector<Verb> AnswersTo(const Run& run, const Hold& hold) {
  std::vector<Verb> verbs;
  for (const Verb verb : {Verb::kRetry, Verb::kResume, Verb::kResolve, Verb::kSkip}) {
    if (MayAnswer(run, hold, verb)) verbs.push_back(verb);
  }
  if (run.stage != Stage::kEnding) verbs.push_back(Verb::kCancel);  // for any question of the run
  return verbs;
}

}  // namespace mailhub::engine
