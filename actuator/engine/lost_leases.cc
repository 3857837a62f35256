// See lost_leases.h.
#include "actuator/engine/lost_leases.h"

#include <algorithm>

#include "actuator/engine/lease_request.h"
#include "actuator/engine/sentences.h"

namespace mailhub::engine {
namespace {

// Within this time a due dead man has acted.
constexpr Milliseconds kTimeToAct{30'000};

}  // namespace

LostLeases::LostLeases(const Context* context, const Run* run) : context_(*context), run_(*run) {}

bool LostLeases::Covered(const std::string& path) const {
  return run_.leases.contains(path) || run_.restored.contains(path);
}

bool LostLeases::Work() {
  bool awaited = false;
  for (const auto& [name, lease] : run_.given_up) {
    Progress& progress = progress_[name];
    if (!progress.give_up) {
      progress.give_up = context_.clock->Attended(std::max(lease.after, context_.config->lost_for));
    }
    if (progress.in_vain) continue;
    awaited = true;
    const std::string& path = name.first;
    if (Covered(path) || progress.effect != 0 || !context_.clock->Due(progress.due)) continue;
    // To disarm it would tell its host that its act is known, so it is renewed first.
    progress.effect =
        context_.recorder->Ask(AboutLease(run_.id, path, lease, progress.verb), run_.id);
  }
  return awaited;
}

bool LostLeases::Hear(const RemoteDone& done) {
  const auto asked = std::find_if(progress_.begin(), progress_.end(), [&](const auto& entry) {
    return entry.second.effect == done.id;
  });
  if (asked == progress_.end()) return false;
  asked->second.effect = 0;
  OnReply(LeaseName(asked->first), done.reply);
  return true;
}

void LostLeases::OnReply(const LeaseName& name, const RemoteReply& reply) {
  const auto& [path, generation] = name;
  Progress& progress = progress_[name];
  const EngineClock& clock = *context_.clock;
  if (!reply.receipt) {
    const ErrorKind kind = reply.receipt.error().kind;
    const bool away = kind != ErrorKind::kCorrupt && kind != ErrorKind::kInvalid;
    progress.due = clock.In(context_.config->AfterTheEnd());
    progress.in_vain = !away && clock.Passed(progress.give_up);
    return;
  }
  if (Covered(path)) return;
  if (reply.lease == LeaseState::kArmed && progress.verb == RemoteVerb::kRenew) {
    const Lease& lease = run_.given_up.at(name);
    if (run_.passed_over.contains(path)) {
      // The guarded command may still take effect: the lease is kept alive until that is known.
      progress.due = clock.In(RenewalEvery(lease));
    } else if (run_.LeavesToDeadMan(path)) {
      progress.due = clock.In(lease.after + kTimeToAct);
    } else {
      progress.verb = RemoteVerb::kDisarm;
      progress.due = clock.steady();
    }
    return;
  }
  progress_.erase(name);
  if (reply.lease != LeaseState::kRestored) {
    context_.recorder->Emit(run_.id, DeadManDisarmed{path, generation, reply.lease_exit});
    return;
  }
  context_.recorder->Emit(run_.id,
                          DeadManRestored{path, reply.lease_detail, generation, reply.lease_exit});
  if (run_.stage == Stage::kFinished) return;
  HoldRun(context_, run_, path, HoldReason::kDeadManRestored,
          Say<HeldBecause::kDeadManActed>(reply.lease_detail));
}

std::optional<SteadyTime> LostLeases::NextDeadline() const {
  std::optional<SteadyTime> next;
  for (const auto& [name, progress] : progress_) {
    next = Earlier(next, progress.effect == 0 ? context_.clock->Ahead(progress.due)
                                              : context_.clock->NextLook());
  }
  return next;
}

}  // namespace mailhub::engine
