// Dead men: armed before a step, renewed while the run lives, taken away once what they guard is
// back. A lease that its run still owes is never taken away; a host's own act is a hold.
#include <algorithm>

#include "actuator/engine/core.h"

namespace mailhub::engine {
namespace {

// In which a dead man that is due has acted.
constexpr Milliseconds kTimeToAct{30'000};

RemoteRequest AboutLease(const std::string& run, const std::string& path, const Lease& lease,
                         RemoteVerb verb) {
  RemoteRequest request;
  request.verb = verb;
  request.host = lease.host;
  request.key = run + '/' + path;
  request.directory_id = lease.directory;
  request.after = lease.after;
  request.generation = lease.generation;
  return request;
}

}  // namespace

const Lease& Engine::Core::LeaseOf(const LiveRun& live, const std::string& path) const {
  const auto armed = live.run.leases.find(path);
  return armed != live.run.leases.end() ? armed->second : live.run.restored.at(path);
}

void Engine::Core::AskLease(LiveRun& live, const std::string& path, RemoteVerb verb) {
  const Lease& lease = LeaseOf(live, path);
  RemoteRequest request = AboutLease(live.run.id, path, lease, verb);
  if (verb == RemoteVerb::kArm) request.command = live.run.Find(path)->dead_man->restore;
  LeaseDoing& doing = live.leases[path];
  doing.verb = verb;
  doing.asked = now.steady;
  doing.effect = Ask(std::move(request), live.run.id);
}

// The host refuses every command of the run until it hears that its act is known; one that was held
// up on its way, too. So it hears that only after a person's answer.
void Engine::Core::AcknowledgeRestored(LiveRun& live) {
  for (const auto& [path, lease] : live.run.restored) {
    if (live.run.HasHold(path, HoldReason::kDeadManRestored)) continue;
    LeaseDoing& doing = live.leases[path];
    if (doing.effect == 0 && Due(doing.due)) TakeAway(live, path, &doing);
  }
}

void Engine::Core::TakeAway(LiveRun& live, const std::string& path, LeaseDoing* doing) {
  if (AtEnd(live) && !doing->give_up) doing->give_up = Attended(config.patience);
  AskLease(live, path, RemoteVerb::kDisarm);
}

// Only its dead men keep the run from its end.
bool Engine::Core::AtEnd(const LiveRun& live) const {
  return live.run.stage == Stage::kEnding && live.run.Current() == nullptr;
}

void Engine::Core::RenewLeases(LiveRun& live) {
  AcknowledgeRestored(live);
  ChaseGivenUp(live);
  const bool at_end = AtEnd(live);
  if (at_end) HoldWhatIsStillStopped(live);
  for (const auto& [path, lease] : live.run.leases) {
    LeaseDoing& doing = live.leases[path];
    const bool over = live.run.LeaseIsOver(path) || (at_end && !live.run.Owes(path));
    if (doing.effect != 0) continue;
    if (over) {
      if (doing.verb != RemoteVerb::kDisarm || Due(doing.due)) TakeAway(live, path, &doing);
    } else if (Due(doing.due)) {
      // Not confirmed in this life: arming again is how both a crash before the first arming and a
      // lost lease are mended. A host that has already acted says so instead.
      AskLease(live, path, doing.confirmed ? RemoteVerb::kRenew : RemoteVerb::kArm);
    }
  }
}

// At the end: with a dead man that is armed, has failed, or that nobody can vouch for.
void Engine::Core::HoldWhatIsStillStopped(LiveRun& live) {
  const Run& run = live.run;
  const auto hold = [&](const Step& step) {
    if (!step.dead_man || !run.Owes(step.path)) return;
    const StepState& state = run.steps.at(step.path);
    std::string guard = "nobody knows whether its dead man has";
    if (run.leases.contains(step.path)) {
      guard = "until this is answered its dead man is renewed as long as the host can be reached";
    } else if (state.restored) {
      guard = state.restore_exit ? "its dead man has tried, and its command's exit status was " +
                                       std::to_string(*state.restore_exit)
                                 : "its dead man has tried, and nobody knows how that ended";
    }
    HoldRun(live, step.path, HoldReason::kStillStopped,
            "no step has run what brings back what \"" + step.name + "\" stopped; " + guard);
  };
  for (const Step& step : run.plan().steps) hold(step);
  for (const AlwaysStep& always : run.plan().always) hold(always.step);
}

void Engine::Core::OnLease(LiveRun& live, const std::string& path, const RemoteReply& reply) {
  LeaseDoing& doing = live.leases[path];
  doing.effect = 0;
  const bool known_restored = live.run.restored.contains(path);
  const auto lease = live.run.leases.find(path);
  Require(known_restored || lease != live.run.leases.end(),
          "a lease is asked about only while it is recorded");
  if (!reply.receipt) {
    OnLeaseFailure(live, path, reply.receipt.error());
    return;
  }
  doing.trouble.clear();
  const bool over =
      known_restored || (doing.verb == RemoteVerb::kDisarm && reply.lease != LeaseState::kRestored);
  if (over) {
    Emit(live.run.id, DeadManDisarmed{path, LeaseOf(live, path).generation, reply.lease_exit});
    live.leases.erase(path);
  } else if (reply.lease == LeaseState::kRestored) {
    Emit(live.run.id,
         DeadManRestored{path, reply.lease_detail, lease->second.generation, reply.lease_exit});
    live.leases.erase(path);
    HoldRun(live, path, HoldReason::kDeadManRestored,
            "the host acted by itself: " + reply.lease_detail);
  } else if (reply.lease == LeaseState::kArmed) {
    doing.confirmed = doing.asked;
    doing.due = doing.asked + std::max(lease->second.after / 3, Milliseconds(100));
  } else {
    doing.confirmed.reset();
    doing.due = now.steady;
  }
}

// Dead men that nobody can vouch for: should a host show the directory again that it was armed in,
// it is taken away, or has acted. True while that is awaited.
bool Engine::Core::ChaseGivenUp(LiveRun& live) {
  bool awaited = false;
  for (const auto& [name, lease] : live.run.given_up) {
    const std::string& path = name.first;
    LeaseDoing& doing = live.given_up[name];
    if (!doing.give_up) doing.give_up = Attended(std::max(lease.after, config.lost_for));
    if (doing.in_vain) continue;
    awaited = true;
    // Armed anew under the same key: that one first.
    if (live.run.leases.contains(path) || live.run.restored.contains(path)) continue;
    if (doing.effect != 0 || !Due(doing.due)) continue;
    // To take it away would tell its host that its act is known.
    doing.effect = Ask(AboutLease(live.run.id, path, lease, doing.verb), live.run.id);
  }
  return awaited;
}

void Engine::Core::OnGivenUp(LiveRun& live, const LeaseName& name, const RemoteReply& reply) {
  const auto& [path, generation] = name;
  LeaseDoing& doing = live.given_up[name];
  doing.effect = 0;
  if (!reply.receipt) {
    doing.due = In(AfterTheEnd());
    const bool away = reply.receipt.error().kind != ErrorKind::kCorrupt &&
                      reply.receipt.error().kind != ErrorKind::kInvalid;
    doing.in_vain = !away && Passed(doing.give_up);
    return;
  }
  if (live.run.leases.contains(path) || live.run.restored.contains(path)) return;
  if (reply.lease == LeaseState::kArmed && doing.verb == RemoteVerb::kRenew) {
    const Milliseconds after = live.run.given_up.at(name).after;
    if (live.run.passed_over.contains(path)) {
      // What it guards may still take effect: it is kept alive until that is known.
      doing.due = In(std::max(after / 3, Milliseconds(100)));
    } else if (live.run.LeavesToDeadMan(path)) {
      doing.due = In(after + kTimeToAct);
    } else {
      doing.verb = RemoteVerb::kDisarm;
      doing.due = now.steady;
    }
    return;
  }
  live.given_up.erase(name);
  if (reply.lease != LeaseState::kRestored) {
    Emit(live.run.id, DeadManDisarmed{path, generation, reply.lease_exit});
    return;
  }
  Emit(live.run.id, DeadManRestored{path, reply.lease_detail, generation, reply.lease_exit});
  if (live.run.stage == Stage::kFinished) return;
  HoldRun(live, path, HoldReason::kDeadManRestored,
          "the host acted by itself: " + reply.lease_detail);
}

void Engine::Core::OnLeaseFailure(LiveRun& live, const std::string& path, const Error& error) {
  LeaseDoing& doing = live.leases[path];
  if (error.kind != ErrorKind::kCorrupt) {
    doing.due = In(config.remote_retry);
    doing.trouble = error.message;
    if (IsRefusal(error) && !AtEnd(live)) {
      HoldRun(live, path, HoldReason::kRefused, error.message);
    }
    if (AtEnd(live) && Passed(doing.give_up)) {
      HoldRun(live, path, HoldReason::kHostAway,
              "the host has not said for " + FormatDuration(config.patience) +
                  " that its dead man is gone: " + error.message);
    }
    return;
  }
  const bool known_restored = live.run.restored.contains(path);
  const bool guards =
      live.run.stage == Stage::kActive ? !live.run.LeaseIsOver(path) : live.run.Owes(path);
  const Lease& lease = LeaseOf(live, path);
  live.directories.erase(lease.host);
  if (guards && !known_restored) {
    HoldRun(live, path, HoldReason::kLeaseLost,
            "the host has other receipts now; nobody knows whether its dead man is still armed");
  } else {
    Emit(live.run.id, DeadManDisarmed{path, lease.generation});
  }
  live.leases.erase(path);
}

// The host has other receipts than recorded, and its leases were among them: nothing begins until
// it has been asked.
void Engine::Core::DoubtLeases(LiveRun& live, const std::string& host) {
  for (const auto& [path, lease] : live.run.leases) {
    if (lease.host != host) continue;
    live.leases[path].confirmed.reset();
    live.leases[path].due.reset();
  }
}

// Whether `step` may begin only while that lease is known to be armed. What is owed at the end
// brings back what was stopped: that must not wait for another host, which may be down for good.
bool Engine::Core::Concerns(const LiveRun& live, const std::string& lease, const Step& step) const {
  if (live.run.LeaseIsOver(lease)) return false;
  return live.run.stage != Stage::kEnding || live.run.leases.at(lease).host == step.host;
}

// Until when no dead man that concerns the step can act without our knowing: each host has
// confirmed its lease for that long. Nothing: one may have acted already. Never: there is none.
std::optional<SteadyTime> Engine::Core::GuardedUntil(const LiveRun& live, const Step& step) const {
  SteadyTime until = SteadyTime::max();
  for (const auto& [path, lease] : live.run.leases) {
    if (!Concerns(live, path, step)) continue;
    const auto doing = live.leases.find(path);
    if (doing == live.leases.end() || !doing->second.confirmed) return std::nullopt;
    until = std::min(until, *doing->second.confirmed + lease.after);
  }
  return now.steady < until ? std::optional(until) : std::nullopt;
}

// The host whose lease is the first that is not confirmed.
std::string Engine::Core::Unconfirmed(const LiveRun& live, const Step& step) const {
  for (const auto& [path, lease] : live.run.leases) {
    if (!Concerns(live, path, step)) continue;
    const auto doing = live.leases.find(path);
    const bool confirmed = doing != live.leases.end() && doing->second.confirmed &&
                           now.steady < *doing->second.confirmed + lease.after;
    if (!confirmed) return lease.host;
  }
  return "a host";
}

// --- while a commit is pending

// What is decided and not yet committed must wait; a dead man that is known to be armed need not
// run out for it.
std::vector<Effect> Engine::Core::RenewWhilePending() {
  std::vector<Effect> effects;
  for (const std::string& id : order) {
    LiveRun& live = runs.at(id);
    for (auto& [path, doing] : live.leases) {
      const auto lease = live.run.leases.find(path);
      if (lease == live.run.leases.end() || !doing.confirmed || doing.extra != 0) continue;
      const SteadyTime last = std::max(*doing.confirmed, doing.extra_asked);
      if (now.steady < last + std::max(lease->second.after / 3, Milliseconds(100))) continue;
      doing.extra = next_effect++;
      doing.extra_asked = now.steady;
      effects.push_back({doing.extra, AboutLease(id, path, lease->second, RemoteVerb::kRenew)});
    }
  }
  return effects;
}

void Engine::Core::NoteRenewal(const RemoteDone& done) {
  for (const std::string& id : order) {
    for (auto& [path, doing] : runs.at(id).leases) {
      if (doing.extra != done.id) continue;
      doing.extra = 0;
      if (!done.reply.receipt) {
        doing.trouble = done.reply.receipt.error().message;
      } else if (done.reply.lease == LeaseState::kRestored) {
        doing.trouble = "the host acted by itself: " + done.reply.lease_detail;
      } else if (done.reply.lease == LeaseState::kArmed && doing.confirmed) {
        doing.trouble.clear();
        doing.confirmed = std::max(*doing.confirmed, doing.extra_asked);
      }
      return;
    }
  }
}

}  // namespace mailhub::engine
