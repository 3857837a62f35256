// See engine_clock.h.
#include "actuator/engine/engine_clock.h"

#include <algorithm>
#include <utility>

namespace mailhub::engine {
namespace {

// Interval of looks at the clock while a time-out runs.
constexpr Milliseconds kLook{1'000};
// A call that is late by up to this much counts as attended.
constexpr Milliseconds kSlack{200};
// What a clock that is only adjusted does not differ by between two calls.
constexpr Milliseconds kStep{1'000};

}  // namespace

std::optional<SteadyTime> Earlier(const std::optional<SteadyTime>& a,
                                  const std::optional<SteadyTime>& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

void EngineClock::Start(Moment now) {
  now_ = now;
  attended_ = now.steady;
}

Milliseconds EngineClock::Advance(Moment now, const std::optional<SteadyTime>& next) {
  const Milliseconds passed = now.steady - now_.steady;
  const Milliseconds idle = next ? *next - now_.steady : kLook;
  attended_ += std::clamp(passed, Milliseconds(0), std::max(idle, Milliseconds(0)) + kSlack);
  const Milliseconds step = now.wall - now_.wall - passed;
  now_ = now;
  return std::chrono::abs(step) < kStep ? Milliseconds(0) : step;
}

Moment EngineClock::Show(Moment now) {
  return std::exchange(now_, now);
}

SteadyTime EngineClock::NextLook() const {
  return In(kLook);
}

Milliseconds EngineClock::LeftOf(WallTime since, Milliseconds limit) const {
  return limit - std::clamp(now_.wall - since, Milliseconds(0), limit);
}

SteadyTime EngineClock::Deadline(WallTime since, Milliseconds limit, Milliseconds least) const {
  return Attended(std::max(LeftOf(since, limit), std::min(limit, least)));
}

}  // namespace mailhub::engine
