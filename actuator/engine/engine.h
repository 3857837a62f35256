// The pure core: it decides, others do. No I/O, no clock, no threads, no waiting: what time it is
// comes with every call.
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
#include "actuator/engine/output.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// Owned by and confined to one thread. Never throws; a violated invariant aborts the program, in
// release too: the journal makes that safe.
class Engine {
 public:
  // `plans` and `ids` must outlive the engine. `ids` gives a fresh random 128-bit hex id at each
  // call.
  Engine(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids);
  ~Engine();

  // Replays one event of the journal, in their order. Only before Start(). Those that no longer
  // matter (journal::Scope says which) may be left out, but not the last one.
  void Apply(const Event& event);

  // After the replay: takes up the next epoch and asks again about everything in flight.
  Output Start(Moment now, const std::string& version);

  Output Handle(const Input& input, Moment now);
  // Does what has become due.
  Output Advance(Moment now);
  // When Advance should be called next; nothing: not before another input.
  std::optional<SteadyTime> NextDeadline() const;

  // New triggers and runbooks after a reload; runs keep their plans.
  void Reconfigure(EngineConfig config, const PlanSource* plans);

  // For the time in which a commit is pending, when no other call may be made but NoteRenewal(),
  // RefreshLeases() and Look(): renewals of dead men that are known to be armed, as far as they are
  // due. They record nothing and may be performed at once.
  std::vector<Effect> RenewWhilePending(Moment now);
  // The result of one of them; what is not about one is ignored.
  void NoteRenewal(const RemoteDone& done);
  // Brings up to date what `view`, of before the pending commit, says of dead men: for the same
  // time, in which hosts act as at any other.
  void RefreshLeases(View* view, Moment now) const;

  // What people and metrics see. Cheap enough to call at every change.
  View Look(Moment now) const;
  uint64_t epoch() const;
  Mode mode() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace mailhub::engine
