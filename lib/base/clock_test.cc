#include "lib/base/clock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace mailhub {
namespace {

template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a < b;
};

// Only one of them counts suspended time, so a mixture would be wrong after a suspension.
static_assert(!Comparable<SteadyTime, std::chrono::steady_clock::time_point>);
static_assert(!std::is_constructible_v<SteadyTime, std::chrono::steady_clock::time_point>);
static_assert(!std::is_constructible_v<std::chrono::steady_clock::time_point, SteadyTime>);

// The difference between this clock and one that stops while the machine is suspended.
Milliseconds Suspended() {
  const auto running = std::chrono::steady_clock::now().time_since_epoch();
  return RealClock().Steady().time_since_epoch() -
         std::chrono::duration_cast<Milliseconds>(running);
}

// Exit status of a process for which the machine was suspended for an hour: 0 when the clock shows
// it, else the failed check.
int AnHourLater(Milliseconds before) {
  if (::unshare(CLONE_NEWTIME) != 0) return errno;
  const int offsets = ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  constexpr std::string_view kHour = "boottime 3600 0\n";
  if (::write(offsets, kHour.data(), kHour.size()) != static_cast<ssize_t>(kHour.size())) {
    return errno;
  }
  const pid_t child = ::fork();  // only children are in the new namespace
  if (child == 0) {
    const Milliseconds counted = Suspended() - before;
    ::_exit(counted > Seconds(3590) && counted < Seconds(3610) ? 0 : 200);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 201;
}

TEST(RealClock, CountsTheTimeThatTheMachineWasSuspended) {
  const Milliseconds before = Suspended();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(AnHourLater(before));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0)
      << "200: it did not count; else " << std::strerror(WEXITSTATUS(status));
}

TEST(RealClock, NeverGoesBack) {
  const RealClock clock;
  SteadyTime last = clock.Steady();
  for (int i = 0; i < 10'000; ++i) {
    const SteadyTime now = clock.Steady();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace mailhub
