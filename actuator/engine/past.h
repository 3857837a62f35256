// The past as a journal tells it: finished runs and decided alerts. The journal reads them, the API
// shows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actuator/engine/event.h"
#include "lib/base/clock.h"

namespace mailhub::engine {

// One finished run.
struct PastRun {
  uint64_t seq = 0;  // of the event that it ended with
  std::string id;
  std::string runbook;
  std::string target;
  std::string by;
  RunResult result = RunResult::kSucceeded;
  std::string detail;
  WallTime queued;
  std::optional<WallTime> started;  // nothing: dropped or cancelled in the queue
  WallTime finished;
};

// One decided alert.
struct PastAlert {
  uint64_t seq = 0;  // the event's number
  WallTime at;
  AlertDecided decided;
};

// Selects decided alerts. An empty or 0 field selects all.
struct AlertFilter {
  std::string alertname = "";
  std::string fingerprint = "";  // full or its beginning
  std::string decision = "";
  std::string run = "";  // full or its beginning
  uint64_t before = 0;   // only events before this one
};

}  // namespace mailhub::engine
