// See attempt.h.
#include "actuator/engine/attempt.h"

#include <algorithm>

#include "actuator/engine/no_answer.h"
#include "actuator/engine/preparation.h"
#include "actuator/engine/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::engine {

Attempt::Attempt(const Context* context, const Run* run, Directories* directories, Leases* leases)
    : context_(*context), run_(*run), directories_(*directories), leases_(*leases) {}

void Attempt::Reset() {
  state_ = {};
}

void Attempt::Work(const Step& step) {
  const EngineClock& clock = *context_.clock;
  const StepState& recorded = run_.steps.at(step.path);
  if (!context_.mode->Active() && !state_.running) {
    state_.deadline.reset();
  } else if (!state_.deadline) {
    const WallTime since = std::max(recorded.since, context_.mode->since.value_or(recorded.since));
    state_.deadline =
        clock.Deadline(state_.running ? recorded.since : since, step.timeout, kLeastLook);
  }
  // The wait for a host that gives no answer is no longer than for one that refuses.
  const bool waits = state_.asked || state_.effect != 0;
  if (run_.holds.empty() && waits && clock.Passed(state_.deadline)) OnOverdue(step);
  if (state_.effect != 0 || !clock.Due(state_.due)) return;
  RemoteRequest request = NextRequest(step);
  state_.verb = request.verb;
  state_.effect = context_.recorder->Ask(std::move(request), run_.id);
}

RemoteRequest Attempt::NextRequest(const Step& step) {
  const StepState& recorded = run_.steps.at(step.path);
  RemoteRequest request;
  request.host = step.host;
  request.key = KeyOf(run_, step.path);
  request.directory_id = recorded.directory_id;
  const bool left = run_.LeftRunning() == &step;
  const bool settle = run_.cancelling || recorded.approved || left || run_.WentBackFrom(step.path);
  const bool end = run_.cancelling && !left && (step.kind == StepKind::kJob || state_.ending);
  if (end && state_.running && !state_.cancel_sent) {
    request.verb = RemoteVerb::kCancel;
    if (!state_.ending) GiveTimeToEnd();
  } else if (settle) {
    request.verb = RemoteVerb::kVoid;  // or the receipt, if it was claimed
  } else if (state_.running || !MayReach(step)) {
    request.verb = RemoteVerb::kStatus;
  } else {
    request.verb = step.kind == StepKind::kJob ? RemoteVerb::kLaunch : RemoteVerb::kRun;
    request.command = step.command;
    request.begin_before =
        std::min(context_.clock->In(context_.config->begin_within), *leases_.GuardOf(step).until);
  }
  return request;
}

// The step exceeds its time: a person is asked.
void Attempt::OnOverdue(const Step& step) {
  const bool left = run_.LeftRunning() == &step;
  if (!left && run_.cancelling && state_.running && !state_.ending) {
    // A cancelled run waits for a short command, but only for that command's own time.
    GiveTimeToEnd();
    return;
  }
  const std::string trouble = state_.trouble.empty() ? NoAnswer(step.host) : state_.trouble;
  const std::string how = state_.running && state_.trouble.empty()
                              ? Say<HeldBecause::kStillRuns>()
                              : Say<HeldBecause::kMayStillRun>(trouble);
  if (left) {
    HoldRun(context_, run_, step.path, HoldReason::kStillStopped,
            run_.leases.contains(step.path) ? Say<HeldBecause::kLeftRenewed>(step.name, how)
                                            : Say<HeldBecause::kLeftUnvouched>(step.name, how));
    return;
  }
  std::string detail = Say<HeldBecause::kOverdue>(FormatDuration(step.timeout), how);
  if (!state_.running) {
    detail = trouble;
  } else if (state_.ending) {
    detail = Say<HeldBecause::kToldToEnd>(FormatDuration(context_.config->end_within), how);
  }
  HoldRun(context_, run_, step.path, HoldReason::kTimedOut, detail);
}

// The end takes its own time for TERM and KILL, however short the command's time is.
void Attempt::GiveTimeToEnd() {
  state_.ending = true;
  state_.deadline = context_.clock->Attended(context_.config->end_within);
}

// Whether a command whose intent is recorded may still begin if it never did. Not in a held run,
// and not before the hosts have said that no dead man has acted meanwhile.
bool Attempt::MayReach(const Step& step) const {
  const bool guarded = !step.dead_man || run_.leases.contains(step.path);
  return context_.mode->Active() && run_.holds.empty() && guarded && !Unheard(run_, step.host) &&
         leases_.GuardOf(step).until;
}

// --- the host's answers

bool Attempt::Hear(const Step& step, const RemoteDone& done) {
  if (state_.effect != done.id) return false;
  state_.effect = 0;
  state_.asked = true;
  const RemoteReply& reply = done.reply;
  if (!reply.receipt) {
    state_.trouble = reply.receipt.error().message;
    OnFailure(step, reply.receipt.error());
  } else if (reply.directory_id != run_.steps.at(step.path).directory_id) {
    Settle(step, Receipt{}, true);
  } else if (state_.verb == RemoteVerb::kCancel) {
    state_.trouble.clear();
    state_.cancel_sent = true;
    state_.due = context_.clock->In(context_.config->poll_step);
  } else {
    state_.trouble.clear();
    OnReceipt(step, *reply.receipt);
  }
  return true;
}

void Attempt::OnFailure(const Step& step, const Error& error) {
  const EngineClock& clock = *context_.clock;
  const Milliseconds retry = context_.config->remote_retry;
  // The run will not hold for that, and no one takes the command for ended.
  if (run_.LeftRunning() == &step && error.kind != ErrorKind::kNotFound) {
    state_.running = false;
    if (error.kind == ErrorKind::kCorrupt) directories_.erase(step.host);
    state_.due = clock.In(IsRefusal(error) ? context_.config->AfterTheEnd() : retry);
    return;
  }
  switch (error.kind) {
    case ErrorKind::kUnreachable:
    case ErrorKind::kOutcomeUnknown:
    case ErrorKind::kOverloaded:
      state_.due = clock.In(retry);
      return;
    case ErrorKind::kCorrupt:
    case ErrorKind::kNotFound:
      Settle(step, Receipt{}, true);
      return;
    case ErrorKind::kInvalid:
    case ErrorKind::kRefused:
    case ErrorKind::kInternal:
      state_.due = clock.In(retry);  // a held run still asks, but not at once
      HoldRun(context_, run_, step.path, HoldReason::kRefused, error.message);
      return;
  }
}

void Attempt::OnReceipt(const Step& step, const Receipt& receipt) {
  const EngineClock& clock = *context_.clock;
  const bool job = step.kind == StepKind::kJob;
  switch (receipt.state) {
    case ReceiptState::kRunning:
      state_.running = true;
      state_.output = receipt.output;
      state_.due = run_.cancelling && job && !state_.cancel_sent
                       ? clock.steady()
                       : clock.In(job ? context_.config->poll_job : context_.config->poll_step);
      return;
    case ReceiptState::kNone:
      if (state_.running) {
        Settle(step, Receipt{}, true);
      } else {
        OnNotBegun(step);
      }
      return;
    case ReceiptState::kFinished:
    case ReceiptState::kInterrupted:
    case ReceiptState::kVoid:
      Settle(step, receipt, false);
      return;
  }
}

// It has not begun although its intent is recorded. Its dead man may have acted and ended
// meanwhile.
void Attempt::OnNotBegun(const Step& step) {
  state_.due = context_.clock->In(context_.config->poll_step);
  if (!context_.mode->Active() || !run_.holds.empty() || MayReach(step)) return;
  state_.trouble = leases_.GuardOf(step).Why();
  if (step.dead_man && !run_.leases.contains(step.path) && !Unheard(run_, step.host)) {
    leases_.Arm(step, run_.steps.at(step.path).directory_id);
  }
}

void Attempt::Settle(const Step& step, const Receipt& receipt, bool lost) {
  context_.recorder->Emit(run_.id,
                          StepSettled{step.path, run_.steps.at(step.path).attempt, receipt, lost});
  if (lost) {
    directories_.erase(step.host);  // another attempt needs the new directory's identity
    leases_.Doubt(step.host);
  }
  Reset();
}

}  // namespace mailhub::engine
