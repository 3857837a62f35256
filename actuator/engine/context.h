// What the machines of a run work with, beside the run itself.
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

struct CurrentMode {
  Mode mode = Mode::kActive;
  std::optional<WallTime> since;  // nothing: since before the journal began

  bool Active() const { return mode == Mode::kActive; }
};

// What a run must know of the others.
class OtherRuns {
 public:
  virtual ~OtherRuns() = default;
  // The run that has a lock which `run` needs, or comes before it. Null: there is none.
  virtual const Run* BlockedBy(const Run& run) const = 0;
  // Why nothing may begin on this host: a command there was passed over, and may still begin.
  // Empty: it may.
  virtual std::string PassedOverOn(const std::string& host) const = 0;
};

// All of it outlives the machines that have it.
struct Context {
  const EngineConfig* config = nullptr;
  const EngineClock* clock = nullptr;
  const CurrentMode* mode = nullptr;
  const OtherRuns* others = nullptr;
  Recorder* recorder = nullptr;
  const PlanSource* plans = nullptr;
  std::function<std::string()> ids;  // a fresh random id at each call
};

// Receipts directory by host, as each has said in this life of the program.
using Directories = std::map<std::string, std::string>;

// Records that the run waits for its turn; returns its id.
std::string QueueRun(const Context& context, RunQueued queued);

// Holds the run, unless it is held there for that reason already.
void HoldRun(const Context& context, const Run& run, const std::string& path, HoldReason reason,
             const std::string& detail);

// The host, or what is known of it, does not let us; to ask again changes nothing.
bool IsRefusal(const Error& error);

// Of the step's last attempt.
std::string KeyOf(const Run& run, const std::string& path);

}  // namespace mailhub::engine
