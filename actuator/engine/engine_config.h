// The engine's settings. All may change with a reload.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "actuator/engine/calendar.h"
#include "actuator/engine/trigger.h"
#include "lib/base/clock.h"

namespace mailhub::engine {

struct EngineConfig {
  std::vector<Trigger> triggers;
  std::shared_ptr<const Calendar> calendar = nullptr;  // null: every time is suitable
  size_t most_unfinished_runs = 100;                   // more are refused with kOverloaded
  size_t most_episodes = 20'000;     // open episodes; further alerts are refused with kOverloaded
  Milliseconds poll_step{500};       // between looks at a running step
  Milliseconds poll_job{5'000};      // between looks at a running job
  Milliseconds poll_gate{500};       // between evaluations of a shut gate
  Milliseconds remote_retry{2'000};  // after a host or Prometheus could not be reached
  // An effect that begins something must be performed within this time after its decision.
  Milliseconds begin_within{30'000};
  // Time for a command to end after TERM and KILL; then a person is asked.
  Milliseconds end_within{60'000};
  // How long a run's end waits for a host to confirm that its dead man is gone. Also how long a
  // queued run waits for Prometheus to say whether it is still needed.
  Milliseconds patience{600'000};
  // A host is asked for at least this long for a dead man that was lost with its receipts, in case
  // they reappear.
  Milliseconds lost_for{24 * 3'600'000};

  // How often a host is asked about a finished run.
  Milliseconds AfterTheEnd() const;
};

}  // namespace mailhub::engine
