// Runs simulations on all cores. A failing one prints its story and can be replayed alone.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/sim/simulation.h"

namespace mailhub::sim {

// The options of a seed's simulation, from the seed and from these variables:
//   MAILHUB_SIM_ONLY=disk_full,crash     only these faults, each in every seed (see faults.cc)
//   MAILHUB_SIM_RUNBOOKS=shipped|made_up always these; without it each seed has its own
//   MAILHUB_SIM_COMPLAINT="no hold"      only complaints with these words count
SimOptions OptionsFor(uint64_t seed);

struct Failure {
  uint64_t number = 0;
  std::string story;
};
// Calls `one` with each of the numbers first..last, on all cores; it returns the story of a
// failure. Returns the failure with the lowest number that was found. Reports its progress at
// times.
std::optional<Failure> ForEach(uint64_t first, uint64_t last,
                               const std::function<std::optional<std::string>(uint64_t)>& one);

// Counts the kinds of complaints of many seeds. Thread-safe.
class Census {
 public:
  void Count(uint64_t seed, const std::string& complaint);
  // One line per kind: the number of seeds, the first of them, its sentence.
  std::string Table() const;

 private:
  struct Kind {
    uint64_t first = 0;
    uint64_t count = 0;
    std::string sentence;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Kind> kinds_;  // by the sentence without numbers and step names
};

}  // namespace mailhub::sim
