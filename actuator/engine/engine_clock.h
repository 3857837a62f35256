// The engine's time. Nothing here reads a clock: each call of the engine brings both times.
#pragma once

#include <algorithm>
#include <optional>

#include "lib/base/clock.h"

namespace mailhub::engine {

// Both clocks at one moment.
struct Moment {
  WallTime wall;
  SteadyTime steady;
};

// The earlier of two moments; nothing counts as later than any.
std::optional<SteadyTime> Earlier(const std::optional<SteadyTime>& a,
                                  const std::optional<SteadyTime>& b);

// Deadlines count by a third clock, the attended one. It stops while the engine is not called: a
// stopped process, a suspended machine and a pending commit use up no time-out.
class EngineClock {
 public:
  void Start(Moment now);
  // Time has passed. `next` is when the engine wanted its next call; time beyond that was
  // unattended. Returns by how much the wall clock was set meanwhile: the difference of both clocks,
  // from one second on; below that it is adjusted, not set.
  Milliseconds Advance(Moment now, const std::optional<SteadyTime>& next);
  // For looks: deadlines do not move. Returns the moment before.
  Moment Show(Moment now);

  WallTime wall() const { return now_.wall; }
  SteadyTime steady() const { return now_.steady; }
  SteadyTime In(Milliseconds wait) const { return now_.steady + wait; }
  // Nothing is due at once.
  bool Due(const std::optional<SteadyTime>& at) const { return !at || now_.steady >= *at; }
  // `at` if it is in the future. An earlier deadline was offered in this very call: it waits for
  // something else.
  std::optional<SteadyTime> Ahead(const std::optional<SteadyTime>& at) const {
    return at && *at > now_.steady ? at : std::nullopt;
  }
  // The next look at a running time-out, so that unattended time is noticed.
  SteadyTime NextLook() const;

  SteadyTime Attended(Milliseconds wait) const { return attended_ + wait; }
  bool Passed(const std::optional<SteadyTime>& deadline) const {
    return deadline && attended_ >= *deadline;
  }
  // Time until then; at least 0.
  Milliseconds Until(SteadyTime deadline) const {
    return std::max(deadline - attended_, Milliseconds(0));
  }
  // The rest of `limit` since then, by the wall clock; between 0 and `limit`.
  Milliseconds LeftOf(WallTime since, Milliseconds limit) const;
  // The attended deadline of an action that may take `limit` since `since`. At least `least`
  // remains for a look.
  SteadyTime Deadline(WallTime since, Milliseconds limit, Milliseconds least) const;

 private:
  Moment now_{};
  SteadyTime attended_{};
};

}  // namespace mailhub::engine
