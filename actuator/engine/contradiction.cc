// See contradiction.h.
#include "actuator/engine/contradiction.h"

#include "lib/base/printable.h"

namespace mailhub::engine {
namespace {

std::string Quoted(const std::string& text) {
  return "\"" + Excerpt(text) + "\"";
}

// A kind without an overload fits any run that is under way.
struct Check {
  const Run& run;

  std::string operator()(const auto&) const { return ""; }

  std::string operator()(const RunStarted&) const { return Stays(Stage::kQueued); }
  std::string operator()(const RunDropped&) const { return Stays(Stage::kQueued); }
  std::string operator()(const StepStarted& body) const {
    const Step* step = run.Find(body.path);
    if (step == nullptr) return NoStep(body.path);
    const StepState& state = StateOf(body.path);
    if (body.attempt != state.attempt + 1)
      return "attempt " + std::to_string(body.attempt) + " comes after attempt " +
             std::to_string(state.attempt);
    if (!step->RunsCommand() && !body.directory_id.empty()) return "it runs no command on a host";
    if (step->RunsCommand() && state.attempt > 0 && !state.settled)
      return "the attempt before it is not settled";
    return IsUnderWay();
  }
  std::string operator()(const StepSettled& body) const {
    const Step* step = run.Find(body.path);
    if (step == nullptr) return NoStep(body.path);
    const StepState& state = StateOf(body.path);
    if (!step->RunsCommand()) return "it runs no command on a host";
    if (state.attempt == 0 || body.attempt != state.attempt)
      return "attempt " + std::to_string(body.attempt) + " is settled, but attempt " +
             std::to_string(state.attempt) + " began last";
    if (state.settled) return "attempt " + std::to_string(body.attempt) + " is settled already";
    const ReceiptState receipt = body.receipt.state;
    const bool ended = receipt == ReceiptState::kFinished ||
                       receipt == ReceiptState::kInterrupted || receipt == ReceiptState::kVoid;
    if (ended == body.receipts_lost)
      return std::string("the receipt is ") + Name(receipt) +
             (body.receipts_lost ? ", but receipts_lost" : "");
    return "";
  }
  std::string operator()(const StepDone& body) const {
    const Step* step = run.Find(body.path);
    if (step == nullptr) return NoStep(body.path);
    const StepState& state = StateOf(body.path);
    if (body.result == StepResult::kContinued && step->on_failure != OnFailure::kContinue)
      return "it continued, but its on_failure is " + std::string(Name(step->on_failure));
    if (body.result != StepResult::kDone) return "";
    if (state.attempt == 0) return "it is done, but never began";
    if (!step->RunsCommand()) return "";
    if (!state.settled) return "it is done, but its attempt is not settled";
    if (state.Succeeded() || (step->gate && state.Unknown())) return "";
    return "it is done, but its command ended with " + std::string(Name(state.receipt.state)) +
           ", exit status " + std::to_string(state.receipt.exit_status);
  }
  std::string operator()(const DeadManArmed& body) const {
    const Step* step = run.Find(body.path);
    if (step == nullptr) return NoStep(body.path);
    if (!step->dead_man) return "the step " + Quoted(body.path) + " has no dead man";
    if (body.host != step->host) return "the plan has it on host " + Quoted(step->host);
    if (body.after != step->dead_man->after)
      return "after_ms is " + std::to_string(body.after.count()) + ", but in the plan " +
             std::to_string(step->dead_man->after.count());
    return "";
  }
  std::string operator()(const DeadManDisarmed& body) const {
    return IsArmed(body.path, body.generation);
  }
  std::string operator()(const DeadManRestored& body) const {
    return IsArmed(body.path, body.generation);
  }
  std::string operator()(const RunHeld& body) const {
    if (run.Find(body.path) == nullptr) return NoStep(body.path);
    const StepState& state = StateOf(body.path);
    if (body.reason == HoldReason::kStepFailed && (!state.settled || state.Succeeded()))
      return "it holds because of step_failed, but the command did not fail";
    if (body.reason == HoldReason::kOutcomeUnknown && !state.Unknown())
      return "it holds because of outcome_unknown, but the outcome is known";
    return "";
  }
  std::string operator()(const OperatorActed& body) const {
    if (!body.path.empty() && run.Find(body.path) == nullptr) return NoStep(body.path);
    if (body.hold < kAllHolds || body.hold > run.holds_so_far)
      return "it answers hold " + std::to_string(body.hold) + ", but there were " +
             std::to_string(run.holds_so_far);
    return "";
  }
  std::string operator()(const RunEnding&) const { return Stays(Stage::kActive); }
  std::string operator()(const RunFinished& body) const {
    if (run.stage == Stage::kQueued)
      return body.result == RunResult::kCancelled
                 ? ""
                 : std::string("it ") + Name(body.result) + ", but never started";
    if (run.stage != Stage::kEnding) return Stays(Stage::kEnding);
    if (body.result == run.result) return "";
    return std::string("it ends as ") + Name(body.result) + ", but its run_ending says " +
           Name(run.result);
  }
  std::string operator()(const RunSwept&) const { return Stays(Stage::kFinished); }

  const StepState& StateOf(const std::string& path) const {
    static const StepState kNothingYet;
    const auto found = run.steps.find(path);
    return found == run.steps.end() ? kNothingYet : found->second;
  }
  std::string NoStep(const std::string& path) const {
    return "the plan of run " + Excerpt(run.id) + " has no step " + Excerpt(path);
  }
  std::string Stays(Stage stage) const {
    if (run.stage == stage) return "";
    switch (stage) {
      case Stage::kQueued:
        return "its run is not in the queue";
      case Stage::kActive:
        return "its run is not under way";
      case Stage::kEnding:
        return "its run has no run_ending before";
      case Stage::kFinished:
        return "its run is not finished";
    }
    return "";
  }
  std::string IsUnderWay() const {
    const bool is = run.stage == Stage::kActive || run.stage == Stage::kEnding;
    return is ? "" : "its run is not under way";
  }
  std::string IsArmed(const std::string& path, int generation) const {
    const auto armed = run.generations.find(path);
    const int times = armed == run.generations.end() ? 0 : armed->second;
    if (times > 0 && generation >= 0 && generation <= times) return "";
    return "the dead man of " + Quoted(path) + " was armed " + std::to_string(times) +
           " times, not " + std::to_string(generation);
  }
};

}  // namespace

std::string Contradiction(const Run& run, const Event& event) {
  return std::visit(Check{run}, event.body);
}

std::string Contradiction(const AlertDecided& decided) {
  const bool must_fire = OpensEpisode(decided.decision) || decided.decision == Decision::kRepeat;
  const bool must_be_over =
      decided.decision == Decision::kResolved || decided.decision == Decision::kCancelled;
  if (must_fire ? !decided.firing : must_be_over && decided.firing)
    return std::string("the decision is ") + Name(decided.decision) + ", but the alert " +
           (decided.firing ? "fires" : "is over");
  const bool has_run =
      decided.decision == Decision::kStartedRun || decided.decision == Decision::kJoined ||
      decided.decision == Decision::kJoinedLate || decided.decision == Decision::kCancelled;
  if (has_run && decided.run.empty())
    return std::string("the decision is ") + Name(decided.decision) + ", but it names no run";
  const auto name = decided.labels.find("alertname");
  if (decided.alertname != (name == decided.labels.end() ? "" : name->second))
    return "alertname is not the one of its labels";
  return "";
}

}  // namespace mailhub::engine
