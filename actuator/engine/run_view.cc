// The view of a run from its events alone.
#include "actuator/engine/answers.h"
#include "actuator/engine/approval.h"
#include "actuator/engine/run.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {
namespace {

RunState StateOf(const Run& run) {
  if (run.stage == Stage::kFinished) return RunState::kFinished;
  if (!run.holds.empty()) return RunState::kHeld;
  if (run.stage == Stage::kQueued) return RunState::kQueued;
  if (run.pause) return RunState::kPaused;
  return run.stage == Stage::kEnding ? RunState::kEnding : RunState::kRunning;
}

StepView ViewOf(const Step& step, bool always, const Run& run) {
  StepView view;
  view.path = step.path;
  view.name = step.name;
  view.kind = step.kind;
  view.host = step.host;
  view.always = always;
  view.command = step.command;
  if (step.gate) view.expr = step.gate->expr;
  const auto found = run.steps.find(step.path);
  if (found == run.steps.end()) return view;
  const StepState& state = found->second;
  view.attempt = state.attempt;
  view.started = state.started;
  view.result = state.result;
  const bool over =
      run.stage == Stage::kFinished || (run.stage == Stage::kEnding && run.Current() != &step);
  if (state.result) {
    view.phase = StepPhase::kDone;
    view.took = state.took;
  } else if (over && state.attempt > 0) {
    view.phase = StepPhase::kLeft;
  }
  view.output = state.receipt.output;
  if (state.settled && state.receipt.state == ReceiptState::kFinished) {
    view.exit_status = state.receipt.exit_status;
  }
  view.detail = state.detail;
  if (run.passed_over.contains(step.path)) {
    view.detail += "; how its command ended is not known yet";
  } else if (state.result && state.settled && state.receipt.state == ReceiptState::kVoid) {
    view.detail += "; its command never ran";
  } else if (state.result && state.Unknown()) {
    view.detail += "; nobody knows how far its command came";
  }
  if (state.restored) {
    view.detail += (view.detail.empty() ? "" : "; ") + std::string("its dead man has acted since");
  }
  return view;
}

// The present truth about a command that a hold calls running, or of unknown end.
std::string Since(const Run& run, const Hold& hold) {
  const auto state = run.steps.find(hold.path);
  const bool over =
      state != run.steps.end() && state->second.settled && state->second.since > hold.since;
  if (hold.reason != HoldReason::kTimedOut || !over) return "";
  const Receipt& receipt = state->second.receipt;
  if (state->second.Unknown()) return "; since then: nobody will ever know how it ended";
  if (receipt.state == ReceiptState::kVoid) return "; since then: it is certain that it never ran";
  return "; since then it has ended with exit status " + std::to_string(receipt.exit_status);
}

}  // namespace

RunView ViewOf(const Run& run) {
  const Plan& plan = run.plan();
  RunView view;
  view.id = run.id;
  view.seq = run.seq;
  view.runbook = plan.runbook;
  view.summary = plan.summary;
  view.target = plan.target;
  view.parameters = plan.parameters;
  view.locks = plan.locks;
  view.hosts = HostsOf(plan);
  view.trigger = run.queued.trigger;
  view.fingerprint = run.queued.fingerprint;
  view.by = run.queued.by;
  view.suitable = plan.suitable;
  view.at_once = run.queued.at_once;
  view.state = StateOf(run);
  for (const Hold& hold : run.holds) {
    const Step* step = run.Find(hold.path);
    view.holds.push_back({hold.number, hold.path, step == nullptr ? "" : step->name, hold.reason,
                          hold.detail + Since(run, hold), hold.since, AnswersTo(run, hold),
                          run.IsAboutDeadMan(hold)});
  }
  if (run.pause) {
    view.pause = {run.pause->number, run.pause->by, run.pause->reason, run.pause->since};
  }
  if (run.AtQuestion() && run.holds.empty()) {
    const Step& step = *run.Current();
    view.asks = step.name;
    view.asks_whom = WhoMayApprove(run.queued, step);
    view.asks_since = run.steps.at(step.path).since;
  }
  if (run.stage == Stage::kFinished || run.stage == Stage::kEnding) {
    view.result = run.result;
    view.result_detail = run.result_detail;
  } else if (run.cancelling) {
    view.result = RunResult::kCancelled;
    view.result_detail = "it is being cancelled";
  }
  view.queued = run.queued_at;
  view.started = run.started_at;
  view.finished = run.finished_at;
  for (const Step& step : plan.steps) view.steps.push_back(ViewOf(step, false, run));
  for (const AlwaysStep& always : plan.always) {
    view.steps.push_back(ViewOf(always.step, true, run));
  }
  view.current = view.steps.size();
  return view;
}

}  // namespace mailhub::engine
