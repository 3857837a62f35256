// See leases.h.
#include "actuator/engine/leases.h"

#include <algorithm>

#include "actuator/engine/lease_request.h"
#include "actuator/engine/require.h"
#include "lib/base/duration.h"

namespace mailhub::engine {

Leases::Leases(const Context* context, const Run* run, Directories* directories)
    : context_(*context), run_(*run), directories_(*directories) {}

const Lease& Leases::Of(const std::string& path) const {
  const auto armed = run_.leases.find(path);
  return armed != run_.leases.end() ? armed->second : run_.restored.at(path);
}

void Leases::Ask(const std::string& path, RemoteVerb verb) {
  RemoteRequest request = AboutLease(run_.id, path, Of(path), verb);
  if (verb == RemoteVerb::kArm) request.command = run_.Find(path)->dead_man->restore;
  Progress& progress = progress_[path];
  progress.verb = verb;
  progress.asked = context_.clock->steady();
  progress.effect = context_.recorder->Ask(std::move(request), run_.id);
}

void Leases::Arm(const Step& step, const std::string& directory) {
  context_.recorder->Emit(run_.id,
                          DeadManArmed{step.path, step.host, step.dead_man->after, directory});
  Ask(step.path, RemoteVerb::kArm);
}

// The host refuses every command of the run, even a delayed one, until it hears that its act is
// known. So it hears that only after a person's answer.
void Leases::AcknowledgeRestored() {
  for (const auto& [path, lease] : run_.restored) {
    if (run_.HasHold(path, HoldReason::kDeadManRestored)) continue;
    Progress& progress = progress_[path];
    if (progress.effect == 0 && context_.clock->Due(progress.due)) TakeAway(path, &progress);
  }
}

void Leases::TakeAway(const std::string& path, Progress* progress) {
  if (run_.OnlyLeasesLeft() && !progress->give_up) {
    progress->give_up = context_.clock->Attended(context_.config->patience);
  }
  Ask(path, RemoteVerb::kDisarm);
}

void Leases::Work() {
  AcknowledgeRestored();
  const bool at_end = run_.OnlyLeasesLeft();
  if (at_end) HoldWhatIsStillStopped();
  for (const auto& [path, lease] : run_.leases) {
    Progress& progress = progress_[path];
    const bool over = run_.LeaseIsOver(path) || (at_end && !run_.Owes(path));
    if (progress.effect != 0) continue;
    const bool due = context_.clock->Due(progress.due);
    if (over) {
      if (progress.verb != RemoteVerb::kDisarm || due) TakeAway(path, &progress);
    } else if (due) {
      // Not confirmed in this life: arming again repairs both a crash before the first arming and a
      // lost lease. A host that has already acted says so instead.
      Ask(path, progress.confirmed ? RemoteVerb::kRenew : RemoteVerb::kArm);
    }
  }
}

bool Leases::WorkAfterEnd() {
  AcknowledgeRestored();
  return run_.restored.empty();
}

// At the end: with a dead man that is armed, has failed, or whose state is unknown.
void Leases::HoldWhatIsStillStopped() {
  const auto hold = [&](const Step& step) {
    if (!step.dead_man || !run_.Owes(step.path)) return;
    const StepState& state = run_.steps.at(step.path);
    std::string guard = Say<GuardSays::kUnknown>();
    if (run_.leases.contains(step.path)) {
      guard = Say<GuardSays::kRenewed>();
    } else if (state.restored) {
      guard = state.restore_exit ? Say<GuardSays::kFailed>(std::to_string(*state.restore_exit))
                                 : Say<GuardSays::kTried>();
    }
    HoldRun(context_, run_, step.path, HoldReason::kStillStopped,
            Say<HeldBecause::kStillStopped>(step.name, guard));
  };
  for (const Step& step : run_.plan().steps) hold(step);
  for (const AlwaysStep& always : run_.plan().always) hold(always.step);
}

// --- hosts' answers

bool Leases::Hear(const RemoteDone& done) {
  const auto asked = std::find_if(progress_.begin(), progress_.end(), [&](const auto& entry) {
    return entry.second.effect == done.id;
  });
  if (asked == progress_.end()) return false;
  asked->second.effect = 0;
  OnReply(std::string(asked->first), done.reply);
  return true;
}

void Leases::OnReply(const std::string& path, const RemoteReply& reply) {
  Progress& progress = progress_[path];
  const bool known_restored = run_.restored.contains(path);
  const auto lease = run_.leases.find(path);
  Require(known_restored || lease != run_.leases.end(),
          "a lease is asked about only while it is recorded");
  if (!reply.receipt) {
    OnFailure(path, reply.receipt.error());
    return;
  }
  progress.trouble.clear();
  const bool over = known_restored ||
                    (progress.verb == RemoteVerb::kDisarm && reply.lease != LeaseState::kRestored);
  if (over) {
    Over(path, reply.lease_exit);
  } else if (reply.lease == LeaseState::kRestored) {
    context_.recorder->Emit(run_.id, DeadManRestored{path, reply.lease_detail,
                                                     lease->second.generation, reply.lease_exit});
    progress_.erase(path);
    HoldRun(context_, run_, path, HoldReason::kDeadManRestored,
            Say<HeldBecause::kDeadManActed>(reply.lease_detail));
  } else if (reply.lease == LeaseState::kArmed) {
    progress.confirmed = std::max(progress.confirmed.value_or(progress.asked), progress.asked);
    progress.due = progress.asked + RenewalEvery(lease->second);
  } else {
    progress.confirmed.reset();
    progress.due = context_.clock->steady();
  }
}

void Leases::Over(const std::string& path, std::optional<int> exit_status) {
  context_.recorder->Emit(run_.id, DeadManDisarmed{path, Of(path).generation, exit_status});
  progress_.erase(path);
}

void Leases::OnFailure(const std::string& path, const Error& error) {
  Progress& progress = progress_[path];
  if (error.kind != ErrorKind::kCorrupt) {
    const bool at_end = run_.OnlyLeasesLeft();
    progress.due = context_.clock->In(context_.config->remote_retry);
    progress.trouble = error.message;
    if (IsRefusal(error) && !at_end) {
      HoldRun(context_, run_, path, HoldReason::kRefused, error.message);
    }
    if (at_end && context_.clock->Passed(progress.give_up)) {
      HoldRun(
          context_, run_, path, HoldReason::kHostAway,
          Say<HeldBecause::kHostAway>(FormatDuration(context_.config->patience), error.message));
    }
    return;
  }
  const bool known_restored = run_.restored.contains(path);
  const bool guards = run_.stage == Stage::kActive ? !run_.LeaseIsOver(path) : run_.Owes(path);
  directories_.erase(Of(path).host);
  if (known_restored || !guards) {
    Over(path, std::nullopt);
    return;
  }
  HoldRun(context_, run_, path, HoldReason::kLeaseLost, Say<HeldBecause::kOtherReceipts>());
  progress_.erase(path);
}

void Leases::Doubt(const std::string& host) {
  for (const auto& [path, lease] : run_.leases) {
    if (lease.host != host) continue;
    progress_[path].confirmed.reset();
    progress_[path].due.reset();
  }
}

void Leases::AfterAnswer(const Hold& hold) {
  // Ignores an answer for a dead man that is no longer awaited.
  std::erase_if(progress_, [&](const auto& entry) {
    return !run_.leases.contains(entry.first) && !run_.restored.contains(entry.first);
  });
  const auto progress = progress_.find(hold.path);
  if (hold.reason != HoldReason::kHostAway || progress == progress_.end()) return;
  progress->second.give_up.reset();
  progress->second.due.reset();
}

// --- questions of other parts

bool Leases::Confirmed(const std::string& path, const Lease& lease) const {
  const auto progress = progress_.find(path);
  return progress != progress_.end() && progress->second.confirmed &&
         context_.clock->steady() < *progress->second.confirmed + lease.after;
}

// Whether `step` may begin only while that lease is known to be armed. Owed steps at the end
// restart a service: they must not wait for another host, which may be down for good.
bool Leases::Concerns(const std::string& path, const Step& step) const {
  if (run_.LeaseIsOver(path)) return false;
  return run_.stage != Stage::kEnding || run_.leases.at(path).host == step.host;
}

Guard Leases::GuardOf(const Step& step) const {
  SteadyTime until = SteadyTime::max();
  for (const auto& [path, lease] : run_.leases) {
    if (!Concerns(path, step)) continue;
    if (!Confirmed(path, lease)) return {std::nullopt, lease.host};
    until = std::min(until, *progress_.at(path).confirmed + lease.after);
  }
  return {until, ""};
}

bool Leases::IsWell(const std::string& path) const {
  const auto progress = progress_.find(path);
  return progress != progress_.end() && run_.leases.contains(path) && progress->second.confirmed &&
         progress->second.trouble.empty();
}

std::string Leases::Trouble() const {
  for (const auto& [path, progress] : progress_) {
    if (!progress.trouble.empty()) return progress.trouble;
  }
  return "";
}

std::optional<SteadyTime> Leases::NextDeadline() const {
  std::optional<SteadyTime> next;
  for (const auto& [path, progress] : progress_) {
    if (progress.effect == 0) {
      next = Earlier(next, context_.clock->Ahead(progress.due));
    } else if (progress.give_up) {
      next = Earlier(next, context_.clock->NextLook());  // the answer may take long
    }
  }
  return next;
}

// --- while a commit is pending

void Leases::RenewWhilePending(std::vector<Effect>* effects) {
  const SteadyTime now = context_.clock->steady();
  for (auto& [path, progress] : progress_) {
    const auto lease = run_.leases.find(path);
    if (lease == run_.leases.end() || progress.extra != 0) continue;
    // One that was to be armed may be: its host's answer waits for the commit, too.
    if (!progress.confirmed && progress.verb != RemoteVerb::kArm) continue;
    const SteadyTime since =
        std::max(progress.confirmed.value_or(progress.asked), progress.extra_asked);
    if (now < since + RenewalEvery(lease->second)) continue;
    progress.extra = context_.recorder->NextId();
    progress.extra_asked = now;
    effects->push_back(
        {progress.extra, AboutLease(run_.id, path, lease->second, RemoteVerb::kRenew)});
  }
}

bool Leases::NoteRenewal(const RemoteDone& done) {
  for (auto& [path, progress] : progress_) {
    if (progress.extra != done.id) continue;
    progress.extra = 0;
    if (!done.reply.receipt) {
      progress.trouble = done.reply.receipt.error().message;
    } else if (done.reply.lease == LeaseState::kRestored) {
      progress.trouble = Say<HeldBecause::kDeadManActed>(done.reply.lease_detail);
    } else if (done.reply.lease == LeaseState::kArmed) {
      progress.trouble.clear();
      progress.confirmed =
          std::max(progress.confirmed.value_or(progress.asked), progress.extra_asked);
    }
    return true;
  }
  return false;
}

// --- views

void Leases::AddTo(RunView* view) const {
  const auto add = [&](const std::string& path, const Lease& lease, DeadManPhase phase) {
    DeadManView one;
    one.path = path;
    one.host = lease.host;
    one.after = lease.after;
    one.phase = phase;
    const auto progress = progress_.find(path);
    if (progress != progress_.end() && phase != DeadManPhase::kLost) {
      one.trouble = progress->second.trouble;
      if (progress->second.confirmed) {
        one.confirmed_ago = context_.clock->steady() - *progress->second.confirmed;
      }
    }
    if (phase != DeadManPhase::kUnconfirmed) {
      // Its own events say so.
    } else if (run_.LeaseIsOver(path)) {
      one.phase = DeadManPhase::kDisarming;
    } else if (Confirmed(path, lease)) {
      one.phase = DeadManPhase::kArmed;
    }
    view->dead_men.push_back(std::move(one));
  };
  for (const auto& [path, lease] : run_.leases) add(path, lease, DeadManPhase::kUnconfirmed);
  for (const auto& [path, lease] : run_.restored) add(path, lease, DeadManPhase::kRestored);
  for (const auto& [name, lease] : run_.given_up) add(name.first, lease, DeadManPhase::kLost);
}

void Leases::Refresh(DeadManView* view) const {
  if (view->phase != DeadManPhase::kArmed && view->phase != DeadManPhase::kUnconfirmed) return;
  const auto progress = progress_.find(view->path);
  const bool known = progress != progress_.end();
  view->trouble = known ? progress->second.trouble : Say<WaitsFor::kLeaseNotRecorded>();
  view->confirmed_ago.reset();
  if (known && progress->second.confirmed) {
    view->confirmed_ago = context_.clock->steady() - *progress->second.confirmed;
  }
  const bool armed = view->confirmed_ago && *view->confirmed_ago < view->after;
  view->phase = armed ? DeadManPhase::kArmed : DeadManPhase::kUnconfirmed;
}

}  // namespace mailhub::engine
