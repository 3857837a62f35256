// All runs in memory: unfinished ones, those whose hosts are not yet swept, and finished ones that
// are still shown.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/context.h"
#include "actuator/engine/history.h"
#include "actuator/engine/live_run.h"
#include "actuator/engine/schedule.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

class Runs final : public OtherRuns {
 public:
  // `context` must outlive it.
  explicit Runs(const Context* context) : context_(*context), schedule_(context) {}
  // A copy of what is recorded, for another context, which must outlive it. What the runs await is
  // not copied.
  Runs(const Context* context, const Runs& other);

  // Folds an event about a run. Returns the run if this has finished it, else null.
  const Run* Apply(const Event& event);
  // The mode has changed, or the wall clock was set by `step`: no run has worked so long.
  void Account(WallTime at, Milliseconds step = Milliseconds(0));
  // The configuration has changed.
  void Replan() { schedule_.Change(); }
  // Forgets runs that are finished, swept and no longer shown. References to them become invalid.
  void Forget();

  // Does all due work, in the order in which the runs were queued.
  void Work();
  std::optional<SteadyTime> NextDeadline() const;
  // While a commit is pending: see Leases.
  std::vector<Effect> RenewWhilePending();
  void NoteRenewal(const RemoteDone& done);
  void Refresh(View* view) const;

  LiveRun* Find(const std::string& id);  // null: there is none
  // kInvalid, kNotFound.
  Result<LiveRun*> FindByPrefix(const std::string& prefix);
  // The unfinished run of this runbook with these parameters. Null: none.
  const Run* FindUnfinished(const Plan& plan) const;
  bool Full() const;

  // Plans the starts of queued runs, and starts none. For a copy: Work() does it too.
  void PlanStarts();

  void AddTo(const History& history, View* view) const;

 private:
  // By way of OtherRuns alone.
  const Run* BlockedBy(const Run& run) const override;
  std::string PassedOverOn(const std::string& host) const override;
  Slot SlotOf(const Run& run) const override { return schedule_.SlotOf(run); }

  const Context& context_;
  std::deque<std::string> order_;  // unfinished or unswept runs, oldest first
  std::map<std::string, LiveRun> runs_;
  std::deque<std::string> finished_;  // newest first
  Schedule schedule_;
};

}  // namespace mailhub::engine
