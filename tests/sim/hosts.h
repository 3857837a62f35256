// The site's hosts with the runner's behaviour: claims, receipts, void keys, fencing, leases,
// sweeping, by the rules of docs/runner.md. Shares nothing with production code.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/remote.h"
#include "tests/sim/faults.h"
#include "tests/sim/observation.h"

namespace mailhub::sim {

class World;

struct Claim {
  std::string command;
  std::string boot_id;
  int64_t ends_at_ms = 0;
  bool is_void = false;
  std::optional<int> exit_status;
};

struct Lease {
  std::string restore;
  int64_t after_ms = 0;
  int64_t expires_at_ms = 0;
  bool restored = false;
  bool acknowledged = false;  // may be armed again
  int generation = 0;
  int exit_status = 0;  // restored: its command's
};

struct Boot {
  int64_t down_ms = 0;  // the host went down
  int64_t up_ms = 0;
  std::string id;
  int64_t counts_since_ms = 0;  // begin of the uptime; later than up_ms once it has gone back

  double UptimeS(int64_t at_ms) const {
    return static_cast<double>(at_ms - (at_ms < counts_since_ms ? up_ms : counts_since_ms)) / 1000;
  }
};

// One host. Confined to its world.
class Host {
 public:
  Host(World* world, std::string name);

  // The runner's work on an arrived request.
  engine::RemoteReply CarryOut(const engine::RemoteRequest& request, const Sender& by);
  // End of the running command under `key`; nothing if none runs.
  std::optional<int64_t> EndsAt(const std::string& key) const;
  engine::RemoteReply ReplyFor(const std::string& key) const;
  void GoDown(bool lose_receipts);
  // The uptime starts again at 0, and with it each lease.
  void SetUptimeBack();

  bool IsDown(int64_t at_ms) const;
  const Boot& boot() const { return boots_.back(); }
  const std::vector<Boot>& boots() const { return boots_; }

  // Whether it has been asked far too often within a second.
  bool Pestered(int64_t now_ms);

  int64_t unreachable_until_ms = 0;
  bool gone = false;  // will never be reachable again
  int64_t wrong_key_until_ms = 0;

 private:
  std::optional<Error> Refusal(const engine::RemoteRequest& request, const Sender& by);
  engine::Receipt ReceiptOf(const Claim& claim) const;
  engine::RemoteReply Run(const engine::RemoteRequest& request, const Sender& by);
  engine::RemoteReply Sweep(const std::string& run);
  bool HasActed(const std::string& key) const;
  bool Alive(const Claim& claim) const;
  void Begin(const std::string& key, const std::string& command, const Sender& by);
  void Touch(const std::string& key, const std::string& command);
  void End(const std::string& key, const std::string& boot_id, bool fails);
  engine::LeaseState OnLease(const engine::RemoteRequest& request);
  std::optional<Error> LateForLease(const engine::RemoteRequest& request) const;
  void WatchLease(const std::string& key);
  void Restore(const std::string& key);
  void DropReceipts();
  engine::RemoteReply Reply(engine::Receipt receipt) const;

  World* const world_;
  const std::string name_;
  std::string directory_id_;
  std::string fence_journal_ = "main";  // the site has been in operation
  uint64_t fence_epoch_ = 0;
  int64_t asked_second_ = 0;
  int asked_ = 0;  // in that second
  std::vector<Boot> boots_;
  std::map<std::string, Claim> claims_;
  std::set<std::string> swept_;  // runs whose receipts are gone for good
  std::map<std::string, Lease> leases_;
  std::map<std::string, int> taken_away_;  // the latest disarmed generation, by key
};

}  // namespace mailhub::sim
