// What the engine shows of itself. Reads only.
#include <algorithm>

#include "actuator/engine/core.h"

namespace mailhub::engine {
namespace {

StepPhase PhaseOf(const Step& step, const StepState* state, const Doing& doing) {
  const bool current = doing.path == step.path;
  if (state == nullptr || state->attempt == 0) {
    return current && (doing.effect != 0 || doing.due) ? StepPhase::kPreparing
                                                       : StepPhase::kPending;
  }
  if (state->result) return StepPhase::kDone;
  if (step.kind == StepKind::kConfirm) return StepPhase::kConfirm;
  const bool action = step.kind == StepKind::kRun || step.kind == StepKind::kJob;
  if (action && !state->settled) return StepPhase::kActing;
  if (action && !state->Succeeded() && !state->Unknown()) return StepPhase::kRetryWait;
  return current && doing.marks.empty() ? StepPhase::kMarking : StepPhase::kGate;
}

// Adds to what the events say what this life of the program is doing about the step.
void AddDoing(const Step& step, const Run& run, const Doing& doing, WallTime now, StepView* view) {
  const auto found = run.steps.find(step.path);
  const StepState* state = found == run.steps.end() ? nullptr : &found->second;
  view->phase = PhaseOf(step, state, doing);
  if (doing.path == step.path) view->gate = doing.reading;
  if (view->started && !view->result) {
    view->took = std::max(now - *view->started, Milliseconds(0));
  }
}

}  // namespace

// How long nine runs in ten took: of this target, else of any, else what the runbook expects.
std::optional<Milliseconds> Engine::Core::Expected(const Plan& plan) const {
  std::vector<Milliseconds> sorted;
  const auto own = durations.find(plan.runbook + '\n' + plan.target);
  if (own != durations.end()) sorted.assign(own->second.begin(), own->second.end());
  if (sorted.empty()) {
    for (const auto& [key, kept] : durations) {
      if (key.starts_with(plan.runbook + '\n'))
        sorted.insert(sorted.end(), kept.begin(), kept.end());
    }
  }
  if (!sorted.empty()) {
    std::sort(sorted.begin(), sorted.end());
    return sorted[(sorted.size() * 9 - 1) / 10];
  }
  if (plan.expected > Milliseconds(0)) return plan.expected;
  return std::nullopt;
}

std::string Engine::Core::WaitingFor(const LiveRun& live) const {
  const Run& run = live.run;
  if (run.stage == Stage::kQueued) {
    if (mode != Mode::kActive) return std::string("mode is ") + Name(mode);
    if (run.paused) return "paused";
    if (!LocksFree(live)) return "another run that holds its lock";
    return live.doing.trouble.empty() ? "whether it is still needed" : live.doing.trouble;
  }
  if (run.stage == Stage::kFinished) return "";
  if (run.hold) return "a person: " + run.hold->detail;
  for (const auto& [path, lease] : live.leases) {
    if (!lease.trouble.empty()) return "a dead man's lease: " + lease.trouble;
  }
  if (!live.doing.trouble.empty()) return live.doing.trouble;
  if (live.doing.reading && live.doing.reading->state != GateState::kOpen) {
    return std::string("the gate is ") + Name(live.doing.reading->state) +
           (live.doing.reading->why.empty() ? "" : ": " + live.doing.reading->why);
  }
  return "";
}

RunView Engine::Core::LookAt(const LiveRun& live) const {
  const Run& run = live.run;
  const Plan& plan = run.plan();
  RunView view = ViewOf(run);
  view.waiting_for = WaitingFor(live);
  const std::optional<Milliseconds> expected = Expected(plan);
  if (expected && run.started_at && !run.finished_at) {
    view.eta = *run.started_at + *expected;
    // A quarter more than nine runs in ten took.
    view.overdue = now.wall > *run.started_at + *expected * 5 / 4;
  }
  const Step* current = run.Current();
  size_t index = 0;
  const auto add = [&](const Step& step) {
    if (&step == current) view.current = index;
    AddDoing(step, run, live.doing, now.wall, &view.steps[index++]);
  };
  for (const Step& step : plan.steps) add(step);
  for (const AlwaysStep& always : plan.always) add(always.step);
  return view;
}

View Engine::Core::Look() const {
  View view;
  view.mode = mode;
  view.epoch = epoch;
  view.open_episodes = episodes.size();
  for (const std::string& id : order) {
    const LiveRun& live = runs.at(id);
    if (live.run.stage != Stage::kFinished) view.unfinished.push_back(LookAt(live));
  }
  for (size_t i = 0; i < std::min(finished.size(), kFinishedShown); ++i) {
    view.finished.push_back(LookAt(runs.at(finished[i])));
  }
  // A queued run waits on a lock, and the run that has it waits for a person.
  for (const RunView& queued : view.unfinished) {
    if (queued.state != RunState::kQueued) continue;
    for (const RunView& held : view.unfinished) {
      const bool shares = std::any_of(held.locks.begin(), held.locks.end(), [&](const auto& lock) {
        return std::find(queued.locks.begin(), queued.locks.end(), lock) != queued.locks.end();
      });
      if (held.state == RunState::kHeld && shares) view.queue_blocked_by_hold = true;
    }
  }
  return view;
}

}  // namespace mailhub::engine
