// See current_step.h.
#include "actuator/engine/current_step.h"

#include <algorithm>

#include "actuator/engine/last_words.h"
#include "actuator/engine/no_answer.h"
#include "actuator/engine/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::engine {
namespace {

// An attempt is void because we asked for it, after a restart for example. A host that repeats it
// must not be asked for ever.
constexpr int kMostVoid = 20;

}  // namespace

CurrentStep::CurrentStep(const Context* context, const Run* run, Directories* directories,
                         Leases* leases, const PassedOver* passed_over)
    : context_(*context),
      run_(*run),
      preparation_(context, run, directories, leases, passed_over),
      attempt_(context, run, directories, leases),
      gate_(context, run) {}

void CurrentStep::Reset() {
  FocusOn("", 0);
}

void CurrentStep::FocusOn(const std::string& path, int attempt) {
  preparation_.Reset();
  attempt_.Reset();
  gate_.Reset();
  gate_timed_out_ = false;
  answer_by_.reset();
  path_ = path;
  number_ = attempt;
}

// The run's current step, if this state is about it.
const Step* CurrentStep::Mine() const {
  const Step* step = run_.Current();
  return step != nullptr && step->path == path_ ? step : nullptr;
}

void CurrentStep::Work(const Step& step) {
  static const StepState kNothingYet;
  const auto recorded = run_.steps.find(step.path);
  const StepState& state = recorded == run_.steps.end() ? kNothingYet : recorded->second;
  if (path_ != step.path || number_ != state.attempt) FocusOn(step.path, state.attempt);
  const bool unsettled = step.RunsCommand() && state.attempt > 0 && !state.settled;
  const bool goes_on = run_.cancelling && run_.holds.empty() && run_.LeftRunning() == &step;
  if (unsettled && !goes_on) {
    // Also while held: a job that outlived its time-out still ends, and its end should be known.
    // Not after a refusal.
    if (!run_.HasHold(step.path, HoldReason::kRefused)) attempt_.Work(step);
    return;
  }
  if (!run_.holds.empty()) return;
  if (run_.cancelling) {
    context_.recorder->Emit(run_.id, RunEnding{RunResult::kCancelled, run_.cancelled_by});
    Reset();
  } else if (state.attempt == 0) {
    Begin(step, 1);
  } else if (step.kind == StepKind::kConfirm) {
    if (state.again) {
      Begin(step, state.attempt + 1);
    } else {
      WaitForAnswer(step);
    }
  } else if (step.RunsCommand()) {
    AfterSettled(step);
  } else {
    WaitForGate(step);
  }
}

bool CurrentStep::Hear(const RemoteDone& done) {
  const Step* step = Mine();
  if (step == nullptr) return false;
  if (const auto verdict = gate_.Hear(done)) {
    OnVerdict(*step, *verdict);
  } else if (const auto readiness = preparation_.Hear(*step, done)) {
    OnReadiness(*step, *readiness);
  } else {
    return attempt_.Hear(*step, done);
  }
  return true;
}

bool CurrentStep::Hear(const GateDone& done) {
  const Step* step = Mine();
  if (step == nullptr) return false;
  const auto verdict = gate_.Hear(done);
  if (verdict) OnVerdict(*step, *verdict);
  return verdict.has_value();
}

// --- beginning

void CurrentStep::Begin(const Step& step, int attempt) {
  const Readiness readiness = preparation_.Work(step);
  if (readiness != Readiness::kReady) {
    OnReadiness(step, readiness);
    return;
  }
  const bool command = step.RunsCommand();
  context_.recorder->Emit(
      run_.id, StepStarted{step.path, attempt, command ? preparation_.DirectoryOf(step) : ""});
  FocusOn(step.path, attempt);
  if (command) {
    attempt_.Work(step);
  } else if (step.gate) {
    WaitForGate(step);
  }
}

void CurrentStep::OnReadiness(const Step& step, Readiness readiness) {
  if (readiness == Readiness::kTimedOut) {
    Fail(step, HoldReason::kTimedOut, preparation_.WhyNot(step));
  } else if (readiness == Readiness::kRefused) {
    HoldRun(context_, run_, step.path, HoldReason::kRefused, preparation_.Trouble());
  }
}

// --- after an attempt

// The attempt is settled: done, to be verified, tried again, or given to a person.
void CurrentStep::AfterSettled(const Step& step) {
  const StepState& state = run_.steps.at(step.path);
  const bool never_ran = !state.receipts_lost && state.receipt.state == ReceiptState::kVoid;
  if (state.approved || (never_ran && state.voids < kMostVoid)) {
    Begin(step, state.attempt + 1);
  } else if (state.Succeeded()) {
    if (step.gate) {
      WaitForGate(step);
    } else {
      Done(step, StepResult::kDone, "");
    }
  } else if (never_ran) {
    HoldRun(context_, run_, step.path, HoldReason::kRefused,
            Say<HeldBecause::kVoids>(step.host, std::to_string(state.voids)));
  } else if (state.Unknown()) {
    AfterUnknown(step);
  } else {
    AfterFailure(step);
  }
}

void CurrentStep::AfterUnknown(const Step& step) {
  const StepState& state = run_.steps.at(step.path);
  if (step.gate && !gate_timed_out_) {
    WaitForGate(step);
    return;
  }
  const int tries = state.attempt - state.first_attempt + 1;
  if (step.idempotent && tries < std::max(step.attempts, 2)) {
    Begin(step, state.attempt + 1);
    return;
  }
  HoldRun(
      context_, run_, step.path,
      run_.IsAlways(step.path) ? HoldReason::kAlwaysFailed : HoldReason::kOutcomeUnknown,
      state.receipts_lost ? Say<HeldBecause::kReceiptsGone>() : Say<HeldBecause::kInterrupted>());
}

void CurrentStep::AfterFailure(const Step& step) {
  const StepState& state = run_.steps.at(step.path);
  if (state.attempt - state.first_attempt + 1 < step.attempts) {
    preparation_.NotBefore(
        context_.clock->In(context_.clock->LeftOf(state.since, step.retry_delay)));
    Begin(step, state.attempt + 1);
    return;
  }
  const std::string said = LastWords(state.receipt.output);
  const std::string status = std::to_string(state.receipt.exit_status);
  Fail(step, HoldReason::kStepFailed,
       said.empty() ? Say<HeldBecause::kExitStatus>(status)
                    : Say<HeldBecause::kExitStatusSaid>(status, said));
}

// --- gates

void CurrentStep::WaitForGate(const Step& step) {
  OnVerdict(step, gate_.Work(step));
}

void CurrentStep::OnVerdict(const Step& step, GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::kWaits:
      return;
    case GateVerdict::kOpen:
      Done(step, StepResult::kDone, gate_.Detail());
      return;
    case GateVerdict::kInvalid:
      Fail(step, HoldReason::kGateShut, gate_.Detail());
      return;
    case GateVerdict::kRefused:
      HoldRun(context_, run_, step.path, HoldReason::kRefused, gate_.Trouble());
      return;
    case GateVerdict::kTimedOut:
      if (run_.steps.at(step.path).Unknown()) {
        gate_timed_out_ = true;  // not shown to be done
        gate_.Reset();
        AfterUnknown(step);
        return;
      }
      Fail(step, HoldReason::kGateShut,
           Say<HeldBecause::kGateShut>(FormatDuration(step.gate->timeout), gate_.Detail()));
      return;
  }
}

// --- questions

void CurrentStep::WaitForAnswer(const Step& step) {
  if (!step.approval || step.approval->timeout <= Milliseconds(0)) return;
  const EngineClock& clock = *context_.clock;
  const Milliseconds timeout = step.approval->timeout;
  if (!answer_by_) {
    answer_by_ = clock.Deadline(run_.steps.at(step.path).since, timeout, kLeastLook);
  }
  if (!clock.Passed(answer_by_)) return;
  answer_by_.reset();
  Fail(step, HoldReason::kNotConfirmed, Say<HeldBecause::kNobodyAnswered>(FormatDuration(timeout)));
}

// --- results

void CurrentStep::Done(const Step& step, StepResult result, const std::string& detail) {
  const auto state = run_.steps.find(step.path);
  Milliseconds took{0};
  if (state != run_.steps.end() && state->second.started) {
    took = std::max(context_.clock->wall() - *state->second.started, Milliseconds(0));
  }
  context_.recorder->Emit(run_.id, StepDone{step.path, result, took, detail});
  Reset();
}

// The step cannot succeed any more; its attempt is settled, so moving on is safe where the runbook
// says so.
void CurrentStep::Fail(const Step& step, HoldReason reason, const std::string& detail) {
  if (run_.IsAlways(step.path)) {
    HoldRun(context_, run_, step.path, HoldReason::kAlwaysFailed, detail);
    return;
  }
  switch (step.on_failure) {
    case OnFailure::kHold:
      HoldRun(context_, run_, step.path, reason, detail);
      return;
    case OnFailure::kContinue:
      Done(step, StepResult::kContinued, std::string(Name(reason)) + ": " + detail);
      return;
    case OnFailure::kAbort:
      context_.recorder->Emit(run_.id, RunEnding{RunResult::kFailed, step.name + ": " + detail});
      Reset();
      return;
  }
}

// --- questions of other parts

std::string CurrentStep::Trouble() const {
  if (!gate_.Trouble().empty()) return gate_.Trouble();
  return attempt_.Trouble().empty() ? preparation_.Trouble() : attempt_.Trouble();
}

std::string CurrentStep::Running() const {
  return attempt_.Running() ? path_ : "";
}

StepPhase CurrentStep::PhaseOf(const Step& step, const StepState* state) const {
  const bool current = path_ == step.path;
  if (state == nullptr || state->attempt == 0) {
    return current && preparation_.Begun() ? StepPhase::kPreparing : StepPhase::kPending;
  }
  if (state->result) return StepPhase::kDone;
  if (step.kind == StepKind::kConfirm) return StepPhase::kConfirm;
  if (step.RunsCommand() && !state->settled) return StepPhase::kActing;
  const bool again = state->approved || (!state->Succeeded() && !state->Unknown());
  if (step.RunsCommand() && again) return StepPhase::kRetryWait;
  return current && !gate_.HasMarks() ? StepPhase::kMarking : StepPhase::kGate;
}

void CurrentStep::AddTo(const Step& step, StepView* view) const {
  if (view->phase == StepPhase::kLeft) return;
  const auto found = run_.steps.find(step.path);
  view->phase = PhaseOf(step, found == run_.steps.end() ? nullptr : &found->second);
  const bool held = std::any_of(run_.holds.begin(), run_.holds.end(),
                                [&](const Hold& hold) { return hold.path == step.path; });
  const bool idle = view->phase == StepPhase::kRetryWait || view->phase == StepPhase::kPreparing ||
                    view->phase == StepPhase::kPending;
  if (held && idle) view->phase = StepPhase::kHeld;
  if (path_ == step.path) {
    view->gate = gate_.Reading();
    if (std::string output = attempt_.Output(); !output.empty()) view->output = std::move(output);
  }
  if (view->started && !view->result) {
    view->took = std::max(context_.clock->wall() - *view->started, Milliseconds(0));
  }
}

std::optional<WallTime> CurrentStep::AskedUntil() const {
  if (!answer_by_ || Mine() == nullptr) return std::nullopt;
  return context_.clock->wall() + context_.clock->Until(*answer_by_);
}

std::optional<SteadyTime> CurrentStep::NextDeadline() const {
  std::optional<SteadyTime> look;
  if (answer_by_ && run_.holds.empty()) look = context_.clock->NextLook();
  return Earlier(Earlier(look, gate_.NextDeadline()),
                 Earlier(attempt_.NextDeadline(), preparation_.NextDeadline()));
}

}  // namespace mailhub::engine
