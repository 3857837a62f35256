// The engine is the pure core: it decides, and other parts act. It has no I/O, no clock, no threads
// and never waits; each call brings the time.
//
// Each call returns events and effects. The caller first commits all events, then performs the
// effects, and brings their results back as inputs. If the commit fails it must retry the same
// events before anything else: the engine's state already contains them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/engine_clock.h"
#include "actuator/engine/engine_config.h"
#include "actuator/engine/event.h"
#include "actuator/engine/input.h"
#include "actuator/engine/live_plan.h"
#include "actuator/engine/output.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/trial.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// Confined to one thread. Never throws; a violated invariant aborts the program, in release too:
// the journal makes that safe.
class Engine {
 public:
  // `plans` and `ids` must outlive the engine. `ids` returns a fresh random 128-bit hex id at each
  // call.
  Engine(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids);
  ~Engine();

  // Replays events of the journal, one per call, in order. Only before Start(). Events that no
  // longer matter (see journal::Scope) may be left out, but not the last one.
  void Apply(const Event& event);

  // Call after the replay. Begins the next epoch and asks again about everything in flight.
  Output Start(Moment now, const std::string& version);

  Output Handle(const Input& input, Moment now);
  // Does all work that is due.
  Output Advance(Moment now);
  // When to call Advance next; nothing: not before another input.
  std::optional<SteadyTime> NextDeadline() const;

  // New triggers, runbooks and calendar after a reload; runs keep their plans. What follows is done
  // at once: a queued run starts, or waits for another time and says so. Call after Start().
  Output Reconfigure(EngineConfig config, const PlanSource* plans, Moment now);

  // Renewals that are due of dead men known to be armed. For the time while a commit is pending,
  // when only this, NoteRenewal(), RefreshDeadMen() and Look() may be called. They record nothing
  // and may be performed at once.
  std::vector<Effect> RenewWhilePending(Moment now);
  // Takes the result of such a renewal; ignores other results.
  void NoteRenewal(const RemoteDone& done);
  // Updates the dead men in `view`, which is older than the pending commit. While the commit is
  // pending, hosts act as at any other time.
  void RefreshDeadMen(View* view, Moment now) const;

  // The state for people and metrics. Cheap enough to call at every change.
  View Look(Moment now) const;
  // What this notification would do now. Decides on a copy: nothing is recorded, done or awaited,
  // and the next inputs are decided as if this had not been asked. Costs a copy of all that is in
  // memory. kOverloaded as for the notification itself.
  Result<std::vector<AlertTrial>> Try(const Notification& notification, Moment now) const;
  // When a run of this plan would start that a person asked for now.
  StartView ForeseeStart(const Plan& plan, Moment now) const;
  // How long the triggers of this plan's runbook would still wait before they start it.
  std::vector<CooldownLeft> CooldownsOf(const Plan& plan, Moment now) const;
  uint64_t epoch() const;
  Mode mode() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace mailhub::engine
