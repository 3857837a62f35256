// See invariants.h.
#include "tests/sim/invariants.h"

#include <algorithm>

#include "tests/sim/engine_seams.h"
#include "tests/sim/verbs.h"

namespace mailhub::sim {

using engine::HoldReason;
using engine::Run;
using engine::Step;
using engine::StepState;

namespace {

// A refusal may be delayed this long while the actuator stops or cannot write.
constexpr int64_t kStillInFlightMs = 1'500'000;
// The end's wait for a host, as docs/execution_model.md says.
constexpr Milliseconds kEndPatience{600'000};
constexpr Milliseconds kTimeToEnd{60'000};

// The first complaint of several judges; none if all are content.
Complaint FirstOf(std::initializer_list<Complaint> complaints) {
  for (const Complaint& complaint : complaints) {
    if (complaint) return complaint;
  }
  return std::nullopt;
}

bool Worked(const Step& step, int exit_status) {
  return std::find(step.success.begin(), step.success.end(), exit_status) != step.success.end();
}

// Whether the journal has a reason for another attempt: certain failure, never ran, may be done
// twice, or a person's request.
bool MayFollow(const Step& step, const StepState& state) {
  // A question is asked again once an earlier step was repeated.
  if (step.kind == engine::StepKind::kConfirm) return state.again;
  if (!state.settled) return false;
  if (state.approved || state.receipts_lost) return state.approved || step.idempotent;
  switch (state.receipt.state) {
    case engine::ReceiptState::kFinished:
      return !Worked(step, state.receipt.exit_status);
    case engine::ReceiptState::kVoid:
      return true;
    default:
      return step.idempotent;
  }
}

std::string KeyOf(const Run& run, const std::string& path, int attempt) {
  return run.id + '/' + path + '/' + std::to_string(attempt);
}

// A forward step whose command's end the journal does not know, and which was not passed over.
const Step* UnderWay(const Run& run) {
  if (run.stage != engine::Stage::kActive) return nullptr;
  for (const Step& step : run.plan().steps) {
    const StepState* state = StateOf(run, step.path);
    const bool acts = step.kind == engine::StepKind::kRun || step.kind == engine::StepKind::kJob;
    const bool begun = state != nullptr && state->attempt > 0;
    if (acts && begun && !state->settled && !state->result) return &step;
  }
  return nullptr;
}

bool BringsBack(const Run& run, const std::string& stop, const std::string& path) {
  const auto restoring = run.Restoring(stop);
  return std::any_of(restoring.begin(), restoring.end(),
                     [&](const Step* step) { return step->path == path; });
}

// Whether all forward steps left are passed over.
bool AllPassed(const Run& run) {
  return std::all_of(run.plan().steps.begin(), run.plan().steps.end(), [&](const Step& step) {
    const StepState* state = StateOf(run, step.path);
    return state != nullptr && state->result;
  });
}

}  // namespace

Invariants::Invariants(std::shared_ptr<const Playbook> playbook)
    : known_(std::move(playbook)),
      guards_(&known_),
      starts_(&known_),
      progress_(&known_, &starts_),
      answers_(&known_) {}

Complaint Invariants::See(const Observation& observation) {
  // Events recorded at one moment are one commit, so lasting state is judged between moments.
  Complaint lasting;
  if (observation.at_ms > known_.now_ms) {
    lasting = guards_.Standing();
    known_.now_ms = observation.at_ms;
    if (auto stood = progress_.Pass(); !lasting) lasting = stood;
    known_.up_ms = progress_.up_ms();
  }
  Complaint now = std::visit([this](const auto& what) { return On(what); }, observation.what);
  return lasting ? lasting : now;
}

// --- the journal

Complaint Invariants::On(const Recorded& recorded) {
  const engine::Event& event = recorded.event;
  decided_at_ = event.at;
  if (event.seq != ++last_seq_) return "the journal's numbers have a gap";
  Complaint broken = answers_.Record(event);
  if (const auto* changed = std::get_if<engine::ModeChanged>(&event.body)) {
    known_.mode = changed->mode;
  }
  if (event.run.empty() || std::holds_alternative<engine::AlertDecided>(event.body)) {
    progress_.Record(event);
    return broken;
  }
  Run& run = known_.runs[event.run];
  run.id = event.run;
  if (std::holds_alternative<engine::RunQueued>(event.body)) known_.unfinished.insert(run.id);
  if (auto other = std::visit([&](const auto& body) { return OnEvent(run, body); }, event.body);
      !broken) {
    broken = other;
  }
  progress_.Record(event);
  const bool moves_on = MovesOn(run, event);
  const auto* acted = std::get_if<engine::OperatorActed>(&event.body);
  const auto holds = acted == nullptr ? std::vector<OpenHold>() : HoldsOf(run);
  run.Apply(event);
  if (acted != nullptr && !broken) broken = JudgeAnswer(known_, run, holds, *acted);
  if (std::holds_alternative<engine::RunHeld>(event.body)) {
    known_.hold_events[{run.id, HoldsOf(run).back().number}] = event.seq;
  }
  if (run.stage == engine::Stage::kFinished) known_.unfinished.erase(run.id);
  if (moves_on) moved_[run.id] = event.at;
  return broken;
}

Complaint Invariants::OnEvent(Run& run, const engine::RunQueued& body) {
  run.queued = body;  // for calls that read its plan
  return std::nullopt;
}

Complaint Invariants::OnEvent(Run& run, const engine::RunStarted&) {
  for (const std::string& lock : known_.PlanOf(run).locks) {
    if (lock_holders_.contains(lock)) return "lock " + lock + " is held twice";
    lock_holders_[lock] = run.id;
  }
  return starts_.Record(run, engine::RunStarted{}, decided_at_);
}

Complaint Invariants::OnEvent(Run& run, const engine::StepStarted& body) {
  const std::string step = "step " + body.path;
  if (known_.mode != engine::Mode::kActive) return step + " began while the actuator was halted";
  if (run.pause) return step + " began while its run was paused";
  if (IsHeld(run)) return step + " began while its run was held";
  if (const Step* other = UnderWay(run); other != nullptr && other->path != body.path) {
    return step + " began while the command of " + other->path + " was under way";
  }
  const StepState* state = StateOf(run, body.path);
  const int before = state == nullptr ? 0 : state->attempt;
  if (body.attempt != before + 1) return step + " skipped an attempt";
  if (before > 0 && !MayFollow(known_.StepOf(run, body.path), *state)) {
    return step + " was begun again without a reason";
  }
  intents_[KeyOf(run, body.path, body.attempt)] = last_seq_;
  if (skipped_.contains({run.id, body.path})) {
    return step + " was begun again although a person had skipped it";
  }
  return std::nullopt;
}

Complaint Invariants::OnEvent(Run& run, const engine::StepDone& body) {
  if (body.result == engine::StepResult::kSkipped) skipped_.insert({run.id, body.path});
  const StepState* state = StateOf(run, body.path);
  const Step& step = known_.StepOf(run, body.path);
  const bool asks = step.kind == engine::StepKind::kConfirm;
  if (asks && body.result == engine::StepResult::kDone &&
      confirmed_.erase({run.id, body.path}) == 0) {
    return "nobody answered the question of " + body.path + ", and the run went on";
  }
  const std::string& host = step.host;
  if (state == nullptr || state->attempt == 0 || state->settled || host.empty()) return {};
  passed_over_[KeyOf(run, body.path, state->attempt)] = {host, last_seq_, false};
  return std::nullopt;
}

Complaint Invariants::OnEvent(Run& run, const engine::RunFinished& body) {
  std::erase_if(lock_holders_, [&](const auto& entry) { return entry.second == run.id; });
  if (!run.leases.empty() || !run.restored.empty()) {
    return "run " + run.id + " finished with a dead man still armed";
  }
  for (const engine::AlwaysStep& always : known_.PlanOf(run).always) {
    const StepState* since = StateOf(run, always.since);
    if (since == nullptr || since->attempt == 0) continue;
    const StepState* until = StateOf(run, always.until);
    if (until != nullptr && until->Fulfilled()) continue;
    const StepState* own = StateOf(run, always.step.path);
    if (own == nullptr || !own->result) return "the run finished and owes " + always.step.path;
  }
  if (body.result == engine::RunResult::kSucceeded) {
    for (const Step& step : known_.PlanOf(run).steps) {
      const StepState* state = StateOf(run, step.path);
      if (state == nullptr || !state->result) return "the run succeeded without " + step.path;
    }
  }
  if (auto broken = progress_.Worked(run, body)) return broken;
  if (body.result == engine::RunResult::kSucceeded) progress_.Finish(run, decided_at_);
  starts_.Record(run, body);
  return guards_.Record(run, body);
}

Complaint Invariants::OnEvent(Run& run, const engine::DeadManRestored& body) {
  return guards_.Record(run, body);
}

Complaint Invariants::OnEvent(Run& run, const engine::RunEnding&) {
  ends_since_[run.id] = decided_at_;
  return std::nullopt;
}

Complaint Invariants::OnEvent(Run& run, const engine::OperatorActed& body) {
  if (body.verb == engine::Verb::kRetry) {
    std::erase_if(skipped_, [&](const auto& one) { return one.first == run.id; });
  }
  starts_.Record(run, body);
  if (body.verb == engine::Verb::kConfirm) confirmed_.insert({run.id, body.path});
  if (run.HasHold(body.path, HoldReason::kHostAway)) {
    ends_since_[run.id + '/' + body.path] = decided_at_;
  }
  const Complaint verb = JudgeVerb(known_, run, body);
  return FirstOf({verb, guards_.Record(run, body)});
}

// --- holds

bool Invariants::TookAtLeast(const Run& run, Milliseconds limit) const {
  return known_.clock_stepped || decided_at_ - moved_.at(run.id) >= limit;
}

// Whether the end has waited that long for the dead man's host, or since a person chose to ask on.
bool Invariants::WaitedAtEnd(const std::string& lease, Milliseconds limit) const {
  const auto ending = ends_since_.find(SplitLease(lease).run);
  const auto asked_on = ends_since_.find(lease);
  if (ending == ends_since_.end()) return false;
  const WallTime since = asked_on == ends_since_.end() ? ending->second : asked_on->second;
  return known_.clock_stepped || decided_at_ - since >= limit;
}

bool Invariants::ExpectedHold(const Run& run, const Step& step, HoldReason reason) const {
  const StepState* state = StateOf(run, step.path);
  const bool begun = state != nullptr && state->attempt > 0;
  const auto host = hosts_.find(step.host);
  const std::string path = run.id + '/' + step.path;
  switch (reason) {
    case HoldReason::kStepFailed: {
      if (!begun) return false;
      const auto exit = exits_.find(path + '/' + std::to_string(state->attempt));
      return exit != exits_.end() && exit->second && !Worked(step, *exit->second);
    }
    case HoldReason::kTimedOut:
      return TookAtLeast(run, run.cancelling ? std::min(step.timeout, kTimeToEnd) : step.timeout);
    case HoldReason::kGateShut:
      return step.gate && TookAtLeast(run, step.gate->timeout);
    case HoldReason::kNotConfirmed:
      return step.approval && step.approval->timeout > Milliseconds(0) &&
             step.on_failure == engine::OnFailure::kHold &&
             TookAtLeast(run, step.approval->timeout);
    case HoldReason::kOutcomeUnknown:
      return host != hosts_.end() && host->second.lost_ms != INT64_MIN;
    case HoldReason::kLeaseLost:
      return host != hosts_.end() && host->second.receipts_lost_ms != INT64_MIN;
    case HoldReason::kStillStopped:
      return begun && !known_.LeaseIsOver(run, step.path) &&
             (run.stage == engine::Stage::kEnding || AllPassed(run));
    case HoldReason::kHostAway:
      return run.stage == engine::Stage::kEnding && WaitedAtEnd(path, kEndPatience);
    case HoldReason::kRefused:
      // After a dead man of its run has acted, a host refuses to begin a command.
      if (guards_.HasActedFor(run.id)) return true;
      return std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& entry) {
        return entry.second.wrong_key ||
               entry.second.wrong_key_ms + kStillInFlightMs > known_.now_ms;
      });
    case HoldReason::kDeadManRestored:
      return guards_.HasActed(path);
    case HoldReason::kAlwaysFailed: {
      static constexpr HoldReason kAny[] = {HoldReason::kStepFailed, HoldReason::kOutcomeUnknown,
                                            HoldReason::kGateShut, HoldReason::kRefused,
                                            HoldReason::kTimedOut};
      return std::any_of(std::begin(kAny), std::end(kAny),
                         [&](HoldReason one) { return ExpectedHold(run, step, one); });
    }
  }
  return false;
}

Complaint Invariants::OnEvent(Run& run, const engine::DeadManDisarmed& body) {
  const std::string& host = known_.StepOf(run, body.path).host;
  const auto lease = hosts_[host].leases.find(run.id + '/' + body.path);
  // A delayed arming may just have arrived, or while the actuator stopped.
  const bool armed = lease != hosts_[host].leases.end() && lease->second + 5000 < known_.up_ms;
  if (armed) return "the dead man of " + body.path + " is still armed on " + host;
  return std::nullopt;
}

Complaint Invariants::OnEvent(Run& run, const engine::RunHeld& body) {
  const Step& step = known_.StepOf(run, body.path);
  if (ExpectedHold(run, step, body.reason)) return progress_.Hold(run, body);
  return std::string("a hold that nobody expects: ") + engine::Name(body.reason) + " at " +
         body.path + ": " + body.detail;
}

// --- the hosts' actions

Complaint Invariants::On(const DeedBegan& deed) {
  if (deed.by_dead_man) return guards_.Begins(deed);
  HostFacts& host = hosts_[deed.host];
  last_deeds_ms_[{SplitAttempt(deed.key).run, deed.host}] = known_.now_ms;
  if (deed.by.journal != "main") return "a foreign actuator had an effect: " + deed.key;
  if (deed.by.epoch < host.epoch) return "a deposed actuator had an effect: " + deed.key;
  if (!keys_done_.insert(deed.key).second) return "carried out twice under one key: " + deed.key;
  const Key key = SplitAttempt(deed.key);
  const Run* found = known_.Find(key.run);
  if (found == nullptr) return "carried out for a run nobody recorded: " + deed.key;
  const Run& run = *found;
  const StepState* state = StateOf(run, key.path);
  if (state == nullptr || state->attempt < key.attempt) {
    return "carried out before its intent was recorded: " + deed.key;
  }
  if (run.stage == engine::Stage::kFinished) return "carried out after its run: " + deed.key;
  if (state->attempt == key.attempt && state->settled) {
    return "carried out after it was settled: " + deed.key;
  }
  const auto passed_over = passed_over_.find(deed.key);
  if (passed_over != passed_over_.end() && passed_over->second.overtaken) {
    return "carried out although its step was passed over and its host had done more since: " +
           deed.key;
  }
  for (const auto& [other, facts] : passed_over_) {
    const Key stop = SplitAttempt(other);
    const bool runs = keys_done_.contains(other) && !exits_.contains(other);
    if (stop.run != key.run || !runs || run.released.contains(stop.path)) continue;
    if (stop.path != key.path && BringsBack(run, stop.path, key.path)) {
      return deed.key + " brings back what " + other +
             " stops, which was passed over and still runs";
    }
  }
  for (auto& [other, facts] : passed_over_) {
    if (facts.host == deed.host && facts.seq < intents_.at(deed.key)) facts.overtaken = true;
  }
  const Step& step = known_.StepOf(run, key.path);
  if (step.dead_man && !host.leases.contains(key.run + '/' + key.path)) {
    return "carried out without its dead man: " + deed.key;
  }
  return guards_.Begins(deed);
}

Complaint Invariants::On(const DeedEnded& deed) {
  exits_[deed.key] = deed.exit_status;
  const Key key = SplitAttempt(deed.key);
  const Run* run = known_.Find(key.run);
  const StepState* state = run == nullptr ? nullptr : StateOf(*run, key.path);
  // A person may have resolved the step while its command still ran.
  if (state == nullptr || !state->result) last_deeds_ms_[{key.run, deed.host}] = known_.now_ms;
  return std::nullopt;
}

// Newer than its own run's actions there; another run with other locks may act beside it.
Complaint Invariants::On(const GatePassed& gate) {
  Complaint broken;
  for (const std::string& id : known_.unfinished) {
    const Run& run = known_.runs.at(id);
    const engine::Step* current = run.Current();
    if (current == nullptr || !current->gate || current->gate->expr != gate.expr) continue;
    Complaint old;
    for (const std::string& name : gate.about) {
      const auto deed = last_deeds_ms_.find({id, name});
      if (deed == last_deeds_ms_.end() || gate.oldest_evidence_ms >= deed->second) continue;
      old = "a gate passed on evidence from before the last action on " + name;
    }
    if (!old) return std::nullopt;
    broken = old;
  }
  return broken;
}

Complaint Invariants::On(const ServiceChanged& changed) {
  guards_.See(changed);
  return std::nullopt;
}

// --- the rest

Complaint Invariants::On(const Answered& answered) {
  return answers_.See(answered);
}

Complaint Invariants::On(const TriedOtherwise& tried) {
  return "what notification " + tried.notification +
         " would do was said wrongly: " + tried.difference;
}

Complaint Invariants::On(const ActuatorIs& is) {
  progress_.See(is);
  return std::nullopt;
}

Complaint Invariants::On(const Asked& asked) {
  known_.asked.emplace(asked.by, asked);
  return std::nullopt;
}

Complaint Invariants::On(const Looked& looked) {
  return progress_.See(looked);
}

Complaint Invariants::On(const HostHeard& heard) {
  hosts_[heard.host].epoch = heard.epoch;
  return std::nullopt;
}

Complaint Invariants::On(const HostPestered& pestered) {
  return pestered.host + " is asked without a pause";
}

Complaint Invariants::On(const HostLost& lost) {
  guards_.See(lost);
  HostFacts& host = hosts_[lost.host];
  host.lost_ms = known_.now_ms;
  if (lost.receipts) {
    host.receipts_lost_ms = known_.now_ms;
    host.epoch = 0;
  }
  return std::nullopt;
}

Complaint Invariants::On(const KeyChanged& changed) {
  hosts_[changed.host].wrong_key = changed.wrong;
  hosts_[changed.host].wrong_key_ms = known_.now_ms;
  return std::nullopt;
}

Complaint Invariants::On(const LeaseChanged& changed) {
  guards_.See(changed);
  if (changed.armed) {
    hosts_[changed.host].leases.emplace(changed.key, known_.up_ms);
  } else {
    hosts_[changed.host].leases.erase(changed.key);
  }
  return std::nullopt;
}

Complaint Invariants::On(const ClockStepped& stepped) {
  known_.stepped_ms += stepped.by_ms;
  known_.clock_stepped = true;
  return std::nullopt;
}

Complaint Invariants::On(const CameToRest&) {
  if (!known_.unfinished.empty()) return "at rest, but a run is not finished";
  for (const auto& [id, run] : known_.runs) {
    if (!run.swept) return "at rest, but receipts of run " + id + " are not swept";
  }
  return FirstOf({guards_.Standing(), guards_.AtRest()});
}

}  // namespace mailhub::sim
