// A slow and simple oracle: whether a gate may be open, from the true history. It asks no
// Prometheus and knows when each value and the mark were really taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/gates/history.h"

namespace mailhub::gates {

struct ObviousGate {
  std::vector<std::string> hosts;
  int64_t interval_ms = 0;
  int64_t window_ms = 0;  // 0: the newest scrape alone counts
  int64_t hold_ms = 0;    // `for`
  int64_t step_ms = 0;    // interval of the looks within `for`
  // The condition: on every host the value is 1, for the newest value or for all in the window.
  bool all_of_window = false;
};

// Empty when the gate may be open at `now`; else the reason. `mark_at` by host.
std::string WhyShut(const ObviousGate& gate, const History& history,
                    const std::map<std::string, int64_t>& mark_at, int64_t now, bool left_open);

}  // namespace mailhub::gates
