// What systemd hears from a program with a watchdog, over a real notification socket.
#include "lib/daemon/watchdog.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "lib/daemon/systemd_notify.h"

namespace mailhub::daemon {
namespace {

// The service manager's end of NOTIFY_SOCKET. The variables are this process's alone while it lives.
class Manager {
 public:
  explicit Manager(const char* watchdog_microseconds) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    // An abstract name: no file remains.
    const std::string name = "mailhub-watchdog-test-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    if (watchdog_microseconds != nullptr) ::setenv("WATCHDOG_USEC", watchdog_microseconds, 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::close(socket_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // The next message; "" when none comes within `longest`.
  std::string Hears(Milliseconds longest) const {
    pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(longest.count())) <= 0) return "";
    std::array<char, 512> text{};
    const ssize_t size = ::recv(socket_, text.data(), text.size(), 0);
    return {text.data(), static_cast<size_t>(size < 0 ? 0 : size)};
  }

 private:
  int socket_ = -1;
};

constexpr Milliseconds kLong{10'000};
constexpr Milliseconds kSeveralLooks{200};  // of a watchdog with 100 ms: one look each 25 ms

TEST(Watchdog, SystemdHearsOfEachBeatOnceAndOfNoneThatDidNotCome) {
  const Manager manager("100000");
  Watchdog watchdog;
  EXPECT_EQ(manager.Hears(kSeveralLooks), "") << "no thread has shown its life yet";
  for (int beat = 0; beat < 3; ++beat) {
    watchdog.Beat();
    EXPECT_EQ(manager.Hears(kLong), "WATCHDOG=1");
    EXPECT_EQ(manager.Hears(kSeveralLooks), "") << "the thread hangs since: systemd must notice";
  }
}

TEST(Watchdog, WithoutOneSystemdHearsNothing) {
  const Manager manager(nullptr);
  EXPECT_EQ(WatchdogLimit(), Milliseconds(0));
  Watchdog watchdog;
  watchdog.Beat();
  EXPECT_EQ(manager.Hears(kSeveralLooks), "");
}

TEST(Watchdog, OfAnotherProcessIsNotOurs) {
  const Manager manager("100000");
  ::setenv("WATCHDOG_PID", "1",
           1);  // a child inherits the variables, and must not answer for its parent
  EXPECT_EQ(WatchdogLimit(), Milliseconds(0));
  ::unsetenv("WATCHDOG_PID");
  EXPECT_EQ(WatchdogLimit(), Milliseconds(100));
}

TEST(SystemdNotify, SaysTheStates) {
  const Manager manager(nullptr);
  NotifyReady();
  EXPECT_EQ(manager.Hears(kLong), "READY=1");
  NotifyReloading();
  EXPECT_EQ(manager.Hears(kLong).substr(0, 27), "RELOADING=1\nMONOTONIC_USEC=");
  NotifyStopping();
  EXPECT_EQ(manager.Hears(kLong), "STOPPING=1");
}

}  // namespace
}  // namespace mailhub::daemon
