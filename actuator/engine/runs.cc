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
      VoidPassedOver(live);
      const Step* step = live.run.Current();
      if (step == nullptr && live.run.stage == Stage::kActive && live.run.holds.empty()) {
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

bool Engine::Core::LocksFree(const LiveRun& live) const {
  return BlockedBy(live) == nullptr;
}

// First come, first served for each lock: an older queued run that wants one of ours goes first,
// unless a person has paused it.
const Run* Engine::Core::BlockedBy(const LiveRun& live) const {
  bool older = true;
  for (const std::string& id : order) {
    if (id == live.run.id) {
      older = false;
      continue;
    }
    const Run& other = runs.at(id).run;
    if (other.stage == Stage::kQueued && (!older || other.pause)) continue;
    if (other.stage != Stage::kFinished && Share(other.plan().locks, live.run.plan().locks)) {
      return &other;
    }
  }
  return nullptr;
}

void Engine::Core::TryStart(LiveRun& live) {
  if (mode != Mode::kActive || live.run.pause || !LocksFree(live)) {
    live.only_if_held = false;  // what was true then need not be true when its turn comes
    return;
  }
  if (live.run.queued.only_if.empty() || live.only_if_held) {
    live.only_if_held = false;
    Emit(live.run.id, RunStarted{});
    return;
  }
  if (live.only_if == 0 && Due(live.only_if_due)) {
    if (!live.only_if_give_up) live.only_if_give_up = Attended(config.patience);
    live.only_if = Ask(QueryQuestion{live.run.queued.only_if}, live.run.id);
  }
}

// What nobody can answer is neither true nor "no longer true". The run is dropped with that reason,
// and its alert, should it still fire, is decided afresh.
void Engine::Core::OnOnlyIf(LiveRun& live, const QueryReading& reading) {
  if (live.run.stage != Stage::kQueued) return;
  // It is not its turn any more; it is asked again then.
  if (mode != Mode::kActive || live.run.pause || !LocksFree(live)) return;
  if (!reading.holds) {
    const Error& error = reading.holds.error();
    live.doing.trouble = error.message;
    live.only_if_due = In(config.remote_retry);
    if (error.kind == ErrorKind::kInvalid) {
      Emit(live.run.id, RunDropped{"only_if cannot be asked: " + error.message});
    } else if (Passed(live.only_if_give_up)) {
      Emit(live.run.id, RunDropped{"not known whether it is still needed, for " +
                                   FormatDuration(config.patience) + ": " + error.message});
    }
  } else if (*reading.holds) {
    live.doing.trouble.clear();
    live.only_if_held = true;
    live.only_if_give_up.reset();
  } else {
    Emit(live.run.id, RunDropped{"no longer true: " + live.run.queued.only_if});
  }
}

// --- the end

void Engine::Core::End(LiveRun& live) {
  live.doing = {};
  RenewLeases(live);
  if (live.run.leases.empty() && live.run.restored.empty() && live.run.holds.empty()) {
    live.run.Account(now.wall, mode);
    Emit(live.run.id, RunFinished{live.run.result, live.run.result_detail, live.run.worked});
  }
}

void Engine::Core::Sweep(LiveRun& live) {
  if (live.run.swept || !Due(live.sweep_due)) return;
  live.sweep_due.reset();
  AcknowledgeRestored(live);
  const bool voids = VoidPassedOver(live);
  if (ChaseGivenUp(live) || voids || !live.run.restored.empty()) return;
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
    live.sweep_due = In(AfterTheEnd());
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
