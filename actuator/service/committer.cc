// See committer.h.
#include "actuator/service/committer.h"

#include <utility>

namespace mailhub::service {

Committer::Committer(journal::EventStore* store, Milliseconds pause, std::function<void()> look)
    : store_(store),
      pause_(pause),
      look_(std::move(look)),
      thread_([this](const std::stop_token& stop) { Watch(stop); }) {}

Status Committer::Append(std::span<const engine::Event> events) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    appending_ = true;
    due_ = Clock::now() + pause_;
    wake = std::exchange(idle_, false);
  }
  // Not at every commit: waking a thread costs as much as a commit.
  if (wake) begun_.notify_one();
  Status done = store_->Append(events);
  const std::lock_guard lock(mutex_);  // waits for a look under way
  appending_ = false;
  return done;
}

void Committer::Watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (begun_.wait(lock, stop, [this] { return !idle_; })) {
    begun_.wait_for(lock, stop, pause_, [] { return false; });
    if (!appending_) {
      idle_ = true;
    } else if (Clock::now() >= due_) {
      look_();
      due_ = Clock::now() + pause_;
    }
  }
}

}  // namespace mailhub::service
