// See live_run.h. live_run_view.cc makes its view.
#include "actuator/engine/live_run.h"

#include "actuator/engine/refusal.h"

namespace mailhub::engine {

LiveRun::LiveRun(const Context* context, const std::string& id)
    : context_(*context),
      admission_(context, &run_),
      leases_(context, &run_, &directories_),
      lost_leases_(context, &run_),
      passed_over_(context, &run_, &directories_, &leases_),
      step_(context, &run_, &directories_, &leases_, &passed_over_),
      sweep_(context, &run_) {
  run_.id = id;
}

LiveRun::LiveRun(const Context* context, const Run& run) : LiveRun(context, run.id) {
  run_ = run;
}

void LiveRun::Apply(const Event& event) {
  run_.Apply(event);
  Account(event.at);
}

void LiveRun::Account(WallTime at, Milliseconds step) {
  if (run_.accounted) *run_.accounted += step;
  run_.Account(at, context_.mode->mode);
}

void LiveRun::Work() {
  switch (run_.stage) {
    case Stage::kQueued:
      admission_.Work();
      return;
    case Stage::kActive:
    case Stage::kEnding: {
      passed_over_.Work();
      const Step* step = run_.Current();
      if (step == nullptr && run_.stage == Stage::kActive && run_.holds.empty()) {
        context_.recorder->Emit(run_.id, RunEnding{RunResult::kSucceeded, ""});
        step = run_.Current();
      }
      leases_.Work();
      lost_leases_.Work();
      if (step != nullptr) {
        step_.Work(*step);
      } else if (run_.stage == Stage::kEnding) {  // else it is held after its last step
        Finish();
      }
      return;
    }
    case Stage::kFinished:
      WorkAfterEnd();
      return;
  }
}

void LiveRun::Finish() {
  step_.Reset();
  if (!run_.leases.empty() || !run_.restored.empty() || !run_.holds.empty()) return;
  Account(context_.clock->wall());
  context_.recorder->Emit(run_.id, RunFinished{run_.result, run_.result_detail, run_.worked});
}

void LiveRun::WorkAfterEnd() {
  if (run_.swept || !sweep_.Due()) return;
  const bool acknowledged = leases_.WorkAfterEnd();
  const bool passed_over = passed_over_.Work();
  const bool lost = lost_leases_.Work();
  if (acknowledged && !passed_over && !lost) sweep_.Work();
}

// --- answers

void LiveRun::Hear(const RemoteDone& done) {
  if (leases_.Hear(done) || lost_leases_.Hear(done) || sweep_.Hear(done)) return;
  const bool held = !run_.holds.empty();
  if (!passed_over_.Hear(done)) {
    step_.Hear(done);
  } else if (held && run_.holds.empty()) {
    step_.Reset();  // the run waited in vain for this, and continues
  }
}

void LiveRun::Hear(const GateDone& done) {
  step_.Hear(done);
}

void LiveRun::Hear(const QueryDone& done) {
  admission_.Hear(done);
}

// --- people

Status LiveRun::Do(const Command& command) {
  if (WasSaid(run_, command)) return {};
  if (Status refused = MayBeSaid(run_, command); !refused) return refused;
  if (const Hold* hold = run_.FindHold(command.hold)) {
    if (GivesUpAGoodDeadMan(*hold, command.verb)) {
      return Fail(ErrorKind::kRefused,
                  "the host has confirmed since that this dead man is armed; "
                  "retry goes on with it");
    }
    Answer(Hold(*hold), command);
    return {};
  }
  const Step* current = run_.Current();
  const std::string path = current != nullptr ? current->path : "";
  const int hold = command.verb == Verb::kCancel ? command.hold : kNoHold;
  context_.recorder->Emit(run_.id,
                          OperatorActed{command.verb, path, command.by, command.detail, hold});
  if (command.verb != Verb::kPause) step_.Reset();
  if (run_.stage == Stage::kQueued && command.verb == Verb::kCancel) {
    context_.recorder->Emit(
        run_.id, RunFinished{RunResult::kCancelled,
                             "cancelled by " + command.by + " before it started", run_.worked});
  } else if (command.verb == Verb::kConfirm) {
    step_.Done(*current, StepResult::kDone, "confirmed by " + command.by);
  }
  return {};
}

// The defect behind its host's refusal is repaired, as the host has said since.
bool LiveRun::GivesUpAGoodDeadMan(const Hold& hold, Verb verb) const {
  if (hold.reason != HoldReason::kRefused || (verb != Verb::kSkip && verb != Verb::kResolve)) {
    return false;
  }
  return run_.HasResult(hold.path) && leases_.IsWell(hold.path);
}

// A hold about a dead man does not change the run's current step. Unless the guarded step must be
// repeated, the run continues where it was.
void LiveRun::Answer(const Hold& hold, const Command& command) {
  context_.recorder->Emit(
      run_.id, OperatorActed{command.verb, hold.path, command.by, command.detail, hold.number});
  step_.Reset();
  leases_.AfterAnswer(hold);
  if (IsAboutLease(hold.reason)) return;
  // Perhaps not the run's current step: an earlier one may have to be repeated first.
  if (run_.HasResult(hold.path)) return;
  if (run_.IsToBeRepeated(hold.path) && !run_.IsOfTheRepeat(hold)) return;
  const Step& step = *run_.Find(hold.path);
  if (command.verb == Verb::kSkip) {
    step_.Done(step, StepResult::kSkipped, "skipped by " + command.by + ": " + command.detail);
  } else if (command.verb == Verb::kResolve) {
    step_.Done(step, StepResult::kResolved, "resolved by " + command.by + ": " + command.detail);
  }
}

// --- questions of other parts

const Step* LiveRun::MayStillBegin(const std::string& host) const {
  return passed_over_.MayStillBegin(host, step_.Running());
}

std::optional<SteadyTime> LiveRun::NextDeadline() const {
  const std::optional<SteadyTime> waits =
      Earlier(Earlier(admission_.NextDeadline(), step_.NextDeadline()),
              Earlier(passed_over_.NextDeadline(), sweep_.NextDeadline()));
  return Earlier(waits, Earlier(leases_.NextDeadline(), lost_leases_.NextDeadline()));
}

void LiveRun::RenewWhilePending(std::vector<Effect>* effects) {
  leases_.RenewWhilePending(effects);
}

bool LiveRun::NoteRenewal(const RemoteDone& done) {
  return leases_.NoteRenewal(done);
}

}  // namespace mailhub::engine
