// See watchdog.h.
#include "lib/daemon/watchdog.h"

#include "lib/daemon/systemd_notify.h"

namespace mailhub::daemon {

Watchdog::Watchdog() {
  const Milliseconds limit = WatchdogLimit();
  if (limit.count() <= 0) return;
  thread_ = std::jthread([this, pause = limit / 4](const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      ending_.wait_for(lock, stop, pause, [] { return false; });
      if (beaten_.exchange(false)) NotifyAlive();
    }
  });
}

}  // namespace mailhub::daemon
