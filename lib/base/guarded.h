// A value together with its mutex: the value is accessible only with the lock held.
#pragma once

#include <mutex>
#include <utility>

namespace mailhub {

// Owns T. Thread-safe. Keep the callable short: never do SSH, SQLite or HTTP inside it.
template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <typename Use>
  auto With(Use&& use) {
    std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }
  template <typename Use>
  auto With(Use&& use) const {
    std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

  T Copy() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace mailhub
