// The alerts of a simulated site. Those for shipped runbooks follow the machines' state; those for
// made-up runbooks come and go by the seed.
#pragma once

#include <map>
#include <string>

#include "actuator/engine/engine.h"
#include "tests/sim/plans.h"
#include "tests/sim/world.h"

namespace mailhub::sim {

// Confined to one thread; the constructor's arguments outlive it.
class Alertmanager {
 public:
  Alertmanager(World* world, const Playbook* playbook);

  engine::Notification Notify();
  // The same notification from the other one of a pair.
  engine::Notification Again(engine::Notification notification);

 private:
  void AddShipped(engine::Notification* notification);
  void AddMadeUp(engine::Notification* notification);
  void Add(engine::Notification* notification, const std::string& name, const std::string& instance,
           bool firing, int64_t since_ms);

  World* const world_;
  const Playbook* const playbook_;
  int64_t recording_lag_ms_ = 0;
  int64_t clock_ahead_ms_ = 0;  // of Prometheus's clock, for made-up alerts
  uint64_t notifications_ = 0;
  std::map<std::string, int64_t> firing_;  // made-up alerts, with their begin
};

}  // namespace mailhub::sim
