// Waiting times between retries: doubling, capped, with jitter so that many hosts do not return in
// step.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lib/base/clock.h"

namespace mailhub {

// Confined to one thread. Never fails. Randomness comes from the caller, so that a simulation can
// replay it.
class Backoff {
 public:
  Backoff(Milliseconds first, Milliseconds longest) : first_(first), longest_(longest) {}

  // The next wait: between half and all of the current step. `random` is a uniformly distributed
  // number.
  Milliseconds Next(uint64_t random) {
    step_ = step_ == Milliseconds(0) ? first_ : std::min(step_ * 2, longest_);
    const int64_t half = step_.count() / 2;
    return Milliseconds(half + static_cast<int64_t>(random % static_cast<uint64_t>(half + 1)));
  }
  void Reset() { step_ = Milliseconds(0); }

 private:
  const Milliseconds first_;
  const Milliseconds longest_;
  Milliseconds step_{0};
};

}  // namespace mailhub
