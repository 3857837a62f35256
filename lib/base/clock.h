// Clocks behind an interface: only main code uses the real clock; tests and the simulation set the
// time.
#pragma once

#include <chrono>
#include <ctime>

namespace mailhub {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// Wall time, for people and other machines. May step in either direction.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Milliseconds>;

// The time since the machine's boot. Unlike std::chrono::steady_clock, it counts while the machine
// is suspended, because a lease on another host runs out meanwhile. It has its own type, so that
// the two cannot be compared by mistake. After a suspension, waits by duration (condition
// variables, poll) may end late by their remaining time; check the clock after each.
struct BootClock {
  using duration = Milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() {  // NOLINT(readability-identifier-naming): what the library calls it
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return time_point(std::chrono::duration_cast<Milliseconds>(
        Seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
  }
};

// Steady time, for deadlines and durations within one life of the program. Never steps, has no
// meaning after a restart.
using SteadyTime = BootClock::time_point;

// Thread-safe. Never fails.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;
};

class RealClock final : public Clock {
 public:
  WallTime Now() const override {
    return std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
  }
  SteadyTime Steady() const override { return BootClock::now(); }
};

// SQL, JSON and metrics use plain numbers with their unit in the name.
inline long long ToUnixMs(WallTime t) {
  return t.time_since_epoch().count();
}
inline WallTime FromUnixMs(long long ms) {
  return WallTime(Milliseconds(ms));
}
inline double ToUnixSeconds(WallTime t) {
  return static_cast<double>(ToUnixMs(t)) / 1000.0;
}
inline double ToSeconds(Milliseconds d) {
  return static_cast<double>(d.count()) / 1000.0;
}

}  // namespace mailhub
