// See admission.h.
#include "actuator/engine/admission.h"

#include "actuator/engine/history.h"
#include "actuator/engine/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::engine {

Admission::Admission(const Context* context, const Run* run) : context_(*context), run_(*run) {}

bool Admission::ItsTurn() const {
  return context_.mode->Active() && !run_.pause && context_.others->BlockedBy(run_) == nullptr &&
         context_.others->SlotOf(run_).now;
}

void Admission::Work() {
  if (!ItsTurn()) {
    holds_ = false;  // it may have changed when the run's turn comes
    return;
  }
  if (run_.queued.only_if.empty() || holds_) {
    holds_ = false;
    context_.recorder->Emit(run_.id, RunStarted{});
    return;
  }
  if (asked_ != 0 || !context_.clock->Due(due_)) return;
  if (!give_up_) give_up_ = context_.clock->Attended(context_.config->patience);
  asked_ = context_.recorder->Ask(QueryQuestion{run_.queued.only_if}, run_.id);
}

bool Admission::Hear(const QueryDone& done) {
  if (asked_ != done.id) return false;
  asked_ = 0;
  // If it is no longer the run's turn, the question is asked again later.
  if (run_.stage == Stage::kQueued && ItsTurn()) OnReading(done.reading);
  return true;
}

// Without an answer it is unknown whether the run is still needed. The run is dropped with that
// reason, and its alert, if it still fires, is decided again.
void Admission::OnReading(const QueryReading& reading) {
  if (!reading.holds) {
    const Error& error = reading.holds.error();
    trouble_ = Say<WaitsFor::kOnlyIfUnknown>(error.message);
    due_ = context_.clock->In(context_.config->remote_retry);
    if (error.kind == ErrorKind::kInvalid) {
      context_.recorder->Emit(run_.id, RunDropped{Say<DroppedBecause::kInvalid>(error.message)});
    } else if (context_.clock->Passed(give_up_)) {
      context_.recorder->Emit(run_.id,
                              RunDropped{Say<DroppedBecause::kUnknown>(
                                  FormatDuration(context_.config->patience), error.message)});
    }
  } else if (*reading.holds) {
    trouble_.clear();
    holds_ = true;
    give_up_.reset();
  } else {
    context_.recorder->Emit(run_.id, RunDropped{Say<DroppedBecause::kOver>(run_.queued.only_if)});
  }
}

std::string Admission::WaitingFor() const {
  if (!context_.mode->Active()) return Say<WaitsFor::kMode>(Name(context_.mode->mode));
  if (run_.pause) return Say<WaitsFor::kPause>(run_.pause->by);
  const Slot slot = context_.others->SlotOf(run_);
  if (!slot.now) return slot.why;
  if (const Run* other = context_.others->BlockedBy(run_)) {
    return Say<WaitsFor::kLock>(other->id.substr(0, 12), other->plan().runbook);
  }
  return trouble_.empty() ? Say<WaitsFor::kOnlyIf>() : trouble_;
}

StartView Admission::Foresee() const {
  StartView start;
  start.needed = context_.history->NeededFor(run_.plan());
  start.now = ItsTurn();
  if (start.now) return start;
  const Slot slot = context_.others->SlotOf(run_);
  start.begin = slot.begin;
  start.never = !slot.now && !slot.begin;
  start.why = WaitingFor();
  return start;
}

std::optional<SteadyTime> Admission::NextDeadline() const {
  if (asked_ == 0) return context_.clock->Ahead(due_);
  if (give_up_) return context_.clock->NextLook();  // the answer may take long
  return std::nullopt;
}

}  // namespace mailhub::engine
