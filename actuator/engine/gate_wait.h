// Waits until a gate is open. Takes a fresh mark of each host in the gate, then asks for the
// condition with evidence from after those marks.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actuator/engine/asking.h"
#include "actuator/engine/context.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

enum class GateVerdict {
  kWaits,
  kOpen,
  kInvalid,   // Prometheus refuses the expression
  kTimedOut,  // not within its time
  kRefused,   // a host gives no mark, and asking again changes nothing
};

class GateWait {
 public:
  // Both must outlive it.
  GateWait(const Context* context, const Run* run);

  GateVerdict Work(const Step& step);
  // Nothing: the answer was not awaited here.
  std::optional<GateVerdict> Hear(const RemoteDone& done);
  std::optional<GateVerdict> Hear(const GateDone& done);
  void Reset();

  // Details of the last verdict, for people.
  std::string Detail() const;
  std::string Trouble() const { return state_.trouble; }
  const std::optional<GateReading>& Reading() const { return state_.reading; }
  bool HasMarks() const { return !state_.marks.empty(); }
  std::optional<SteadyTime> NextDeadline() const { return state_.NextDeadline(context_, run_); }

 private:
  struct State : Asking {
    std::optional<SteadyTime> began;
    bool asked = false;  // at least one answer or failure came since `deadline` was set
    std::map<std::string, Mark> marks;
    std::map<std::string, EffectId> mark_effects;
    std::optional<GateReading> reading;
  };

  const Context& context_;
  const Run& run_;
  State state_;
};

}  // namespace mailhub::engine
