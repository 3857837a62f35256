// Asks Prometheus and hosts about a plan that is not queued, side by side and on threads of its own.
#pragma once

#include <cstdint>
#include <string>

#include "actuator/engine/live_plan.h"
#include "actuator/engine/ports.h"
#include "lib/base/clock.h"

namespace mailhub::service {

// What it points to must outlive Ask().
struct LiveCheck {
  engine::ConditionPort* conditions = nullptr;
  engine::HostCheckPort* hosts = nullptr;  // null: hosts are unknown
  const Clock* clock = nullptr;
  std::string journal_id;
  uint64_t epoch = 0;
  SteadyTime deadline;

  // Fills in gates and hosts. Blocks until all have answered; begins no question after the deadline
  // and says so of the rest. A question to Prometheus that was begun before it may still take as
  // long as such questions may.
  void Ask(engine::LivePlan* live) const;

 private:
  void AskGate(engine::LiveGate* live) const;
  void AskHost(const engine::Plan& plan, engine::HostReport* report) const;
};

}  // namespace mailhub::service
