// What the machines that wait for a host or for Prometheus have in common.
#pragma once

#include <string>

#include "lib/base/clock.h"

namespace mailhub::engine {

// What is left to look after a restart, however long nobody looked before it.
inline constexpr Milliseconds kLeastLook{30'000};

// One that is frozen says nothing at all.
inline std::string NoAnswer(const std::string& name) {
  return name + " does not answer";
}

}  // namespace mailhub::engine
