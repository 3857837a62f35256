// Limits how long an actuator that has answered once may be away.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/printable.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

// Confined to one thread.
class Patience {
 public:
  // `say` is called once each time the actuator goes away.
  Patience(Milliseconds longest, std::function<void(const std::string&)> say)
      : longest_(longest), say_(std::move(say)) {}

  void Answered() {
    seen_ = true;
    away_since_.reset();
  }
  // Whether to ask again.
  bool Bears(const Error& error) {
    const bool passes =
        error.kind == ErrorKind::kUnreachable || error.kind == ErrorKind::kOverloaded;
    const SteadyTime now = RealClock().Steady();
    if (!seen_ || !passes || (away_since_ && now - *away_since_ >= longest_)) return false;
    if (!away_since_) {
      away_since_ = now;
      say_("the actuator does not answer, trying again: " + Printable(error.message));
    }
    return true;
  }

 private:
  const Milliseconds longest_;
  const std::function<void(const std::string&)> say_;
  bool seen_ = false;
  std::optional<SteadyTime> away_since_;
};

}  // namespace mailhub::ctl
