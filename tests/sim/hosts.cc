// See hosts.h.
#include "tests/sim/hosts.h"

#include <algorithm>

#include "tests/sim/world.h"

namespace mailhub::sim {

using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;

namespace {

constexpr int64_t kUpSinceMs = -3'600'000;
constexpr int kMostASecond = 50;

std::string RunOf(const std::string& key) {
  return key.substr(0, key.find('/'));
}

}  // namespace

Host::Host(World* world, std::string name)
    : world_(world), name_(std::move(name)), directory_id_("dir-" + name_) {
  boots_.push_back({kUpSinceMs, kUpSinceMs, "boot-" + name_, kUpSinceMs});
}

bool Host::IsDown(int64_t at_ms) const {
  return at_ms < boots_.back().up_ms && at_ms >= boots_.back().down_ms;
}

bool Host::Pestered(int64_t now_ms) {
  if (asked_second_ != now_ms / 1000) asked_ = 0;
  asked_second_ = now_ms / 1000;
  return ++asked_ == kMostASecond;
}

// --- requests

std::optional<Error> Host::Refusal(const engine::RemoteRequest& request, const Sender& by) {
  if (request.verb != RemoteVerb::kHello && request.directory_id != directory_id_) {
    return Error{ErrorKind::kCorrupt, "the receipts directory is another one"};
  }
  const bool fenced = by.journal != fence_journal_ || by.epoch < fence_epoch_;
  if (fenced && !world_->Is(Mutation::kRunnerIgnoresFence)) {
    return Error{ErrorKind::kRefused, "a newer or foreign actuator has spoken to this host"};
  }
  if (by.journal == fence_journal_ && by.epoch > fence_epoch_) {
    fence_epoch_ = by.epoch;
    world_->Observe(HostHeard{name_, by.epoch});
  }
  if (swept_.contains(RunOf(request.key)) && request.verb != RemoteVerb::kSweep) {
    const bool begins_nothing = request.verb == RemoteVerb::kVoid ||
                                request.verb == RemoteVerb::kStatus ||
                                request.verb == RemoteVerb::kCancel;
    return Error{begins_nothing ? ErrorKind::kNotFound : ErrorKind::kRefused,
                 "the run is over and its receipts are swept"};
  }
  return std::nullopt;
}

RemoteReply Host::Reply(engine::Receipt receipt) const {
  RemoteReply reply;
  reply.receipt = std::move(receipt);
  reply.directory_id = directory_id_;
  reply.mark = {boot().id, boot().UptimeS(world_->now_ms())};
  return reply;
}

RemoteReply Host::ReplyFor(const std::string& key) const {
  const auto found = claims_.find(key);
  return Reply(found == claims_.end() ? engine::Receipt() : ReceiptOf(found->second));
}

RemoteReply Host::CarryOut(const engine::RemoteRequest& request, const Sender& by) {
  if (auto refusal = Refusal(request, by)) {
    RemoteReply reply;
    reply.receipt = Fail(*refusal);
    return reply;
  }
  const auto claimed = claims_.find(request.key);
  const bool is_new = claimed == claims_.end();
  switch (request.verb) {
    case RemoteVerb::kHello:
    case RemoteVerb::kStatus:
      break;
    case RemoteVerb::kRun:
    case RemoteVerb::kLaunch:
      return Run(request, by);
    case RemoteVerb::kVoid:
      if (is_new) claims_[request.key].is_void = true;
      break;
    case RemoteVerb::kCancel:
      if (!is_new && Alive(claimed->second)) {
        claimed->second.exit_status = 143;
        world_->Observe(DeedEnded{name_, request.key, 143});
      }
      break;
    case RemoteVerb::kArm:
    case RemoteVerb::kRenew:
    case RemoteVerb::kDisarm: {
      if (auto late = LateForLease(request)) {
        RemoteReply refused;
        refused.receipt = Fail(*late);
        return refused;
      }
      const engine::LeaseState lease = OnLease(request);
      RemoteReply reply = Reply({});
      reply.lease = lease;
      if (lease == engine::LeaseState::kRestored) {
        reply.lease_exit = leases_.at(request.key).exit_status;
      }
      return reply;
    }
    case RemoteVerb::kSweep:
      return Sweep(request.key);
  }
  return ReplyFor(request.key);
}

RemoteReply Host::Run(const engine::RemoteRequest& request, const Sender& by) {
  const auto claimed = claims_.find(request.key);
  const bool is_new = claimed == claims_.end();
  RemoteReply refused;
  if (!is_new && claimed->second.command != request.command && !claimed->second.is_void) {
    refused.receipt = Fail(ErrorKind::kRefused, "the key was claimed for another command");
    return refused;
  }
  if (is_new && HasActed(request.key)) {
    refused.receipt = Fail(ErrorKind::kRefused, "a dead man of the run has acted");
    return refused;
  }
  // A request that begins in time does not need the other rule; a mutation without that rule is
  // late as well.
  const bool patient =
      world_->Is(Mutation::kRunnerIsPatient) || world_->Is(Mutation::kRunnerIgnoresRestored);
  if (is_new && world_->now_ms() >= by.begin_by_ms && !patient) {
    refused.receipt = Fail(ErrorKind::kUnreachable, "it may not begin any more; nothing was done");
    return refused;
  }
  if (is_new || world_->Is(Mutation::kRunnerIgnoresClaims) ||
      (claimed->second.is_void && world_->Is(Mutation::kRunnerIgnoresVoid))) {
    Begin(request.key, request.command, by);
  }
  return ReplyFor(request.key);
}

RemoteReply Host::Sweep(const std::string& run) {
  const auto of_run = [&](const auto& entry) { return RunOf(entry.first) == run; };
  const bool alive = std::any_of(claims_.begin(), claims_.end(), [&](const auto& entry) {
    return of_run(entry) && Alive(entry.second);
  });
  // A lease that guards a begun command must still act: a person gave up waiting for this host.
  const auto began = [&](const std::string& lease) {
    return std::any_of(claims_.begin(), claims_.end(), [&](const auto& entry) {
      return entry.first.starts_with(lease + "/") && !entry.second.is_void;
    });
  };
  const bool guards = std::any_of(leases_.begin(), leases_.end(), [&](const auto& entry) {
    return of_run(entry) && !entry.second.restored && began(entry.first);
  });
  if (alive || guards) {
    RemoteReply reply;
    reply.receipt = Fail(ErrorKind::kRefused, "something of the run is still working");
    return reply;
  }
  // A delayed request must find this, or it would run or arm something that is over.
  swept_.insert(run);
  std::erase_if(claims_, of_run);
  std::erase_if(taken_away_, of_run);
  std::erase_if(leases_, [&](const auto& entry) {
    if (!of_run(entry)) return false;
    if (!entry.second.restored) world_->Observe(LeaseChanged{name_, entry.first, false});
    return true;
  });
  return Reply({});
}

// --- receipts

// Whether a dead man of the key's run has acted here, and the actuator has not acknowledged it; for
// the key's own step also until it is armed again.
bool Host::HasActed(const std::string& key) const {
  const std::string own = key.substr(0, key.rfind('/'));
  return std::any_of(leases_.begin(), leases_.end(), [&](const auto& entry) {
    const auto& [name, lease] = entry;
    if (!lease.restored) return false;
    return name == own || (RunOf(name) == RunOf(key) && !lease.acknowledged &&
                           !world_->Is(Mutation::kRunnerIgnoresRestored));
  });
}

bool Host::Alive(const Claim& claim) const {
  return !claim.is_void && !claim.exit_status && claim.boot_id == boot().id;
}

engine::Receipt Host::ReceiptOf(const Claim& claim) const {
  engine::Receipt receipt;
  if (claim.is_void) {
    receipt.state = ReceiptState::kVoid;
  } else if (claim.exit_status) {
    receipt.state = ReceiptState::kFinished;
    receipt.exit_status = *claim.exit_status;
    if (world_->Is(Mutation::kAdapterMisreadsExit) && world_->Random() % 16 == 0) {
      receipt.exit_status = 1;
    }
  } else {
    receipt.state = Alive(claim) ? ReceiptState::kRunning : ReceiptState::kInterrupted;
  }
  return receipt;
}

std::optional<int64_t> Host::EndsAt(const std::string& key) const {
  const auto found = claims_.find(key);
  if (found == claims_.end() || !Alive(found->second)) return std::nullopt;
  return found->second.ends_at_ms;
}

// A command's effect on the machine, and the command's key.
void Host::Touch(const std::string& key, const std::string& command) {
  world_->acting_key = key;
  world_->machines.Effect(name_, command, world_->now_ms(),
                          [this](int64_t ms, auto what) { world_->PlanIn(ms, std::move(what)); });
  world_->acting_key.clear();
}

void Host::Begin(const std::string& key, const std::string& command, const Sender& by) {
  Claim claim;
  claim.command = command;
  claim.boot_id = boot().id;
  claim.ends_at_ms = world_->now_ms() + Machines::DurationMs(command);
  if (world_->Chance(world_->faults.slow_command))
    claim.ends_at_ms += world_->Between(500, 300'000);
  const bool fails = world_->Chance(world_->faults.fail_command);
  world_->Plan(claim.ends_at_ms,
               [this, key, fails, boot_id = claim.boot_id] { End(key, boot_id, fails); });
  claims_[key] = std::move(claim);
  world_->Observe(DeedBegan{name_, key, command, false, by});
}

void Host::End(const std::string& key, const std::string& boot_id, bool fails) {
  const auto found = claims_.find(key);
  if (found == claims_.end() || !Alive(found->second) || boot_id != boot().id) return;
  found->second.exit_status = fails ? 1 : 0;
  if (!fails) Touch(key, found->second.command);
  world_->Observe(DeedEnded{name_, key, found->second.exit_status});
}

// --- faults

void Host::GoDown(bool lose_receipts) {
  const int64_t now_ms = world_->now_ms();
  if (IsDown(now_ms)) return;
  for (auto& [key, claim] : claims_) {
    if (!Alive(claim)) continue;
    if (world_->Chance(0.5)) Touch(key, claim.command);  // it had got far enough
    world_->Observe(DeedEnded{name_, key, std::nullopt});
  }
  const int64_t up_ms = now_ms + world_->Between(2000, 60'000);
  boots_.push_back({now_ms, up_ms, "boot-" + name_ + '-' + std::to_string(boots_.size()), up_ms});
  world_->Observe(HostLost{name_, lose_receipts});
  if (lose_receipts) DropReceipts();
  for (auto& [key, lease] : leases_) lease.expires_at_ms = up_ms + lease.after_ms;
  world_->Plan(up_ms, [this] { world_->machines.Boot(name_, world_->now_ms()); });
}

void Host::SetUptimeBack() {
  const int64_t now_ms = world_->now_ms();
  if (IsDown(now_ms) || boots_.back().counts_since_ms > boots_.back().up_ms) return;
  boots_.back().counts_since_ms = now_ms;
  for (auto& [key, lease] : leases_) lease.expires_at_ms = now_ms + lease.after_ms;
  world_->Observe(Happened{name_ + "'s uptime goes back to 0"});
}

void Host::DropReceipts() {
  for (const auto& [key, lease] : leases_) {
    if (!lease.restored) world_->Observe(LeaseChanged{name_, key, false});
  }
  claims_.clear();
  leases_.clear();
  taken_away_.clear();
  swept_.clear();
  fence_epoch_ = 0;
  directory_id_ = "dir-" + name_ + '-' + std::to_string(boots_.size());
}

}  // namespace mailhub::sim
