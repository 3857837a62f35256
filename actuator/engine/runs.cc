// A run from the queue to its end: locks, only_if, leases, what is owed at the end, receipts swept.
#include <algorithm>

#include "actuator/engine/core.h"

namespace mailhub::engine {
namespace {

bool Share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& lock) {
    return std::find(b.begin(), b.end(), lock) != b.end();
  });
}

}  // namespace

void Engine::Core::Work(LiveRun& live) {
  switch (live.run.stage) {
    case Stage::kQueued:
      TryStart(live);
      return;
    case Stage::kActive:
    case Stage::kEnding: {
      const Step* step = live.run.Current();
      if (step == nullptr && live.run.stage == Stage::kActive && !live.run.hold) {
        Emit(live.run.id, RunEnding{RunResult::kSucceeded, ""});
        step = live.run.Current();
      }
      if (step != nullptr) {
        RenewLeases(live);
        WorkStep(live, *step);
      } else if (live.run.stage == Stage::kEnding) {
        End(live);
      } else {
        RenewLeases(live);  // held after its last step
      }
      return;
    }
    case Stage::kFinished:
      Sweep(live);
      return;
  }
}

// First come, first served for each lock: an older queued run that wants one of ours goes first.
bool Engine::Core::LocksFree(const LiveRun& live) const {
  for (const std::string& id : order) {
    if (id == live.run.id) return true;
    const Run& other = runs.at(id).run;
    if (other.stage != Stage::kFinished && Share(other.plan().locks, live.run.plan().locks)) {
      return false;
    }
  }
  return true;
}

void Engine::Core::TryStart(LiveRun& live) {
  if (mode != Mode::kActive || live.run.paused || !LocksFree(live)) {
    live.only_if_held = false;  // what was true then need not be true when its turn comes
    return;
  }
  if (live.run.queued.only_if.empty() || live.only_if_held) {
    live.only_if_held = false;
    Emit(live.run.id, RunStarted{});
    return;
  }
  if (live.only_if == 0 && Due(live.only_if_due)) {
    live.only_if = Ask(QueryQuestion{live.run.queued.only_if}, live.run.id);
  }
}

void Engine::Core::OnOnlyIf(LiveRun& live, const QueryReading& reading) {
  if (live.run.stage != Stage::kQueued) return;
  if (!reading.holds) {
    live.doing.trouble = reading.holds.error().message;
    live.only_if_due = In(config.remote_retry);
  } else if (*reading.holds) {
    live.doing.trouble.clear();
    live.only_if_held = true;
  } else {
    Emit(live.run.id, RunDropped{"no longer true: " + live.run.queued.only_if});
  }
}

// --- leases
// ---------------------------------------------------------------------------------------------------------

void Engine::Core::AskLease(LiveRun& live, const std::string& path, RemoteVerb verb) {
  const auto armed = live.run.leases.find(path);
  const Lease& lease = armed != live.run.leases.end() ? armed->second : live.run.restored.at(path);
  RemoteRequest request;
  request.verb = verb;
  request.host = lease.host;
  request.key = live.run.id + '/' + path;
  request.directory_id = live.run.directories[lease.host];
  request.after = lease.after;
  if (verb == RemoteVerb::kArm) request.command = live.run.Find(path)->dead_man->restore;
  LeaseDoing& doing = live.leases[path];
  doing.verb = verb;
  doing.asked = now.steady;
  doing.effect = Ask(std::move(request), live.run.id);
}

// The host keeps saying that it has acted until it hears that we know, and would answer the next
// arming with it.
void Engine::Core::AcknowledgeRestored(LiveRun& live) {
  for (const auto& [path, lease] : live.run.restored) {
    const LeaseDoing& doing = live.leases[path];
    if (doing.effect == 0 && Due(doing.due)) AskLease(live, path, RemoteVerb::kDisarm);
  }
}

void Engine::Core::RenewLeases(LiveRun& live) {
  AcknowledgeRestored(live);
  for (const auto& [path, lease] : live.run.leases) {
    const LeaseDoing& doing = live.leases[path];
    // Not confirmed in this life: arming again is how both a crash before the first arming and a
    // lost lease are mended. A host that has already acted says so instead.
    if (doing.effect != 0) continue;
    if (live.run.LeaseIsOver(path) && (doing.verb != RemoteVerb::kDisarm || Due(doing.due))) {
      AskLease(live, path, RemoteVerb::kDisarm);
    } else if (Due(doing.due)) {
      AskLease(live, path, doing.confirmed ? RemoteVerb::kRenew : RemoteVerb::kArm);
    }
  }
}

void Engine::Core::OnLease(LiveRun& live, const std::string& path, const RemoteReply& reply) {
  LeaseDoing& doing = live.leases[path];
  doing.effect = 0;
  const bool known_restored = live.run.restored.contains(path);
  const auto lease = live.run.leases.find(path);
  Require(known_restored || lease != live.run.leases.end(),
          "a lease is asked about only while it is recorded");
  const bool active = live.run.stage == Stage::kActive;
  if (!reply.receipt) {
    if (reply.receipt.error().kind != ErrorKind::kCorrupt) {
      doing.due = In(config.remote_retry);
      doing.trouble = reply.receipt.error().message;
      return;
    }
    live.directories.erase(known_restored ? live.run.restored.at(path).host : lease->second.host);
    Emit(live.run.id, DeadManDisarmed{path});
    live.leases.erase(path);
    if (active && !known_restored) {
      HoldRun(live, path, HoldReason::kOutcomeUnknown,
              "the host's receipts were replaced, and with them the dead man's lease");
    }
    return;
  }
  doing.trouble.clear();
  const bool over =
      known_restored || (doing.verb == RemoteVerb::kDisarm && reply.lease != LeaseState::kRestored);
  if (over) {
    Emit(live.run.id, DeadManDisarmed{path});
    live.leases.erase(path);
  } else if (reply.lease == LeaseState::kRestored) {
    Emit(live.run.id, DeadManRestored{path, reply.lease_detail});
    live.leases.erase(path);
    if (active) {
      HoldRun(live, path, HoldReason::kDeadManRestored,
              "the host acted by itself: " + reply.lease_detail);
    }
  } else if (reply.lease == LeaseState::kArmed) {
    doing.confirmed = doing.asked;
    doing.due = doing.asked + std::max(lease->second.after / 3, Milliseconds(100));
  } else {
    doing.confirmed.reset();
    doing.due = now.steady;
  }
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

// True when no dead man can have acted without our knowing: the host confirmed each within its
// time.
bool Engine::Core::LeasesConfirmed(const LiveRun& live) const {
  return std::all_of(live.run.leases.begin(), live.run.leases.end(), [&](const auto& entry) {
    if (live.run.LeaseIsOver(entry.first)) return true;
    const auto doing = live.leases.find(entry.first);
    return doing != live.leases.end() && doing->second.confirmed &&
           now.steady < *doing->second.confirmed + entry.second.after;
  });
}

// --- the end
// --------------------------------------------------------------------------------------------------------

void Engine::Core::End(LiveRun& live) {
  live.doing = {};
  AcknowledgeRestored(live);
  for (const auto& [path, lease] : live.run.leases) {
    const LeaseDoing& doing = live.leases[path];
    const bool renewed_before = doing.verb != RemoteVerb::kDisarm;
    if (doing.effect == 0 && (renewed_before || Due(doing.due))) {
      AskLease(live, path, RemoteVerb::kDisarm);
    }
  }
  if (live.run.leases.empty() && live.run.restored.empty()) {
    Emit(live.run.id, RunFinished{live.run.result, live.run.result_detail});
  }
}

void Engine::Core::Sweep(LiveRun& live) {
  if (live.run.swept || !Due(live.sweep_due)) return;
  live.sweep_due.reset();
  bool missing = false;
  for (const std::string& host : live.run.TouchedHosts()) {
    if (live.swept.contains(host)) continue;
    missing = true;
    if (live.sweeping.contains(host)) continue;
    RemoteRequest request;
    request.verb = RemoteVerb::kSweep;
    request.host = host;
    request.key = live.run.id;
    request.directory_id = live.run.directories[host];
    live.sweeping[host] = Ask(std::move(request), live.run.id);
  }
  if (!missing) Emit(live.run.id, RunSwept{});
}

void Engine::Core::OnSwept(LiveRun& live, const std::string& host, const RemoteReply& reply) {
  // A receipts directory that is another one now (kCorrupt) holds nothing of ours; what a host has
  // that the site file does not list any more (kInvalid) stays there.
  if (reply.receipt || reply.receipt.error().kind == ErrorKind::kCorrupt ||
      reply.receipt.error().kind == ErrorKind::kInvalid) {
    live.swept.insert(host);
  } else {
    live.sweep_due = In(std::max(config.remote_retry * 10, Milliseconds(1000)));
  }
}

void Engine::Core::Forget() {
  std::erase_if(order, [&](const std::string& id) {
    const Run& run = runs.at(id).run;
    return run.stage == Stage::kFinished && run.swept;
  });
  // Beyond those that are shown only runs are kept whose receipts a host still has.
  for (size_t i = finished.size(); i > kFinishedShown; --i) {
    const auto older = finished.begin() + static_cast<ptrdiff_t>(i - 1);
    if (std::find(order.begin(), order.end(), *older) != order.end()) continue;
    runs.erase(*older);
    finished.erase(older);
  }
}

}  // namespace mailhub::engine
