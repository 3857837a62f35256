// The services that a run's machines need beside the run itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "actuator/engine/engine_clock.h"
#include "actuator/engine/engine_config.h"
#include "actuator/engine/recorder.h"
#include "actuator/engine/run.h"

namespace mailhub::engine {

class History;

struct CurrentMode {
  Mode mode = Mode::kActive;
  std::optional<WallTime> since;  // nothing: since before the journal began

  bool Active() const { return mode == Mode::kActive; }
};

// The time for a queued run's start.
struct Slot {
  bool now = true;                     // it is now
  std::optional<WallTime> begin = {};  // else it begins then; nothing: no such time is known
  // Else what is in the way. Of a run under way: why its time is over; empty: it is not.
  std::string why = {};
  Needed needed = {};
};

// A run's view of the other runs.
class OtherRuns {
 public:
  virtual ~OtherRuns() = default;
  // The run that has a lock which `run` needs, or that comes before it. Null: none.
  virtual const Run* BlockedBy(const Run& run) const = 0;
  // Why no command may begin on this host: one was passed over there and may still begin. Empty:
  // commands may begin.
  virtual std::string PassedOverOn(const std::string& host) const = 0;
  // By the calendar, the run's duration, and earlier runs that need its locks.
  virtual Slot SlotOf(const Run& run) const = 0;
};

// All members outlive the machines that use them.
struct Context {
  const EngineConfig* config = nullptr;
  const EngineClock* clock = nullptr;
  const CurrentMode* mode = nullptr;
  const OtherRuns* others = nullptr;
  Recorder* recorder = nullptr;
  const PlanSource* plans = nullptr;
  std::function<std::string()> ids;  // a fresh random id at each call
  const History* history = nullptr;
};

// Receipts directory by host, as each host reported since the program's start.
using Directories = std::map<std::string, std::string>;

// Records that the run waits for its turn; returns its id.
std::string QueueRun(const Context& context, RunQueued queued);

// Holds the run, unless it already holds there for that reason.
void HoldRun(const Context& context, const Run& run, const std::string& path, HoldReason reason,
             const std::string& detail);

// The host, or its recorded state, refuses us; asking again changes nothing.
bool IsRefusal(const Error& error);

// The key of the step's last attempt.
std::string KeyOf(const Run& run, const std::string& path);

}  // namespace mailhub::engine
