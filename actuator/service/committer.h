// Commits on a thread of its own, so that its owner can look after what must not wait while a disk
// is slow or full.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>

#include "actuator/journal/store.h"
#include "lib/base/clock.h"

namespace mailhub::service {

// Owns the thread. Append() is for one thread; the store is used by nobody else during it. Waits in
// its destructor for the append under way.
class Committer {
 public:
  explicit Committer(journal::EventStore* store);

  // As EventStore::Append. Meanwhile calls `look` every `pause`, on the caller's thread.
  Status Append(std::span<const engine::Event> events, Milliseconds pause,
                const std::function<void()>& look);

 private:
  void Run(const std::stop_token& stop);

  journal::EventStore* const store_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<std::span<const engine::Event>> asked_;
  std::optional<Status> done_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace mailhub::service
