// A site in memory with its own time: hosts that keep the runner's rules, commands that change
// them, a Prometheus that samples them, and faults drawn from a seed. Nothing here is shared with
// production code; it is the other side of the seam.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/engine.h"

namespace mailhub::sim {

using engine::RemoteReply;
using engine::RemoteRequest;

// How much goes wrong. All are chances in 0..1 for each occasion.
struct Faults {
  double refuse = 0;           // the host cannot be reached; nothing was sent
  double lose_reply = 0;       // the request was carried out, its answer is lost
  double delay = 0;            // the request arrives much later
  double reboot = 0;           // a host reboots when a request arrives
  double wipe_receipts = 0;    // and loses its receipts directory with it
  double fail_command = 0;     // a command exits with 1
  double drop_sample = 0;      // Prometheus misses a sample
  double prometheus_away = 0;  // Prometheus does not answer
};

// One command carried out, as the host saw it: the truth the invariants are judged by.
struct Deed {
  int64_t at_ms = 0;
  std::string host;
  std::string key;
  std::string command;
  bool by_dead_man = false;
  int64_t ended_at_ms = 0;  // 0: not yet, or never
};

struct Sample {
  int64_t at_ms = 0;
  std::string boot_id;
  double uptime_s = 0;
  std::map<std::string, double> values;
};

struct GatePassed {
  int64_t at_ms = 0;
  int64_t oldest_evidence_ms = 0;
  std::vector<std::string> about;
};

class World {
 public:
  World(uint64_t seed, const std::vector<std::string>& hosts);

  // --- time ---
  int64_t now_ms() const { return now_ms_; }
  engine::Moment Now() const;
  // Runs what is planned up to `at_ms`, in order.
  void AdvanceTo(int64_t at_ms);
  int64_t NextPlannedMs() const;
  void Plan(int64_t at_ms, std::function<void()> what);

  // --- the seams ---
  // Carries a request to its host and, unless a fault eats it, plans `answer`. `epoch` is the
  // sender's.
  void Send(const RemoteRequest& request, uint64_t epoch, std::function<void(RemoteReply)> answer);
  void Ask(const engine::GateQuestion& question, std::function<void(engine::GateReading)> answer);
  void Ask(const engine::QueryQuestion& question, std::function<void(engine::QueryReading)> answer);

  bool Chance(double probability);
  uint64_t Random() { return random_(); }

  Faults faults;
  std::vector<Deed> deeds;
  std::vector<GatePassed> gates_passed;
  double Value(const std::string& host, const std::string& name) const;
  void Set(const std::string& host, const std::string& name, double value);

 private:
  struct Claim {
    std::string command;
    std::string boot_id;
    int64_t ends_at_ms = 0;
    bool is_void = false;
    bool finished = false;
    int exit_status = 0;
  };
  struct Lease {
    std::string restore;
    int64_t after_ms = 0;
    int64_t expires_at_ms = 0;
    bool restored = false;
    bool acknowledged = false;  // may be armed again
  };
  struct Host {
    std::string directory_id;
    std::string boot_id;
    int64_t booted_at_ms = 0;
    uint64_t epoch = 0;
    std::map<std::string, Claim> claims;
    std::set<std::string> swept;  // runs whose receipts are gone for good
    std::map<std::string, Lease> leases;
    std::map<std::string, double> values;
    std::vector<Sample> samples;
  };

  RemoteReply CarryOut(const RemoteRequest& request, uint64_t epoch);
  engine::Receipt ReceiptOf(const Host& host, const Claim& claim) const;
  void Begin(const std::string& name, const std::string& key, const std::string& command);
  void Effect(const std::string& name, const std::string& command);
  void Reboot(const std::string& name);
  void SampleAll();
  void CheckLeases();
  engine::GateReading Read(const engine::GateQuestion& question);

  int64_t now_ms_ = 1'000'000;
  std::mt19937_64 random_;
  std::multimap<int64_t, std::function<void()>> planned_;
  std::map<std::string, Host> hosts_;
};

// "x500.eddy == 0": the one form of condition this world's Prometheus understands.
struct Condition {
  std::string host;
  std::string name;
  std::string comparison;
  double threshold = 0;
};
Condition ParseCondition(const std::string& expr);

}  // namespace mailhub::sim
