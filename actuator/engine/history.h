// What earlier runs tell: when one of a kind finished last, and how long they took.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "actuator/engine/engine_clock.h"
#include "actuator/engine/run.h"

namespace mailhub::engine {

// When a run of one kind finished last; cancelled ones do not count.
struct LastRun {
  WallTime at;
  std::string run;
  // The same by the steady clock, which does not step; of a replayed one as the wall clock said at
  // the start, at the latest then.
  SteadyTime steady;
};

class History {
 public:
  // `clock` must outlive it.
  explicit History(const EngineClock* clock) : clock_(*clock) {}

  // Once the clock has started: what was replayed is as long ago as the wall clock says.
  void Start();
  // `run` has finished. `worked`: its time of work, if its journal says it.
  void Add(const Run& run, WallTime at, const std::optional<Milliseconds>& worked);

  // Null: none has finished that counts.
  const LastRun* LastOf(const Plan& plan) const;
  // Nothing: it is over. By the steady clock, because the wall clock may be years off, now or when
  // the run ended.
  std::optional<Milliseconds> CooldownLeft(const LastRun& last, Milliseconds cooldown) const;
  // How long nine runs in ten took: of this target, else of any, else what the runbook expects.
  std::optional<Milliseconds> Expected(const Plan& plan) const;

 private:
  const EngineClock& clock_;
  std::map<std::string, LastRun> last_runs_;                   // by runbook and parameters
  std::map<std::string, std::deque<Milliseconds>> durations_;  // by runbook and target, newest last
};

}  // namespace mailhub::engine
