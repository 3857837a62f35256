// The view of a run. Reads only.
#include <algorithm>

#include "actuator/engine/history.h"
#include "actuator/engine/live_run.h"
#include "actuator/engine/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::engine {

std::string LiveRun::WaitingFor() const {
  if (run_.stage == Stage::kQueued) return admission_.WaitingFor();
  if (run_.stage == Stage::kFinished) return "";
  if (!run_.holds.empty()) return Say<WaitsFor::kPerson>(run_.holds.front().detail);
  if (std::string trouble = leases_.Trouble(); !trouble.empty()) {
    return Say<WaitsFor::kLeaseTrouble>(trouble);
  }
  std::string trouble = step_.Trouble();
  if (const Step* left = run_.LeftRunning(); left != nullptr && left == run_.Current()) {
    return trouble.empty() ? Say<WaitsFor::kPassedOverEnd>(left->name, left->host)
                           : Say<WaitsFor::kPassedOverEndTrouble>(left->name, left->host, trouble);
  }
  if (!trouble.empty()) return trouble;
  if (const auto& reading = step_.Reading(); reading && reading->state != GateState::kOpen) {
    return reading->why.empty() ? Say<WaitsFor::kGate>(Name(reading->state))
                                : Say<WaitsFor::kGateWhy>(Name(reading->state), reading->why);
  }
  return "";
}

// A run's alerts may be silenced only while it acts. At its end it acts as long as its hosts
// answer.
bool LiveRun::Acts() const {
  if (run_.stage != Stage::kActive && run_.stage != Stage::kEnding) return false;
  if (!context_.mode->Active() || !run_.holds.empty() || run_.pause || run_.AtQuestion()) {
    return false;
  }
  if (run_.stage == Stage::kEnding && !step_.Trouble().empty()) return false;
  const Step* left = run_.LeftRunning();
  if (left != nullptr && left == run_.Current()) return false;
  return !run_.OnlyLeasesLeft() || leases_.Trouble().empty();
}

Milliseconds LiveRun::Worked() const {
  if (!run_.accounted) return run_.worked;
  return run_.worked + std::max(context_.clock->wall() - *run_.accounted, Milliseconds(0));
}

// By the time that the schedule reserves: the next run with its locks is planned for this end.
void LiveRun::AddEnd(RunView* view) const {
  const Needed& needed = view->needed;
  const bool queued = run_.stage == Stage::kQueued;
  if (needed.time <= Milliseconds(0)) {
    view->end_unknown = Say<EndUnknown::kDuration>(needed.from);
  } else if (!context_.mode->Active()) {
    view->end_unknown = Say<WaitsFor::kMode>(Name(context_.mode->mode));
  } else if (run_.pause) {
    view->end_unknown = Say<EndUnknown::kPause>();
  } else if (queued && view->starts_at) {
    view->ends_at = *view->starts_at + needed.time;
  } else if (queued) {
    view->end_unknown = Say<EndUnknown::kStart>();
  } else if (!run_.holds.empty() || run_.AtQuestion()) {
    view->end_unknown = Say<EndUnknown::kPerson>();
  } else if (Worked() > needed.time) {
    view->end_unknown = Say<EndUnknown::kLate>(FormatDuration(needed.time), needed.from);
  } else {
    view->ends_at = context_.clock->wall() + needed.time - Worked();
  }
}

RunView LiveRun::Look(const std::optional<Milliseconds>& expected) const {
  RunView view = ViewOf(run_);
  view.waiting_for = WaitingFor();
  if (expected && run_.started_at && !run_.finished_at) {
    // The expected duration does not include people's time and pauses.
    const Milliseconds worked = Worked();
    view.eta = context_.clock->wall() - worked + *expected;
    // 25 % more than nine runs in ten took.
    view.overdue = worked > *expected * 5 / 4;
  }
  if (run_.stage != Stage::kFinished) {
    const Slot slot = context_.others->SlotOf(run_);
    view.starts_at = slot.begin;
    view.needed = context_.history->NeededFor(run_.plan());
    AddEnd(&view);
    if (run_.stage != Stage::kQueued) view.unsuitable = slot.why;
  }
  if (!view.asks.empty()) view.asks_until = step_.AskedUntil();
  leases_.AddTo(&view);
  view.acting = Acts();
  const Step* current = run_.Current();
  size_t index = 0;
  const auto add = [&](const Step& step) {
    if (&step == current) view.current = index;
    step_.AddTo(step, &view.steps[index++]);
  };
  for (const Step& step : run_.plan().steps) add(step);
  for (const AlwaysStep& always : run_.plan().always) add(always.step);
  return view;
}

// The rest of the view shows recorded state, but hosts act without waiting for a record.
void LiveRun::Refresh(RunView* view) const {
  for (DeadManView& dead_man : view->dead_men) leases_.Refresh(&dead_man);
}

}  // namespace mailhub::engine
