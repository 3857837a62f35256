#include "lib/daemon/systemd_notify.h"

#include <systemd/sd-daemon.h>

#include <ctime>
#include <string>

namespace mailhub::daemon {

void NotifyReady() {
  sd_notify(0, "READY=1");
}

void NotifyReloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void NotifyStopping() {
  sd_notify(0, "STOPPING=1");
}

void NotifyAlive() {
  sd_notify(0, "WATCHDOG=1");
}

Milliseconds WatchdogLimit() {
  uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return Milliseconds(0);
  return Milliseconds(static_cast<int64_t>(microseconds / 1000));
}

}  // namespace mailhub::daemon
