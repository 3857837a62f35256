// Plans the starts of queued runs by the calendar: one after the other where they share a lock.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/context.h"

namespace mailhub::engine {

// Nothing of this is recorded: it follows from the runs, their history, the calendar and the time.
class Schedule {
 public:
  // `context` must outlive it.
  explicit Schedule(const Context* context) : context_(*context) {}

  // A run, its history or the configuration has changed.
  void Change() { changed_ = true; }
  // Plans again if something has changed, a start is due, or a minute has passed: the wall clock
  // may have stepped. `runs`: the unfinished ones, in the order in which they were queued.
  void Work(const std::vector<const Run*>& runs);
  // As OtherRuns::SlotOf. A run that is not among them counts as the last.
  Slot SlotOf(const Run& run) const;
  // Whether a queued run gives way to later ones: its time has not come.
  bool GivesWay(const Run& run) const;
  std::optional<SteadyTime> NextDeadline() const;

 private:
  // Time in which a run has, or is to have, its locks.
  struct Taken {
    std::string run;
    std::string runbook;
    std::vector<std::string> locks;
    Span span;
  };
  // Of the runs planned so far, those that share a lock with this one.
  std::vector<Taken> Before(const Run& run) const;
  Slot Ask(const Run& run, const std::vector<Taken>& before) const;
  Slot AskUnderWay(const Run& run) const;
  void PlanUnderWay(const Run& run);
  void PlanQueued(const Run& run);
  void WakeAt(WallTime begin);

  const Context& context_;
  bool changed_ = true;
  std::optional<SteadyTime> due_;
  std::map<std::string, Slot> slots_;                       // by run
  std::map<std::string, std::vector<Taken>> comes_before_;  // by queued run
  std::vector<Taken> taken_;                                // of the runs planned so far
};

}  // namespace mailhub::engine
