// Commits, and looks after what must not wait while a disk is slow or frozen.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>

#include "actuator/journal/store.h"
#include "lib/base/clock.h"

namespace mailhub::service {

// Append() is for one thread, and the store is used by nobody else during it. Owns a second thread,
// which is idle unless an append takes long.
class Committer {
 public:
  // While an append takes longer than `pause`, `look` is called once every `pause`: on the other
  // thread, while the one that appends waits for the store, and never after Append() has returned.
  Committer(journal::EventStore* store, Milliseconds pause, std::function<void()> look);

  // As EventStore::Append.
  Status Append(std::span<const engine::Event> events);

 private:
  using Clock = std::chrono::steady_clock;
  void Watch(const std::stop_token& stop);

  journal::EventStore* const store_;
  const Milliseconds pause_;
  const std::function<void()> look_;
  std::mutex mutex_;
  std::condition_variable_any begun_;
  bool appending_ = false;
  bool idle_ = true;       // the other thread waits for `begun_`
  Clock::time_point due_;  // the next look, while appending
  std::jthread thread_;    // last: it uses all of the above
};

}  // namespace mailhub::service
