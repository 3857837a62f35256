// Dead men on a simulated host: armed, renewed, disarmed, acting by themselves. See hosts.h.
#include <algorithm>

#include "tests/sim/hosts.h"
#include "tests/sim/world.h"

namespace mailhub::sim {

using engine::LeaseState;
using engine::RemoteVerb;

namespace {

constexpr int64_t kLeaseTickMs = 5000;

std::string RunOf(const std::string& key) {
  return key.substr(0, key.find('/'));
}

}  // namespace

// A delayed request that later ones have overtaken.
std::optional<Error> Host::LateForLease(const engine::RemoteRequest& request) const {
  const auto lease = leases_.find(request.key);
  if (request.verb == RemoteVerb::kDisarm && lease != leases_.end() &&
      request.generation < lease->second.generation) {
    return Error{ErrorKind::kRefused, "the lease has been armed anew since"};
  }
  const auto taken = taken_away_.find(request.key);
  if (request.verb == RemoteVerb::kArm && taken != taken_away_.end() &&
      request.generation <= taken->second && !world_->Is(Mutation::kHostArmsLate)) {
    return Error{ErrorKind::kRefused, "the lease was taken away again since"};
  }
  return std::nullopt;
}

LeaseState Host::OnLease(const engine::RemoteRequest& request) {
  const auto found = leases_.find(request.key);
  if (request.verb == RemoteVerb::kDisarm) {
    int& latest = taken_away_[request.key];
    latest = std::max(latest, request.generation);
  }
  if (found != leases_.end() && found->second.restored &&
      !(request.verb == RemoteVerb::kArm && found->second.acknowledged)) {
    if (request.verb == RemoteVerb::kDisarm) found->second.acknowledged = true;
    return LeaseState::kRestored;
  }
  if (request.verb == RemoteVerb::kDisarm) {
    if (!world_->Is(Mutation::kHostKeepsLease) && leases_.erase(request.key) > 0) {
      world_->Observe(LeaseChanged{name_, request.key, false});
    }
    return LeaseState::kNone;
  }
  if (request.verb == RemoteVerb::kRenew && found == leases_.end()) return LeaseState::kNone;
  if (world_->Is(Mutation::kHostForgetsLease)) return LeaseState::kArmed;
  const bool armed_before = found != leases_.end() && !found->second.restored;
  Lease& lease = leases_[request.key];
  if (request.verb == RemoteVerb::kArm) {
    lease = {request.command, 0, 0, false, false, std::max(lease.generation, request.generation)};
  }
  lease.after_ms = request.after.count();
  lease.expires_at_ms = world_->now_ms() + lease.after_ms;
  world_->Observe(LeaseChanged{name_, request.key, true, lease.expires_at_ms});
  if (!armed_before) WatchLease(request.key);
  return LeaseState::kArmed;
}

// The timer: one per armed lease; it looks again if the lease was renewed meanwhile.
void Host::WatchLease(const std::string& key) {
  const int64_t at_ms = leases_.at(key).expires_at_ms + world_->Between(0, kLeaseTickMs);
  world_->Plan(at_ms, [this, key] {
    const auto found = leases_.find(key);
    if (found == leases_.end() || found->second.restored) return;
    Lease& lease = found->second;
    const int64_t now_ms = world_->now_ms();
    if (now_ms < lease.expires_at_ms || IsDown(now_ms)) {
      if (IsDown(now_ms)) lease.expires_at_ms = boot().up_ms + lease.after_ms;
      WatchLease(key);
      return;
    }
    const bool working = std::any_of(claims_.begin(), claims_.end(), [&](const auto& entry) {
      return RunOf(entry.first) == RunOf(key) && Alive(entry.second);
    });
    if (working) {
      lease.expires_at_ms = now_ms + lease.after_ms;
      WatchLease(key);
      return;
    }
    Restore(key);
  });
}

void Host::Restore(const std::string& key) {
  Lease& lease = leases_.at(key);
  lease.restored = true;
  world_->Observe(DeedBegan{name_, key, lease.restore, true, {}});
  lease.exit_status = world_->Chance(world_->faults.fail_restore) ? 1 : 0;
  if (lease.exit_status == 0) Touch(key, lease.restore);
  world_->Observe(LeaseChanged{name_, key, false});
}

}  // namespace mailhub::sim
