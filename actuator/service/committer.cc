// See committer.h.
#include "actuator/service/committer.h"

#include <utility>

namespace mailhub::service {

Committer::Committer(journal::EventStore* store)
    : store_(store), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Status Committer::Append(std::span<const engine::Event> events, Milliseconds pause,
                         const std::function<void()>& look) {
  std::unique_lock lock(mutex_);
  asked_ = events;
  changed_.notify_all();
  while (!changed_.wait_for(lock, pause, [this] { return done_.has_value(); })) {
    lock.unlock();
    look();
    lock.lock();
  }
  return *std::exchange(done_, std::nullopt);
}

void Committer::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return asked_.has_value(); })) {
    const std::span<const engine::Event> events = *std::exchange(asked_, std::nullopt);
    lock.unlock();
    Status done = store_->Append(events);
    lock.lock();
    done_ = std::move(done);
    changed_.notify_all();
  }
}

}  // namespace mailhub::service
