// Server-sent events: the changes of the view, for pages that show runs live.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "actuator/api/backend.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Limits the number of streams; half of them to one address at most. Thread-safe.
class Tickets {
 public:
  explicit Tickets(int most) : most_(most) {}
  // Null when all, or all of this origin, are taken. A ticket keeps the counters alive.
  static std::shared_ptr<void> Take(const std::shared_ptr<Tickets>& tickets,
                                    const std::string& origin);

 private:
  struct Taken {
    int all = 0;
    std::map<std::string, int> by_origin;
  };
  const int most_;
  Guarded<Taken> taken_;
};

// One client's stream. Confined to the worker thread that serves it. Sends everything first, then
// the changes:
//   event: view   data: mode, epoch, queue, ids of the unfinished runs
//   event: run    data: one run in short, with its current step
class EventStream {
 public:
  // Both outlive it.
  EventStream(const Backend& backend, const Clock& clock) : backend_(backend), clock_(clock) {}

  // Appends the changes. Waits up to `patience` for the first.
  void Next(std::string* chunk, Milliseconds patience);

 private:
  void AppendChanges(const engine::View& view, std::string* chunk);

  const Backend& backend_;
  const Clock& clock_;
  std::shared_ptr<const engine::View> seen_;
  std::string view_text_;
  std::map<std::string, std::string> run_texts_;  // id -> digest of the text sent last
};

// The response of GET /api/v1/events; 503 when there is no ticket for the client.
http::Response ServeEvents(const http::Request& request, const Backend& backend, const Clock& clock,
                           const std::shared_ptr<Tickets>& tickets);

}  // namespace mailhub::api
