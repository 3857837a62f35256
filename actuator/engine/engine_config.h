// The engine's settings. All of them may change with a reload.
#pragma once

#include <cstddef>
#include <vector>

#include "actuator/engine/trigger.h"
#include "lib/base/clock.h"

namespace mailhub::engine {

struct EngineConfig {
  std::vector<Trigger> triggers;
  size_t most_unfinished_runs = 100;  // more are refused with kOverloaded
  size_t most_episodes = 20'000;      // open episodes; further alerts are refused with kOverloaded
  Milliseconds poll_step{500};        // between looks at a running step
  Milliseconds poll_job{5'000};       // between looks at a running job
  Milliseconds poll_gate{500};        // between evaluations of a shut gate
  Milliseconds remote_retry{2'000};   // after a host or Prometheus could not be reached
  // What begins something is not to be performed later than this after it was decided.
  Milliseconds begin_within{30'000};
  // What a command that is being ended may take to end, TERM and KILL; then a person is asked.
  Milliseconds end_within{60'000};
  // How long the end of a run waits for a host to say that its dead man is gone, and a queued run
  // for Prometheus to say whether it is still needed.
  Milliseconds patience{600'000};
  // How long at least a host is asked for a dead man that was lost with its receipts, should they
  // be seen again.
  Milliseconds lost_for{24 * 3'600'000};

  // How often a host is asked about a run that is over.
  Milliseconds AfterTheEnd() const;
};

}  // namespace mailhub::engine
