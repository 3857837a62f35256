// See guards.h.
#include "tests/sim/guards.h"

#include <algorithm>

#include "tests/sim/engine_seams.h"
#include "tests/sim/machines.h"

namespace mailhub::sim {
namespace {

// A lease lost with its host's receipts is noticed at the next renewal, or a little later.
constexpr int64_t kUnnoticedMs = 900'000;

// A lease that the run has recorded as disarmed is never reported again.
bool KnowsLease(const engine::Run* run, const std::string& path) {
  if (run == nullptr) return false;
  const auto given_up = run->given_up.lower_bound({path, 0});
  return run->leases.contains(path) || run->restored.contains(path) ||
         (given_up != run->given_up.end() && given_up->first.first == path);
}

}  // namespace

bool Guards::HasActed(const std::string& lease) const {
  return acted_.contains(lease);
}

bool Guards::HasActedFor(const std::string& run) const {
  const auto lease = acted_.lower_bound(run + '/');
  return lease != acted_.end() && lease->starts_with(run + '/');
}

Complaint Guards::Begins(const DeedBegan& deed) {
  if (deed.by_dead_man) {
    const Key lease = SplitLease(deed.key);
    if (!KnowsLease(known_->Find(lease.run), lease.path)) {
      return "the dead man of " + lease.path + " acted, of which its run knows nothing";
    }
    Guard& guard = guards_[deed.key];
    guard.host = deed.host;
    guard.acted_ms = known_->now_ms;
    guard.answered = false;
    acted_.insert(deed.key);
    return std::nullopt;
  }
  const std::string run_id = SplitAttempt(deed.key).run;
  const engine::Run* run = known_->Find(run_id);
  if (run == nullptr) return std::nullopt;
  for (auto guard = guards_.lower_bound(run_id + '/');
       guard != guards_.end() && guard->first.starts_with(run_id + '/'); ++guard) {
    const auto& [lease, facts] = *guard;
    const std::string path = SplitLease(lease).path;
    const bool known = run->leases.contains(path) || run->restored.contains(path) ||
                       to_answer_.contains({run_id, path});
    if (!known || known_->LeaseIsOver(*run, path)) continue;
    // Owed steps at the end wait for no other host.
    if (run->stage == engine::Stage::kEnding && facts.host != deed.host) continue;
    if (facts.acted_ms >= 0 && !facts.answered) {
      return deed.key + " began after the dead man of " + path +
             " had acted, which nobody answered";
    }
    if (facts.armed && facts.expires_ms < known_->now_ms) {
      return deed.key + " began when the lease of " + path + " had run out";
    }
  }
  return std::nullopt;
}

void Guards::See(const LeaseChanged& changed) {
  Guard& guard = guards_[changed.key];
  guard.host = changed.host;
  guard.armed = changed.armed;
  guard.expires_ms = changed.expires_ms;
  if (changed.armed) guard.acted_ms = -1;
}

void Guards::See(const ServiceChanged& changed) {
  const auto what = std::make_pair(changed.host, changed.name);
  if (changed.up) {
    down_.erase(what);
    return;
  }
  if (std::count(changed.key.begin(), changed.key.end(), '/') != 2) return;
  const Key key = SplitAttempt(changed.key);
  const engine::Run* run = known_->Find(key.run);
  // A runbook does not promise to restart a service that it stops without a dead man.
  if (run != nullptr && known_->StepOf(*run, key.path).dead_man) down_[what] = {key.run, key.path};
}

void Guards::See(const HostLost& lost) {
  if (lost.receipts) receipts_lost_ms_[lost.host] = known_->now_ms;
}

Complaint Guards::Record(const engine::Run& run, const engine::DeadManRestored& body) {
  // A person gave up the lease of a run that is over.
  if (run.stage != engine::Stage::kFinished) to_answer_.insert({run.id, body.path});
  return std::nullopt;
}

// A person answers the holds that were seen at the request.
Complaint Guards::Record(const engine::Run& run, const engine::OperatorActed& body) {
  const Asked* asked = known_->AskedFor(body);
  if (asked == nullptr || body.verb == engine::Verb::kPause) return std::nullopt;
  const engine::Hold* hold = run.FindHold(body.hold);
  const bool passes = body.verb == engine::Verb::kSkip || body.verb == engine::Verb::kResolve;
  if (passes && hold != nullptr && hold->reason == engine::HoldReason::kRefused) {
    const engine::StepState* state = StateOf(run, hold->path);
    if (state != nullptr && state->result) given_up_.insert({run.id, hold->path});
  }
  std::erase_if(to_answer_, [&](const auto& one) {
    if (one.first != run.id) return false;
    const uint64_t event = known_->HoldEvent(run, one.second, engine::HoldReason::kDeadManRestored);
    const auto& seen = asked->holds;
    // A cancel answers every question of the run.
    if (body.verb == engine::Verb::kCancel) {
      guards_[run.id + '/' + one.second].answered = true;
      return true;
    }
    if (std::find(seen.begin(), seen.end(), event) == seen.end()) return false;
    guards_[run.id + '/' + one.second].answered = true;
    return true;
  });
  return std::nullopt;
}

Complaint Guards::Record(const engine::Run& run, const engine::RunFinished&) {
  for (const auto& [id, path] : to_answer_) {
    if (id == run.id) return "the run finished, and nobody answered the dead man of " + path;
  }
  return std::nullopt;
}

bool Guards::IsGuarded(const std::string& host, const std::string& service,
                       const Outage& outage) const {
  for (auto guard = guards_.lower_bound(outage.run + '/');
       guard != guards_.end() && guard->first.starts_with(outage.run + '/'); ++guard) {
    if (!guard->second.armed || guard->second.host != host) continue;
    const engine::Run& run = known_->runs.at(outage.run);
    const auto& dead_man = known_->StepOf(run, SplitLease(guard->first).path).dead_man;
    const auto touch = dead_man ? TouchOf(dead_man->restore) : std::nullopt;
    if (touch && touch->up && touch->name == service) return true;
  }
  return false;
}

// Its dead man has acted without success, and no renewal has reported or recorded it yet; or a
// person has ended the run, and its owed steps are running.
bool Guards::HasFailed(const engine::Run& run, const Outage& outage) const {
  const auto guard = guards_.find(outage.run + '/' + outage.path);
  if (guard == guards_.end() || guard->second.acted_ms < 0) return false;
  const engine::StepState* state = StateOf(run, outage.path);
  const bool told = state != nullptr && state->restored;
  if (!told && run.leases.contains(outage.path)) return true;
  const bool ending = run.stage == engine::Stage::kEnding && run.Current() != nullptr;
  return run.cancelling || ending;
}

Complaint Guards::Standing() const {
  for (const auto& [id, path] : to_answer_) {
    const engine::Run& run = known_->runs.at(id);
    if (known_->HoldEvent(run, path, engine::HoldReason::kDeadManRestored) == 0) {
      return "the dead man of " + path + " acted, and no hold says so";
    }
  }
  for (const auto& [what, outage] : down_) {
    const engine::Run& run = known_->runs.at(outage.run);
    if (IsHeld(run) || IsGuarded(what.first, what.second, outage)) continue;
    const engine::DeadMan& dead_man = *known_->StepOf(run, outage.path).dead_man;
    const engine::StepState* until = StateOf(run, dead_man.until);
    const bool person_says_so = until != nullptr && until->result == engine::StepResult::kResolved;
    const bool only_until_the_end = dead_man.until.empty() && run.stage == engine::Stage::kFinished;
    const auto lost = receipts_lost_ms_.find(what.first);
    const bool unnoticed = lost != receipts_lost_ms_.end() &&
                           run.stage != engine::Stage::kFinished &&
                           known_->now_ms < lost->second + kUnnoticedMs;
    // A person left it to its dead man, which has tried.
    const bool left =
        run.released.contains(outage.path) && HasActed(outage.run + '/' + outage.path);
    // A person continues without its dead man; the run's end asks whether the service is back.
    const bool given_up = given_up_.contains({run.id, outage.path}) &&
                          !run.leases.contains(outage.path) &&
                          run.stage != engine::Stage::kFinished;
    if (person_says_so || only_until_the_end || unnoticed || left || given_up) continue;
    if (HasFailed(run, outage)) continue;
    const std::string end = run.stage == engine::Stage::kFinished
                                ? std::string("; its run is finished: ") + engine::Name(run.result)
                                : "; its run goes on";
    return "nothing guards " + what.second + " on " + what.first + ", which step " + outage.path +
           " stopped and nobody brought back" + end;
  }
  return std::nullopt;
}

Complaint Guards::AtRest() const {
  for (const auto& [lease, guard] : guards_) {
    if (guard.armed) return "at rest, but a dead man is still armed on " + guard.host;
  }
  return std::nullopt;
}

}  // namespace mailhub::sim
