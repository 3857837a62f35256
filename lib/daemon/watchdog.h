// Feeds systemd's watchdog (WatchdogSec=) for the one thread without which the program is of no use.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "lib/base/clock.h"

namespace mailhub::daemon {

// Owns a thread, which tells systemd four times per WatchdogSec= that the program lives, but only if there was a Beat()
// since it last looked. So a hung reload does not count as a hung program, and a live main thread does not hide a hung
// deciding thread. Without a watchdog it has no thread.
class Watchdog {
 public:
  // Before the first Beat() systemd hears nothing.
  Watchdog();

  // The thread that matters calls this at least every 5 s; so WatchdogSec= must be 20 s or more. Thread-safe; does not
  // block.
  void Beat() { beaten_ = true; }

 private:
  std::atomic<bool> beaten_{false};
  std::mutex mutex_;
  std::condition_variable_any ending_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace mailhub::daemon
