// See invariants.h. Plans are judged by the shipped runbooks themselves, not by what the journal
// says of them.
#include "tests/sim/invariants.h"

#include <algorithm>

#include "tests/sim/plans.h"

namespace mailhub::sim {

using engine::HoldReason;
using engine::Run;
using engine::Step;
using engine::StepState;

namespace {

// A refusal may be on its way for so long, or its lease unnoticed.
constexpr int64_t kStillInFlightMs = 60'000;

struct Key {
  std::string run;
  std::string path;
  int attempt = 0;
};
Key Split(const std::string& key) {
  const size_t first = key.find('/');
  const size_t last = key.rfind('/');
  return {key.substr(0, first), key.substr(first + 1, last - first - 1),
          std::stoi(key.substr(last + 1))};
}

const engine::Plan& Shipped(const Run& run) {
  return *ShippedPlan(run.plan().runbook, run.plan().parameters);
}

const Step& StepOf(const Run& run, const std::string& path) {
  const engine::Plan& plan = Shipped(run);
  const auto is_it = [&](const Step& step) { return step.path == path; };
  const auto step = std::find_if(plan.steps.begin(), plan.steps.end(), is_it);
  if (step != plan.steps.end()) return *step;
  return std::find_if(plan.always.begin(), plan.always.end(),
                      [&](const auto& always) { return is_it(always.step); })
      ->step;
}

const StepState* StateOf(const Run& run, const std::string& path) {
  const auto found = run.steps.find(path);
  return found == run.steps.end() ? nullptr : &found->second;
}

// Whether the journal knows a reason to try again: it failed for certain, never ran, or may be done
// twice, or a person asked.
bool MayFollow(const Step& step, const StepState& state) {
  if (!state.settled) return false;
  if (state.approved || state.receipts_lost) return state.approved || step.idempotent;
  switch (state.receipt.state) {
    case engine::ReceiptState::kFinished:
      return state.receipt.exit_status != 0;
    case engine::ReceiptState::kVoid:
      return true;
    default:
      return step.idempotent;
  }
}

}  // namespace

std::optional<std::string> Invariants::See(const Observation& observation) {
  now_ms_ = observation.at_ms;
  if (auto broken = std::visit([this](const auto& what) { return On(what); }, observation.what)) {
    return broken;
  }
  return Guarded();
}

// --- the journal

Invariants::Complaint Invariants::On(const Recorded& recorded) {
  const engine::Event& event = recorded.event;
  decided_at_ = event.at;
  if (event.seq != ++last_seq_) return "the journal's numbers have a gap";
  if (const auto* changed = std::get_if<engine::ModeChanged>(&event.body)) mode_ = changed->mode;
  if (const auto* decided = std::get_if<engine::AlertDecided>(&event.body)) {
    if (++decided_[{decided->notification, decided->fingerprint}] > 1) {
      return "notification " + decided->notification + " was decided twice";
    }
    return std::nullopt;
  }
  if (event.run.empty()) return std::nullopt;
  if (std::holds_alternative<engine::RunQueued>(event.body)) ++unfinished_;
  Run& run = runs_[event.run];
  run.id = event.run;
  const bool was_finished = run.stage == engine::Stage::kFinished;
  auto broken = std::visit([&](const auto& body) { return OnEvent(run, body); }, event.body);
  run.Apply(event);
  if (!was_finished && run.stage == engine::Stage::kFinished) --unfinished_;
  // A dead man's coming and going, or a pause, does not give the step more time.
  const auto* acted = std::get_if<engine::OperatorActed>(&event.body);
  if (!std::holds_alternative<engine::DeadManArmed>(event.body) &&
      !std::holds_alternative<engine::DeadManDisarmed>(event.body) &&
      !(acted != nullptr && acted->verb == engine::Verb::kPause)) {
    progress_[run.id] = event.at;
  }
  return broken;
}

Invariants::Complaint Invariants::OnEvent(Run& run, const engine::RunStarted&) {
  for (const std::string& lock : Shipped(run).locks) {
    if (lock_holders_.contains(lock)) return "lock " + lock + " is held twice";
    lock_holders_[lock] = run.id;
  }
  return std::nullopt;
}

Invariants::Complaint Invariants::OnEvent(Run& run, const engine::StepStarted& body) {
  const std::string step = "step " + body.path;
  if (mode_ != engine::Mode::kActive) return step + " began while the actuator was halted";
  if (run.paused) return step + " began while its run was paused";
  if (run.hold) return step + " began while its run was held";
  const StepState* state = StateOf(run, body.path);
  const int before = state == nullptr ? 0 : state->attempt;
  if (body.attempt != before + 1) return step + " skipped an attempt";
  if (before > 0 && !MayFollow(StepOf(run, body.path), *state)) {
    return step + " was begun again without a reason";
  }
  return std::nullopt;
}

Invariants::Complaint Invariants::OnEvent(Run& run, const engine::RunFinished& body) {
  std::erase_if(lock_holders_, [&](const auto& entry) { return entry.second == run.id; });
  if (!run.leases.empty() || !run.restored.empty()) {
    return "run " + run.id + " finished with a dead man still armed";
  }
  for (const engine::AlwaysStep& always : Shipped(run).always) {
    const StepState* since = StateOf(run, always.since);
    if (since == nullptr || since->attempt == 0) continue;
    const StepState* until = StateOf(run, always.until);
    if (until != nullptr && until->Fulfilled()) continue;
    const StepState* own = StateOf(run, always.step.path);
    if (own == nullptr || !own->result) return "the run finished and owes " + always.step.path;
  }
  if (body.result == engine::RunResult::kSucceeded) {
    for (const Step& step : Shipped(run).steps) {
      const StepState* state = StateOf(run, step.path);
      if (state == nullptr || !state->result) return "the run succeeded without " + step.path;
    }
  }
  return std::nullopt;
}

// --- holds

bool Invariants::TookAtLeast(const Run& run, Milliseconds limit) const {
  return clock_stepped_ || decided_at_ - progress_.at(run.id) >= limit;
}

bool Invariants::ExpectedHold(const Run& run, const Step& step, HoldReason reason,
                              bool about_lease) const {
  const StepState* state = StateOf(run, step.path);
  const bool begun = state != nullptr && state->attempt > 0;
  const auto host = hosts_.find(step.host);
  const std::string path = run.id + '/' + step.path;
  switch (reason) {
    case HoldReason::kStepFailed: {
      if (!begun) return false;
      const auto exit = exits_.find(path + '/' + std::to_string(state->attempt));
      return exit != exits_.end() && exit->second.value_or(0) != 0;
    }
    case HoldReason::kTimedOut:
      return TookAtLeast(run, step.timeout);
    case HoldReason::kGateShut:
      return step.gate && TookAtLeast(run, step.gate->timeout);
    case HoldReason::kOutcomeUnknown:
      return host != hosts_.end() &&
             (about_lease ? host->second.receipts_lost_ms : host->second.lost_ms) != INT64_MIN;
    case HoldReason::kRefused:
      if (restored_.contains(path)) return true;  // it was held up until its dead man had acted
      return std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& entry) {
        return entry.second.wrong_key || entry.second.wrong_key_ms + kStillInFlightMs > now_ms_;
      });
    case HoldReason::kDeadManRestored:
      return restored_.contains(path);
    case HoldReason::kAlwaysFailed: {
      static constexpr HoldReason kAny[] = {HoldReason::kStepFailed, HoldReason::kOutcomeUnknown,
                                            HoldReason::kGateShut, HoldReason::kRefused};
      return std::any_of(std::begin(kAny), std::end(kAny),
                         [&](HoldReason one) { return ExpectedHold(run, step, one, false); });
    }
  }
  return false;
}

Invariants::Complaint Invariants::OnEvent(Run& run, const engine::DeadManDisarmed& body) {
  const std::string& host = StepOf(run, body.path).host;
  const auto lease = hosts_[host].leases.find(run.id + '/' + body.path);
  // An arming that was held up on its way may just have come.
  const bool armed = lease != hosts_[host].leases.end() && lease->second + 5000 < now_ms_;
  if (armed) return "the dead man of " + body.path + " is still armed on " + host;
  return std::nullopt;
}

Invariants::Complaint Invariants::OnEvent(Run& run, const engine::RunHeld& body) {
  const Step& step = StepOf(run, body.path);
  // A lease's hold names the step that it guards, which need not be the current one.
  const bool about_lease = run.leases.contains(body.path) || run.restored.contains(body.path) ||
                           run.Current() == nullptr || run.Current()->path != body.path;
  if (ExpectedHold(run, step, body.reason, about_lease)) return std::nullopt;
  return std::string("a hold that nobody expects: ") + engine::Name(body.reason) + " at " +
         body.path + ": " + body.detail;
}

// --- what the hosts did

Invariants::Complaint Invariants::On(const DeedBegan& deed) {
  if (deed.by_dead_man) {
    restored_.insert(deed.key);
    return std::nullopt;
  }
  HostFacts& host = hosts_[deed.host];
  host.last_deed_ms = now_ms_;
  if (deed.by.journal != "main") return "a foreign actuator had an effect: " + deed.key;
  if (deed.by.epoch < host.epoch) return "a deposed actuator had an effect: " + deed.key;
  if (!keys_done_.insert(deed.key).second) return "carried out twice under one key: " + deed.key;
  const Key key = Split(deed.key);
  const auto found = runs_.find(key.run);
  if (found == runs_.end()) return "carried out for a run nobody recorded: " + deed.key;
  const Run& run = found->second;
  const StepState* state = StateOf(run, key.path);
  if (state == nullptr || state->attempt < key.attempt) {
    return "carried out before its intent was recorded: " + deed.key;
  }
  if (run.stage == engine::Stage::kFinished) return "carried out after its run: " + deed.key;
  if (state->attempt == key.attempt && state->settled) {
    return "carried out after it was settled: " + deed.key;
  }
  const Step& step = StepOf(run, key.path);
  if (step.dead_man && !host.leases.contains(key.run + '/' + key.path)) {
    return "carried out without its dead man: " + deed.key;
  }
  done_[key.run + '/' + key.path] = {key.attempt, std::nullopt};
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const DeedEnded& deed) {
  exits_[deed.key] = deed.exit_status;
  const Key key = Split(deed.key);
  const auto run = runs_.find(key.run);
  const StepState* state = run == runs_.end() ? nullptr : StateOf(run->second, key.path);
  // A person may have resolved the step while its command was still running.
  if (state == nullptr || !state->result) hosts_[deed.host].last_deed_ms = now_ms_;
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const GatePassed& gate) {
  for (const std::string& name : gate.about) {
    if (gate.oldest_evidence_ms < hosts_[name].last_deed_ms) {
      return "a gate passed on evidence from before the last action on " + name;
    }
  }
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const ServiceChanged& changed) {
  std::set<std::string>& down = hosts_[changed.host].down;
  if (changed.up) {
    down.erase(changed.name);
  } else {
    down.insert(changed.name);
  }
  return std::nullopt;
}

// No stopped service without an armed dead man or a hold that says so.
Invariants::Complaint Invariants::Guarded() const {
  for (const auto& [name, host] : hosts_) {
    if (host.down.empty() || !host.leases.empty()) continue;
    const bool held = std::any_of(runs_.begin(), runs_.end(),
                                  [](const auto& entry) { return entry.second.hold.has_value(); });
    // A host that lost its receipts lost its leases with them, which the next renewal finds out.
    if (held || now_ms_ < host.receipts_lost_ms + 900'000) continue;
    return "nothing guards " + *host.down.begin() + ", which is stopped on " + name;
  }
  return std::nullopt;
}

// --- the rest

Invariants::Complaint Invariants::On(const Answered& answered) {
  for (const std::string& fingerprint : answered.fingerprints) {
    if (decided_[{answered.notification, fingerprint}] != 1) {
      return "notification " + answered.notification + " was answered and not decided";
    }
  }
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const HostHeard& heard) {
  hosts_[heard.host].epoch = heard.epoch;
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const HostPestered& pestered) {
  return pestered.host + " is asked without a pause";
}

Invariants::Complaint Invariants::On(const HostLost& lost) {
  HostFacts& host = hosts_[lost.host];
  host.lost_ms = now_ms_;
  if (lost.receipts) {
    host.receipts_lost_ms = now_ms_;
    host.epoch = 0;
  }
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const KeyChanged& changed) {
  hosts_[changed.host].wrong_key = changed.wrong;
  hosts_[changed.host].wrong_key_ms = now_ms_;
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const LeaseChanged& changed) {
  if (changed.armed) {
    hosts_[changed.host].leases[changed.key] = now_ms_;
  } else {
    hosts_[changed.host].leases.erase(changed.key);
  }
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const ClockStepped&) {
  clock_stepped_ = true;
  return std::nullopt;
}

Invariants::Complaint Invariants::On(const CameToRest&) {
  if (unfinished_ > 0) return "at rest, but a run is not finished";
  for (const auto& [id, run] : runs_) {
    if (!run.swept) return "at rest, but receipts of run " + id + " are not swept";
  }
  for (const auto& [name, host] : hosts_) {
    if (!host.down.empty()) return *host.down.begin() + " was left stopped on " + name;
    if (!host.leases.empty()) return "at rest, but a dead man is still armed on " + name;
  }
  return std::nullopt;
}

}  // namespace mailhub::sim
