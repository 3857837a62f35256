// The past as a journal tells it: finished runs and decided alerts. The journal reads them, the API
// shows them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

// What a person did to a run, and how often.
struct Acted {
  std::string by;
  Verb verb = Verb::kStart;
  int times = 0;
};
struct HoldCount {
  HoldReason reason = HoldReason::kStepFailed;
  int times = 0;
};

// One finished run, with what a report counts of its events.
struct ReportedRun {
  PastRun run;
  // As RunFinished. Nothing: not known (an older journal), or the run never started.
  std::optional<Milliseconds> worked = {};
  std::vector<HoldCount> holds = {};  // each reason once
  std::vector<Acted> acted = {};      // each person and verb once, at most kMostActed
  int acted_more = 0;                 // acts of further persons and verbs
};
inline constexpr size_t kMostActed = 50;

// One decided alert.
struct PastAlert {
  uint64_t seq = 0;  // the event's number
  WallTime at;
  AlertDecided decided;
};

// A search of the past looks at so many rows and ends, also when it has found nothing: an answer is
// not to wait until years have been read. Whoever wants more goes on from there.
inline constexpr size_t kMostLookedAt = 10'000;

// Selects finished runs. An empty or 0 field selects all, and so does no target.
struct RunFilter {
  std::string runbook = "";
  std::optional<std::string> target = {};  // "": of the runs that have none
  std::string result = "";
  uint64_t before = 0;  // only runs that ended before this event
  // Only runs that finished at this time or later, and before that one; nothing: no limit.
  std::optional<WallTime> since = {};
  std::optional<WallTime> until = {};
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
