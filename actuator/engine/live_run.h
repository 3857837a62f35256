// One run in this life of the program: its recorded state, and the machines that carry it out. The
// machines' own state may be lost at any moment: it is derived again from the run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/admission.h"
#include "actuator/engine/context.h"
#include "actuator/engine/current_step.h"
#include "actuator/engine/leases.h"
#include "actuator/engine/lost_leases.h"
#include "actuator/engine/passed_over.h"
#include "actuator/engine/sweep.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

class LiveRun {
 public:
  // `context` must outlive it.
  LiveRun(const Context* context, const std::string& id);
  // In the recorded state of `run`; awaits nothing yet.
  LiveRun(const Context* context, const Run& run);
  LiveRun(const LiveRun&) = delete;
  LiveRun& operator=(const LiveRun&) = delete;

  const Run& run() const { return run_; }
  // Folds an event of this run, and counts the time up to it.
  void Apply(const Event& event);
  // Folds a change of the mode, which decides whether time before and after `at` counts.
  // The wall clock was set by `step` since the last count: that time counts neither way.
  void Account(WallTime at, Milliseconds step = Milliseconds(0));

  // Does all work that is due.
  void Work();
  // The answer to a question of this run. An answer that is no longer awaited changes nothing.
  void Hear(const RemoteDone& done);
  void Hear(const GateDone& done);
  void Hear(const QueryDone& done);
  // kRefused if the run does not accept the person's command.
  Status Do(const Command& command);

  // The step on `host` that was passed over and whose command may still begin. Null: none.
  const Step* MayStillBegin(const std::string& host) const;
  std::optional<SteadyTime> NextDeadline() const;
  // While a commit is pending: see Leases.
  void RenewWhilePending(std::vector<Effect>* effects);
  bool NoteRenewal(const RemoteDone& done);
  void Refresh(RunView* view) const;

  // While it is queued: when it starts.
  StartView Foresee() const { return admission_.Foresee(); }
  // `expected`: the expected duration, if known.
  RunView Look(const std::optional<Milliseconds>& expected) const;

 private:
  void WorkAfterEnd();
  void Finish();
  void Answer(const Hold& hold, const Command& command);
  bool GivesUpAGoodDeadMan(const Hold& hold, Verb verb) const;
  std::string WaitingFor() const;
  Milliseconds Worked() const;
  void AddEnd(RunView* view) const;
  bool Acts() const;

  const Context& context_;
  Run run_;
  Directories directories_;
  Admission admission_;
  Leases leases_;
  LostLeases lost_leases_;
  PassedOver passed_over_;
  CurrentStep step_;
  Sweep sweep_;
};

}  // namespace mailhub::engine
