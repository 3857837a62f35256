// Parts that are common to the machines that wait for a host or for Prometheus.
#pragma once

#include <string>

#include "actuator/engine/sentences.h"
#include "lib/base/clock.h"

namespace mailhub::engine {

// Least time left for a look after a restart, however long the program was down.
inline constexpr Milliseconds kLeastLook{30'000};

// For a frozen host or Prometheus, which says nothing at all.
inline std::string NoAnswer(const std::string& name) {
  return Say<WaitsFor::kNoAnswer>(name);
}

}  // namespace mailhub::engine
