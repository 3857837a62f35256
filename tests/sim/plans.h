// The runbooks of a simulation: the shipped ones for the lab's site with the lab's short windows,
// or runbooks made from a seed. The real code reads and expands both.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"
#include "actuator/engine/trigger.h"
#include "tests/sim/calendar.h"

namespace mailhub::sim {

using Parameters = std::map<std::string, std::string>;

class Playbook {
 public:
  virtual ~Playbook() = default;

  // The plan, expanded once and kept as long as the playbook.
  const Result<engine::Plan>& Make(const std::string& runbook, const Parameters& parameters) const;

  virtual bool made_up() const = 0;
  const std::vector<engine::Trigger>& triggers() const { return triggers_; }
  // A run that a person may start.
  struct Startable {
    std::string runbook;
    Parameters parameters;
  };
  const std::vector<Startable>& startable() const { return startable_; }
  // The calendar; empty: there is none.
  const Times& times() const { return times_; }
  virtual std::string Text() const { return ""; }  // the runbooks as written, for a story

 protected:
  virtual Result<engine::Plan> Expand(const std::string& runbook,
                                      const Parameters& parameters) const = 0;

  std::vector<engine::Trigger> triggers_;
  std::vector<Startable> startable_;
  Times times_;

 private:
  mutable std::map<std::pair<std::string, Parameters>, Result<engine::Plan>> kept_;
};

// Confined to one thread. The shipped one is made once per thread.
std::shared_ptr<const Playbook> ShippedPlaybook();
std::shared_ptr<const Playbook> MadeUpPlaybook(uint64_t seed);

}  // namespace mailhub::sim
