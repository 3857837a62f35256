// Commits events, and calls the service regularly while a slow or frozen disk delays the commit.
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

// Append() is for one thread, and no other part may use the store during it. Owns a second thread,
// which is idle unless an append takes long.
class Committer {
 public:
  // While an append takes longer than `pause`, the second thread calls `look` once every `pause`,
  // and never after Append() has returned. The appending thread waits for the store meanwhile.
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
