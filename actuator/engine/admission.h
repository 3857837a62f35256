// Decides when a queued run starts: the mode, no pause, its locks, the calendar, and its `only_if`.
#pragma once

#include <optional>
#include <string>

#include "actuator/engine/context.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

class Admission {
 public:
  // Both must outlive it.
  Admission(const Context* context, const Run* run);

  // Starts the run when nothing prevents it, or asks the questions that come first.
  void Work();
  // True if this part awaited the answer.
  bool Hear(const QueryDone& done);
  // The reason for waiting, for people.
  std::string WaitingFor() const;
  // When it starts; `refused` stays empty. Of a run that is not queued: as the last one.
  StartView Foresee() const;
  std::optional<SteadyTime> NextDeadline() const;

 private:
  bool ItsTurn() const;
  void OnReading(const QueryReading& reading);

  const Context& context_;
  const Run& run_;
  EffectId asked_ = 0;
  bool holds_ = false;  // `only_if` held when the run's turn came
  std::optional<SteadyTime> due_;
  std::optional<SteadyTime> give_up_;  // on the attended clock
  std::string trouble_;                // why it is unknown whether it is still needed
};

}  // namespace mailhub::engine
