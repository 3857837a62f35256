// After a run's end, makes each of its hosts forget the run's receipts.
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

  // True if it is time to ask: nothing has failed, or the failure is long enough ago.
  bool Due() const;
  // Asks the hosts that have not answered yet; records the sweep when all have.
  void Work();
  // True if this part awaited the answer.
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
