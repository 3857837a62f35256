// After a run's end each of its hosts forgets the run's receipts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "actuator/engine/context.h"

namespace mailhub::engine {

class Sweep {
 public:
  // Both must outlive it.
  Sweep(const Context* context, const Run* run);

  // True if it is time to ask: nothing has failed, or that is long enough ago.
  bool Due() const;
  // Asks the hosts that have not answered yet; records it when all have.
  void Work();
  // True if it was awaited here.
  bool Hear(const RemoteDone& done);
  std::optional<SteadyTime> NextDeadline() const;

 private:
  const Context& context_;
  const Run& run_;
  std::map<std::string, EffectId> asked_;  // by host
  std::set<std::string> swept_;            // hosts
  std::optional<SteadyTime> due_;
};

}  // namespace mailhub::engine
