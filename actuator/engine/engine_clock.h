// What time it is for the engine. Nothing here reads a clock: each call of the engine brings both.
#pragma once

#include <optional>

#include "lib/base/clock.h"

namespace mailhub::engine {

// Both clocks at one moment.
struct Moment {
  WallTime wall;
  SteadyTime steady;
};

// The earlier of two moments; nothing is later than any.
std::optional<SteadyTime> Earlier(const std::optional<SteadyTime>& a,
                                  const std::optional<SteadyTime>& b);

// Deadlines count by a third clock, the attended one. It stands still while nobody looks: a stopped
// process, a suspended machine and a commit that is pending use up no time-out.
class EngineClock {
 public:
  void Start(Moment now);
  // Time has passed. `next` is when the engine wanted to be called again: what goes beyond that was
  // unattended.
  void Advance(Moment now, const std::optional<SteadyTime>& next);
  // For those that only look: deadlines do not move. Returns the moment of before.
  Moment Show(Moment now);

  WallTime wall() const { return now_.wall; }
  SteadyTime steady() const { return now_.steady; }
  SteadyTime In(Milliseconds wait) const { return now_.steady + wait; }
  // Nothing is due at once.
  bool Due(const std::optional<SteadyTime>& at) const { return !at || now_.steady >= *at; }
  // `at` if it is still to come. What is past was offered in this very call: it waits for something
  // else.
  std::optional<SteadyTime> Ahead(const std::optional<SteadyTime>& at) const {
    return at && *at > now_.steady ? at : std::nullopt;
  }
  // The next look at a time-out that runs: time in which nobody looks is to be seen as such.
  SteadyTime NextLook() const;

  SteadyTime Attended(Milliseconds wait) const { return attended_ + wait; }
  bool Passed(const std::optional<SteadyTime>& deadline) const {
    return deadline && attended_ >= *deadline;
  }
  // What is left of `limit` since then, by the wall clock; from nothing to all of it.
  Milliseconds LeftOf(WallTime since, Milliseconds limit) const;
  // The attended deadline of something that may take `limit` since `since`, and of which at least
  // `least` must be left to look.
  SteadyTime Deadline(WallTime since, Milliseconds limit, Milliseconds least) const;

 private:
  Moment now_{};
  SteadyTime attended_{};
};

}  // namespace mailhub::engine
