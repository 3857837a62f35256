// A simulated site with its own time: machines, the runner's rules on them, a network, a Prometheus
// that samples them, and faults drawn from a seed. It is the other side of the engine's seams.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "actuator/engine/engine.h"
#include "tests/sim/hosts.h"
#include "tests/sim/machines.h"

namespace mailhub::sim {

// Confined to one thread.
class World {
 public:
  using Observer = std::function<void(Observation)>;
  World(uint64_t seed, const Faults& faults, Mutation mutation, bool made_up, Observer observer);

  // --- time ---
  int64_t now_ms() const { return now_ms_; }
  // Runs planned actions up to `at_ms`, in order.
  void AdvanceTo(int64_t at_ms);
  int64_t NextPlannedMs() const;
  void Plan(int64_t at_ms, std::function<void()> what);
  void PlanIn(int64_t ms, std::function<void()> what) { Plan(now_ms_ + ms, std::move(what)); }

  // --- the seams ---
  // Carries a request to its host and, unless a fault eats it, plans `answer`.
  using Answer = std::function<void(engine::RemoteReply)>;
  void Send(const engine::RemoteRequest& request, const Sender& by, const Answer& answer);
  // An opening gate is observed only if it opens for the actuator in office.
  void Ask(const engine::GateQuestion& question, bool in_office,
           std::function<void(engine::GateReading)> answer);
  void Ask(const engine::QueryQuestion& question, std::function<void(engine::QueryReading)> answer);

  // --- chance ---
  bool Chance(double probability);
  uint64_t Random() { return random_(); }
  int64_t Between(int64_t least, int64_t greatest);  // both included

  void Observe(decltype(Observation::what) what);
  void CalmDown();  // from now on no faults
  bool Is(Mutation mutation) const { return mutation_ == mutation; }
  // Whether a gate's condition is really true now.
  bool Holds(const engine::Gate& gate) const;
  // A person runs a command on a host; false if the host is down.
  bool ByHand(const std::string& host, const std::string& command);
  bool AnyGone() const;  // some host stays away for ever

  // Random faults of every few seconds.
  void StayAway();

  Faults faults;
  Machines machines;
  std::string acting_key;  // of the command whose effect is under way

 private:
  struct Planned {
    int64_t at_ms;
    uint64_t order;
    std::function<void()> what;
    bool operator<(const Planned& other) const {
      return at_ms != other.at_ms ? at_ms > other.at_ms : order > other.order;
    }
  };
  // Prometheus's samples of one host within a span of time.
  struct Evidence {
    int count = 0;
    bool probe_failed = false;
    bool rebooted = false;  // the latest sample is from another boot than the mark
    bool old = false;       // a sample was taken before the mark
    int64_t oldest_ms = 0;
    int64_t latest_ms = 0;
  };
  void Deliver(const engine::RemoteRequest& request, const Sender& by, const Answer& answer);
  std::string AnyHost();
  void AnswerIn(int64_t ms, const Answer& answer, engine::RemoteReply reply);
  Evidence Gather(const std::string& host, int64_t reach_ms, const engine::Mark* mark) const;
  bool Visible(size_t host, int64_t sample) const;
  engine::GateReading Read(const engine::GateQuestion& question, bool in_office);

  const uint64_t seed_;
  const bool made_up_;  // selects the relevant hosts
  const Mutation mutation_;
  const Observer observer_;
  std::mt19937_64 random_;
  int64_t now_ms_ = 0;
  int64_t calm_ms_ = INT64_MAX;
  uint64_t planned_count_ = 0;
  std::priority_queue<Planned> planned_;
  std::map<std::string, Host> hosts_;
  std::map<std::string, size_t> numbers_;  // of hosts
};

}  // namespace mailhub::sim
