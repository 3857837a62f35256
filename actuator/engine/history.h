// The history of finished runs: the last finish of each kind, and how long runs took.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "actuator/engine/calendar.h"
#include "actuator/engine/engine_clock.h"
#include "actuator/engine/run.h"

namespace mailhub::engine {

// The last finish of a run of one kind; cancelled runs do not count.
struct LastRun {
  WallTime at;
  std::string run;
  // The same on the steady clock, which does not step. For a replayed run: set by the wall clock at
  // the start, not later than the start.
  SteadyTime steady;
};

class History {
 public:
  // `clock` must outlive it.
  explicit History(const EngineClock* clock) : clock_(*clock) {}
  // A copy by another clock, which must outlive it.
  History(const EngineClock* clock, const History& other)
      : clock_(*clock), last_runs_(other.last_runs_), durations_(other.durations_) {}

  // Call once the clock has started. The age of replayed runs is set by the wall clock.
  void Start();
  // `run` has finished. `worked`: its time of work, if its journal has it.
  void Add(const Run& run, WallTime at, const std::optional<Milliseconds>& worked);

  // Null: no counting run has finished.
  const LastRun* LastOf(const Plan& plan) const;
  // Nothing: the cooldown is over. By the steady clock: the wall clock may be years off, now or
  // when the run ended.
  std::optional<Milliseconds> CooldownLeft(const LastRun& last, Milliseconds cooldown) const;
  // The duration that nine runs in ten did not exceed: of this target, else of any, else the
  // runbook's expectation.
  std::optional<Milliseconds> Expected(const Plan& plan) const;
  // For the calendar: the same of at least five runs of this target, else the runbook's
  // expectation, else the longest of its few runs.
  Needed NeededFor(const Plan& plan) const;

 private:
  const EngineClock& clock_;
  std::map<std::string, LastRun> last_runs_;                   // by runbook and parameters
  std::map<std::string, std::deque<Milliseconds>> durations_;  // by runbook and target, newest last
};

}  // namespace mailhub::engine
