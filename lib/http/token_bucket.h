// Rate limit by tokens, as rate_limit of the web configuration asks for; internal to this folder.
#pragma once

#include <algorithm>

#include "lib/base/clock.h"

namespace mailhub::http {

struct RateLimit {
  Milliseconds interval{0};  // one more request each; 0: no limit
  int burst = 0;             // requests that may come at once
};

// Full at first. Confined to one thread at a time.
class TokenBucket {
 public:
  // Takes a token; false if there is none. The limit may be another one each time.
  bool Take(const RateLimit& limit, SteadyTime now) {
    if (limit.interval == Milliseconds(0)) return true;
    const double most = limit.burst;
    if (!begun_) tokens_ = most;
    begun_ = true;
    const double earned = ToSeconds(now - last_) / ToSeconds(limit.interval);
    tokens_ = std::min(most, tokens_ + std::max(earned, 0.0));
    last_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  bool begun_ = false;
  double tokens_ = 0;
  SteadyTime last_{};
};

}  // namespace mailhub::http
