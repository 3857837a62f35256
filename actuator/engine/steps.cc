// The current step: prepare, commit the intent, act, settle, verify. What to do next is read from
// the step's recorded state each time, so a restart takes up where the journal ends.
#include <algorithm>

#include "actuator/engine/core.h"
#include "actuator/engine/last_words.h"

namespace mailhub::engine {
namespace {

bool IsAction(const Step& step) {
  return step.kind == StepKind::kRun || step.kind == StepKind::kJob;
}

// What is left to look after a restart, however long nobody looked before it.
constexpr Milliseconds kLeastLook{30'000};

// An attempt is void because we asked for that: after a restart in the middle of it, say. A host
// that says so again and again is not to be asked for ever.
constexpr int kMostVoid = 20;

std::string Describe(const GateReading& reading) {
  std::string text = Name(reading.state);
  if (!reading.why.empty()) text += ": " + reading.why;
  return text;
}

}  // namespace

void Engine::Core::WorkStep(LiveRun& live, const Step& step) {
  Run& run = live.run;
  const StepState& state = run.steps[step.path];
  if (live.doing.path != step.path || live.doing.attempt != state.attempt) {
    live.doing = {};
    live.doing.path = step.path;
    live.doing.attempt = state.attempt;
  }
  const bool unsettled = IsAction(step) && state.attempt > 0 && !state.settled;
  const bool goes_on = run.cancelling && run.holds.empty() && run.LeftRunning() == &step;
  if (unsettled && !goes_on) {
    // Also while held: a job that outlived its time-out still ends, and its end should be known.
    // Not after a refusal.
    if (!run.HasHold(step.path, HoldReason::kRefused)) Act(live, step);
    return;
  }
  if (!run.holds.empty()) return;
  if (run.cancelling) {
    Emit(run.id, RunEnding{RunResult::kCancelled, run.cancelled_by});
    live.doing = {};
    return;
  }
  if (state.attempt == 0) {
    BeginAttempt(live, step, 1);
  } else if (step.kind == StepKind::kConfirm) {
    live.doing.trouble.clear();
    if (state.again) BeginAttempt(live, step, state.attempt + 1);
  } else if (IsAction(step)) {
    AfterSettled(live, step);
  } else {
    WorkGate(live, step);
  }
}

// --- beginning

bool Engine::Core::MayBegin(LiveRun& live, const Step& step) {
  if (mode != Mode::kActive) {
    live.doing.trouble = std::string("mode is ") + Name(mode);
  } else if (live.run.pause) {
    live.doing.trouble = "paused";
  } else if (std::string stop = StopBefore(live, step); !stop.empty()) {
    live.doing.trouble = std::move(stop);
  } else if (!GuardedUntil(live, step)) {
    live.doing.trouble = Unconfirmed(live, step) + " has not confirmed its dead man's lease";
  } else {
    return true;
  }
  return false;
}

namespace {

// Why there is no answer. A host that is frozen says nothing at all.
std::string Trouble(const LiveRun& live, const std::string& who) {
  return live.doing.trouble.empty() ? who + " does not answer" : live.doing.trouble;
}

}  // namespace

// How long a step's host may be away, or its dead man unconfirmed, before the step counts as failed
// without having begun: as long as all its attempts may take.
Milliseconds Patience(const Step& step) {
  return step.timeout * step.attempts + step.retry_delay * (step.attempts - 1);
}

void Engine::Core::BeginAttempt(LiveRun& live, const Step& step, int attempt) {
  const bool waits = mode == Mode::kActive && !live.run.pause;
  if (!waits) live.doing.deadline.reset();  // nobody waits for a host now
  if (live.doing.effect != 0 && Passed(live.doing.deadline)) {
    FailStep(live, step, HoldReason::kTimedOut, "not begun: " + Trouble(live, step.host));
    return;
  }
  if (live.doing.effect != 0 || !Due(live.doing.due)) return;
  if (waits && !live.doing.deadline) live.doing.deadline = Attended(Patience(step));
  std::string directory;
  const bool ready = MayBegin(live, step) && (!IsAction(step) || Prepare(live, step));
  if (!ready) {
    if (live.doing.effect == 0 && !live.doing.trouble.empty() && Passed(live.doing.deadline)) {
      FailStep(live, step, HoldReason::kTimedOut, "not begun: " + live.doing.trouble);
    }
    return;
  }
  if (IsAction(step)) directory = live.directories[step.host];
  Emit(live.run.id, StepStarted{step.path, attempt, directory});
  live.doing = {};
  live.doing.path = step.path;
  live.doing.attempt = attempt;
  if (IsAction(step)) {
    Act(live, step);
  } else if (step.gate) {
    WorkGate(live, step);
  }
}

// Learns the receipts directory and arms the dead man; true when both are done.
bool Engine::Core::Prepare(LiveRun& live, const Step& step) {
  Doing& doing = live.doing;
  if (!live.directories.contains(step.host)) {
    if (Passed(doing.deadline) && !doing.trouble.empty()) return false;
    RemoteRequest request;
    request.verb = doing.verb = RemoteVerb::kHello;
    request.host = step.host;
    doing.effect = Ask(std::move(request), live.run.id);
    return false;
  }
  if (std::string wait = PassedOverOn(step.host); !wait.empty()) {
    doing.trouble = std::move(wait);
    return false;
  }
  if (Unheard(live, step.host)) {
    doing.trouble = step.host + " has not heard yet that its dead man's act is known";
    return false;
  }
  if (step.dead_man && !live.run.leases.contains(step.path)) {
    Arm(live, step, live.directories[step.host]);
    return false;
  }
  return true;
}

// Whether a dead man has acted there, and the host has not heard yet that this is known. It refuses
// every command of the run until then.
bool Engine::Core::Unheard(const LiveRun& live, const std::string& host) const {
  return std::any_of(live.run.restored.begin(), live.run.restored.end(),
                     [&](const auto& entry) { return entry.second.host == host; });
}

void Engine::Core::Arm(LiveRun& live, const Step& step, const std::string& directory) {
  Emit(live.run.id, DeadManArmed{step.path, step.host, step.dead_man->after, directory});
  AskLease(live, step.path, RemoteVerb::kArm);
}

// --- acting

void Engine::Core::Act(LiveRun& live, const Step& step) {
  Doing& doing = live.doing;
  const StepState& state = live.run.steps[step.path];
  if (mode != Mode::kActive && !doing.running) {
    doing.deadline.reset();
  } else if (!doing.deadline) {
    const WallTime since = std::max(state.since, mode_since.value_or(state.since));
    doing.deadline = Deadline(doing.running ? state.since : since, step.timeout, kLeastLook);
  }
  // A host that does not answer at all is not waited for longer than one that says no.
  if (live.run.holds.empty() && (doing.asked || doing.effect != 0) && Passed(doing.deadline)) {
    OnOverdue(live, step);
  }
  if (doing.effect != 0 || !Due(doing.due)) return;
  RemoteRequest request;
  request.host = step.host;
  request.key = KeyOf(live.run, step.path);
  request.directory_id = state.directory_id;
  const bool left = live.run.LeftRunning() == &step;
  const bool settle =
      live.run.cancelling || state.approved || left || live.run.WentBackFrom(step.path);
  const bool end = live.run.cancelling && !left && (step.kind == StepKind::kJob || doing.ending);
  if (end && doing.running && !doing.cancel_sent) {
    request.verb = RemoteVerb::kCancel;
    if (!doing.ending) GiveTimeToEnd(&doing);
  } else if (settle) {
    request.verb = RemoteVerb::kVoid;  // or the receipt, if it was claimed
  } else if (doing.running || !MayReach(live, step)) {
    request.verb = RemoteVerb::kStatus;
  } else {
    request.verb = step.kind == StepKind::kJob ? RemoteVerb::kLaunch : RemoteVerb::kRun;
    request.command = step.command;
    request.begin_before = std::min(In(config.begin_within), *GuardedUntil(live, step));
  }
  doing.verb = request.verb;
  doing.effect = Ask(std::move(request), live.run.id);
}

// The step takes longer than it may: a person is asked.
void Engine::Core::OnOverdue(LiveRun& live, const Step& step) {
  Doing& doing = live.doing;
  const bool left = live.run.LeftRunning() == &step;
  if (!left && live.run.cancelling && doing.running && !doing.ending) {
    // A cancelled run waits for a short command, though no longer than that one may take.
    GiveTimeToEnd(&doing);
    return;
  }
  const std::string trouble = Trouble(live, step.host);
  const std::string how = doing.running && doing.trouble.empty()
                              ? "it still runs"
                              : "nobody knows whether it still runs: " + trouble;
  if (left) {
    HoldRun(live, step.path, HoldReason::kStillStopped,
            "\"" + step.name + "\" was left while its command ran, and " + how +
                (live.run.leases.contains(step.path)
                     ? "; until this is answered its dead man is renewed as long as the host can "
                       "be reached"
                     : "; nobody can vouch for its dead man"));
  } else if (!doing.running) {
    HoldRun(live, step.path, HoldReason::kTimedOut, trouble);
  } else if (doing.ending) {
    HoldRun(live, step.path, HoldReason::kTimedOut,
            "it was told to end, and " + FormatDuration(config.end_within) + " later " + how);
  } else {
    HoldRun(live, step.path, HoldReason::kTimedOut,
            "after " + FormatDuration(step.timeout) + " " + how);
  }
}

// To end takes as long as it takes, TERM and KILL, however short the command's own time is.
void Engine::Core::GiveTimeToEnd(Doing* doing) const {
  doing->ending = true;
  doing->deadline = Attended(config.end_within);
}

// Whether a command whose intent is recorded may begin, should it turn out that it never did: not
// in a held run, and not before the hosts have said that no dead man has acted meanwhile.
bool Engine::Core::MayReach(const LiveRun& live, const Step& step) const {
  const bool guarded = !step.dead_man || live.run.leases.contains(step.path);
  return mode == Mode::kActive && live.run.holds.empty() && guarded && !Unheard(live, step.host) &&
         GuardedUntil(live, step);
}

void Engine::Core::OnStepReply(LiveRun& live, const Step& step, const RemoteReply& reply) {
  Doing& doing = live.doing;
  doing.asked = true;
  if (doing.verb == RemoteVerb::kHello) {
    if (reply.receipt) {
      const auto recorded = live.run.directories.find(step.host);
      if (recorded != live.run.directories.end() && recorded->second != reply.directory_id) {
        DoubtLeases(live, step.host);
      }
      live.directories[step.host] = reply.directory_id;
      doing.trouble.clear();
      return;
    }
    doing.trouble = reply.receipt.error().message;
    doing.due = In(config.remote_retry);
    if (IsRefusal(reply.receipt.error())) {
      HoldRun(live, step.path, HoldReason::kRefused, doing.trouble);
    }
    return;
  }
  OnActReply(live, step, reply);
}

void Engine::Core::OnActReply(LiveRun& live, const Step& step, const RemoteReply& reply) {
  Doing& doing = live.doing;
  const StepState& state = live.run.steps[step.path];
  if (!reply.receipt) {
    const Error& error = reply.receipt.error();
    doing.trouble = error.message;
    // Nobody will hold the run for that, nor believe that its command has ended.
    if (live.run.LeftRunning() == &step && error.kind != ErrorKind::kNotFound) {
      doing.running = false;
      if (error.kind == ErrorKind::kCorrupt) live.directories.erase(step.host);
      doing.due = In(IsRefusal(error) ? AfterTheEnd() : config.remote_retry);
      return;
    }
    switch (error.kind) {
      case ErrorKind::kUnreachable:
      case ErrorKind::kOutcomeUnknown:
      case ErrorKind::kOverloaded:
        doing.due = In(config.remote_retry);
        return;
      case ErrorKind::kCorrupt:
      case ErrorKind::kNotFound:
        Settle(live, step, Receipt{}, true);
        return;
      case ErrorKind::kInvalid:
      case ErrorKind::kRefused:
      case ErrorKind::kInternal:
        doing.due = In(config.remote_retry);  // a run that is held already asks on, but not at once
        HoldRun(live, step.path, HoldReason::kRefused, error.message);
        return;
    }
  }
  if (reply.directory_id != state.directory_id) {
    Settle(live, step, Receipt{}, true);
    return;
  }
  doing.trouble.clear();
  if (doing.verb == RemoteVerb::kCancel) {
    doing.cancel_sent = true;
    doing.due = In(config.poll_step);
    return;
  }
  const Milliseconds poll = step.kind == StepKind::kJob ? config.poll_job : config.poll_step;
  switch (reply.receipt->state) {
    case ReceiptState::kRunning:
      doing.running = true;
      doing.output = reply.receipt->output;
      doing.due = live.run.cancelling && step.kind == StepKind::kJob && !doing.cancel_sent
                      ? now.steady
                      : In(poll);
      return;
    case ReceiptState::kNone:
      if (doing.running) {
        Settle(live, step, Receipt{}, true);
      } else {
        OnNotBegun(live, step);
      }
      return;
    case ReceiptState::kFinished:
    case ReceiptState::kInterrupted:
    case ReceiptState::kVoid:
      Settle(live, step, *reply.receipt, false);
      return;
  }
}

// It has not begun although its intent is recorded. Its dead man may have acted and gone meanwhile.
void Engine::Core::OnNotBegun(LiveRun& live, const Step& step) {
  live.doing.due = In(config.poll_step);
  const Run& run = live.run;
  if (mode != Mode::kActive || !run.holds.empty() || MayReach(live, step)) return;
  live.doing.trouble = Unconfirmed(live, step) + " has not confirmed its dead man's lease";
  if (step.dead_man && !run.leases.contains(step.path) && !Unheard(live, step.host)) {
    Arm(live, step, run.steps.at(step.path).directory_id);
  }
}

void Engine::Core::Settle(LiveRun& live, const Step& step, const Receipt& receipt, bool lost) {
  Emit(live.run.id, StepSettled{step.path, live.run.steps[step.path].attempt, receipt, lost});
  if (lost) {
    live.directories.erase(step.host);  // a further attempt needs the new one's identity
    DoubtLeases(live, step.host);
  }
  const int attempt = live.doing.attempt;
  live.doing = {};
  live.doing.path = step.path;
  live.doing.attempt = attempt;
}

// The attempt is settled: done, to be verified, tried again, or given to a person.
void Engine::Core::AfterSettled(LiveRun& live, const Step& step) {
  const StepState& state = live.run.steps[step.path];
  Doing& doing = live.doing;
  const bool never_ran = !state.receipts_lost && state.receipt.state == ReceiptState::kVoid;
  const bool verifiable = step.gate && !doing.gate_timed_out;
  if (state.Succeeded() && !state.approved) {
    if (step.gate) {
      WorkGate(live, step);
    } else {
      Done(live, step, StepResult::kDone, "");
    }
    return;
  }
  if (never_ran && !state.approved && state.voids >= kMostVoid) {
    HoldRun(live, step.path, HoldReason::kRefused,
            step.host + " says of " + std::to_string(state.voids) +
                " attempts in a row that they never run");
    return;
  }
  if (state.approved || never_ran) {
    BeginAttempt(live, step, state.attempt + 1);
    return;
  }
  if (state.Unknown() && verifiable) {
    WorkGate(live, step);
    return;
  }
  const int tries = state.attempt - state.first_attempt + 1;
  if (state.Unknown()) {
    if (step.idempotent && tries < std::max(step.attempts, 2)) {
      BeginAttempt(live, step, state.attempt + 1);
    } else {
      HoldRun(
          live, step.path,
          live.run.IsAlways(step.path) ? HoldReason::kAlwaysFailed : HoldReason::kOutcomeUnknown,
          state.receipts_lost
              ? "its receipts are gone from the host: nobody knows whether the command ran"
              : "the command was interrupted: nobody knows how far it came");
    }
    return;
  }
  if (tries < step.attempts) {
    if (!doing.due) doing.due = now.steady + LeftOf(state.since, step.retry_delay);
    BeginAttempt(live, step, state.attempt + 1);
    return;
  }
  const std::string said = LastWords(state.receipt.output);
  FailStep(live, step, HoldReason::kStepFailed,
           "exit status " + std::to_string(state.receipt.exit_status) +
               (said.empty() ? "" : ": " + said));
}

// --- gates

void Engine::Core::WorkGate(LiveRun& live, const Step& step) {
  Doing& doing = live.doing;
  const StepState& state = live.run.steps[step.path];
  const Gate& gate = *step.gate;
  const bool waits = doing.effect != 0 || !doing.mark_effects.empty();
  if ((waits || (doing.asked && Due(doing.due))) && Passed(doing.deadline)) {
    GateTimedOut(live, step);
    return;
  }
  if (doing.effect != 0 || !Due(doing.due)) return;
  if (!doing.gate_began) {
    doing.gate_began = now.steady;
    // The marks are new, so evidence from after them needs its time, too.
    const Milliseconds reach = gate.window + gate.hold_for;
    doing.deadline = Deadline(state.since, gate.timeout, reach * 2 + kLeastLook);
    doing.asked = false;
  }
  for (const std::string& host : gate.about) {
    if (doing.marks.contains(host) || doing.mark_effects.contains(host)) continue;
    RemoteRequest request;
    request.verb = RemoteVerb::kHello;
    request.host = host;
    doing.mark_effects[host] = Ask(std::move(request), live.run.id);
  }
  if (!doing.mark_effects.empty()) return;
  GateQuestion question{gate, doing.marks, now.steady - *doing.gate_began};
  doing.effect = Ask(std::move(question), live.run.id);
}

void Engine::Core::OnMark(LiveRun& live, const Step& step, const std::string& host,
                          const RemoteReply& reply) {
  if (reply.receipt) {
    live.doing.marks[host] = reply.mark;
    live.doing.trouble.clear();
    return;
  }
  live.doing.asked = true;
  live.doing.trouble = host + ": " + reply.receipt.error().message;
  live.doing.due = In(config.remote_retry);
  if (IsRefusal(reply.receipt.error())) {
    HoldRun(live, step.path, HoldReason::kRefused, live.doing.trouble);
  }
}

void Engine::Core::OnGate(LiveRun& live, const Step& step, const GateReading& reading) {
  Doing& doing = live.doing;
  doing.reading = reading;
  if (!live.run.holds.empty()) return;  // opens only after a person's answer, if it still does then
  doing.asked = true;
  doing.due = In(config.poll_gate);
  doing.trouble.clear();
  switch (reading.state) {
    case GateState::kOpen:
      Done(live, step, StepResult::kDone, Describe(reading));
      return;
    case GateState::kRebooted:
      // What was done before the reboot may be undone by it; the condition itself tells, on
      // evidence from after it.
      doing.marks.clear();
      return;
    case GateState::kInvalid:
      FailStep(live, step, HoldReason::kGateShut, Describe(reading));
      return;
    case GateState::kUnreachable:
      doing.due = In(config.remote_retry);
      doing.trouble = Describe(reading);
      return;
    case GateState::kFalse:
    case GateState::kStale:
      return;
  }
}

void Engine::Core::GateTimedOut(LiveRun& live, const Step& step) {
  Doing& doing = live.doing;
  const std::string who =
      doing.mark_effects.empty() ? "Prometheus" : doing.mark_effects.begin()->first;
  const std::string last = doing.reading ? Describe(*doing.reading) : Trouble(live, who);
  if (live.run.steps[step.path].Unknown()) {
    doing.gate_timed_out = true;  // not shown to be done: AfterSettled goes on from there
    doing.due.reset();
    doing.deadline.reset();
    doing.trouble.clear();
    AfterSettled(live, step);
    return;
  }
  FailStep(live, step, HoldReason::kGateShut,
           "not within " + FormatDuration(step.gate->timeout) + ": " + last);
}

// --- results

void Engine::Core::Done(LiveRun& live, const Step& step, StepResult result,
                        const std::string& detail) {
  const StepState& state = live.run.steps[step.path];
  const Milliseconds took =
      state.started ? std::max(now.wall - *state.started, Milliseconds(0)) : Milliseconds(0);
  Emit(live.run.id, StepDone{step.path, result, took, detail});
  live.doing = {};
}

// The step cannot succeed any more; its attempt is settled, so moving on is safe where the runbook
// says so.
void Engine::Core::FailStep(LiveRun& live, const Step& step, HoldReason reason,
                            const std::string& detail) {
  if (live.run.IsAlways(step.path)) {
    HoldRun(live, step.path, HoldReason::kAlwaysFailed, detail);
    return;
  }
  switch (step.on_failure) {
    case OnFailure::kHold:
      HoldRun(live, step.path, reason, detail);
      return;
    case OnFailure::kContinue:
      Done(live, step, StepResult::kContinued, std::string(Name(reason)) + ": " + detail);
      return;
    case OnFailure::kAbort:
      Emit(live.run.id, RunEnding{RunResult::kFailed, step.name + ": " + detail});
      live.doing = {};
      return;
  }
}

void Engine::Core::HoldRun(LiveRun& live, const std::string& path, HoldReason reason,
                           const std::string& detail) {
  if (!live.run.HasHold(path, reason)) Emit(live.run.id, RunHeld{path, reason, detail});
}

}  // namespace mailhub::engine
