// Folds the events with the engine's own rules, then copies what people want to see.
#include "actuator/api/past_run.h"

#include <variant>

#include "actuator/engine/run.h"

namespace mailhub::api {
namespace {

using engine::Stage;
using engine::StepView;

StepView ViewOfStep(const engine::Step& step, bool always, const engine::Run& run) {
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
  const engine::StepState& state = found->second;
  view.attempt = state.attempt;
  view.started = state.started;
  view.result = state.result;
  view.detail = state.detail;
  if (state.result) {
    view.phase = engine::StepPhase::kDone;
    view.took = state.took;
  }
  if (state.settled) {
    view.output = state.receipt.output;
    if (state.receipt.state == engine::ReceiptState::kFinished)
      view.exit_status = state.receipt.exit_status;
  }
  return view;
}

engine::RunState StateOf(const engine::Run& run) {
  switch (run.stage) {
    case Stage::kFinished:
      return engine::RunState::kFinished;
    case Stage::kEnding:
      return run.hold ? engine::RunState::kHeld : engine::RunState::kEnding;
    case Stage::kActive:
      if (run.hold) return engine::RunState::kHeld;
      return run.paused ? engine::RunState::kPaused : engine::RunState::kRunning;
    case Stage::kQueued:
      break;
  }
  return engine::RunState::kQueued;
}

}  // namespace

std::optional<engine::RunView> ViewOfPastRun(const std::vector<engine::Event>& events) {
  if (events.empty() || !std::holds_alternative<engine::RunQueued>(events.front().body))
    return std::nullopt;
  engine::Run run;
  run.id = events.front().run;
  for (const engine::Event& event : events) run.Apply(event);

  engine::RunView view;
  view.id = run.id;
  view.runbook = run.plan().runbook;
  view.summary = run.plan().summary;
  view.target = run.plan().target;
  view.parameters = run.plan().parameters;
  view.locks = run.plan().locks;
  view.hosts = engine::HostsOf(run.plan());
  view.trigger = run.queued.trigger;
  view.fingerprint = run.queued.fingerprint;
  view.by = run.queued.by;
  view.state = StateOf(run);
  if (run.hold) {
    view.hold = run.hold->reason;
    view.hold_path = run.hold->path;
    view.hold_detail = run.hold->detail;
  }
  if (run.stage == Stage::kFinished || run.stage == Stage::kEnding) view.result = run.result;
  view.result_detail = run.result_detail;
  view.queued = run.queued_at;
  view.started = run.started_at;
  view.finished = run.finished_at;
  for (const engine::Step& step : run.plan().steps)
    view.steps.push_back(ViewOfStep(step, false, run));
  for (const engine::AlwaysStep& always : run.plan().always)
    view.steps.push_back(ViewOfStep(always.step, true, run));
  return view;
}

}  // namespace mailhub::api
