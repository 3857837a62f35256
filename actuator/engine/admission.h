// What must be so before a queued run starts: the mode, no pause, its locks, and its `only_if`.
#pragma once

#include <optional>
#include <string>

#include "actuator/engine/context.h"

namespace mailhub::engine {

class Admission {
 public:
  // Both must outlive it.
  Admission(const Context* context, const Run* run);

  // Starts the run if nothing is in its way, or asks what must be asked before.
  void Work();
  // True if it was awaited here.
  bool Hear(const QueryDone& done);
  // What the run waits for, for people.
  std::string WaitingFor() const;
  std::optional<SteadyTime> NextDeadline() const;

 private:
  bool ItsTurn() const;
  void OnReading(const QueryReading& reading);

  const Context& context_;
  const Run& run_;
  EffectId asked_ = 0;
  bool holds_ = false;  // `only_if` did, when it was its turn
  std::optional<SteadyTime> due_;
  std::optional<SteadyTime> give_up_;  // on the attended clock
  std::string trouble_;                // why nobody knows whether it is still needed
};

}  // namespace mailhub::engine
