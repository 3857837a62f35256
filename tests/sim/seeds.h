// Runs simulations on all cores. One that fails is told whole and can be replayed alone.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/sim/simulation.h"

namespace mailhub::sim {

// Every fault there is, each as often as lets runs get somewhere.
Faults BadWeather();

struct Failure {
  uint64_t number = 0;
  std::string story;
};
// Calls `one` with each of the numbers first..last, on all cores; it returns the story if something
// is wrong. Returns the failure with the lowest number that was found.
std::optional<Failure> ForEach(uint64_t first, uint64_t last,
                               const std::function<std::optional<std::string>(uint64_t)>& one);

}  // namespace mailhub::sim
