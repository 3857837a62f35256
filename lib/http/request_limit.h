// How many requests of some pages are answered at once (--web.max-requests).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "lib/http/server.h"

namespace mailhub::http {

// Thread-safe. The handlers that it makes keep what they need of it.
class RequestLimit {
 public:
  // 0: any number.
  explicit RequestLimit(int most) : most_(most) {}

  // `handler`, with 503 where `most` requests of all handlers of this limit are under way.
  Handler Around(Handler handler) const {
    if (most_ == 0) return handler;
    return
        [most = most_, running = running_, handler = std::move(handler)](const Request& request) {
          const Turn turn{running.get(), running->fetch_add(1) < most};
          if (turn.granted) return handler(request);
          Response refused = TextResponse(503, "Already " + std::to_string(most) +
                                                   " scrapes are under way (--web.max-requests).");
          refused.headers.emplace_back("Retry-After", "5");
          return refused;
        };
  }

 private:
  struct Turn {
    std::atomic<int>* running;
    bool granted;
    ~Turn() { --*running; }
  };

  const int most_;
  const std::shared_ptr<std::atomic<int>> running_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace mailhub::http
