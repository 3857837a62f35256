// Server-sent events: what changed in the view since the last look, for pages that show runs live.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "actuator/api/backend.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Counts who holds a ticket, so that their number stays bounded. Thread-safe.
class Tickets {
 public:
  explicit Tickets(int most) : left_(most) {}
  // Null when all are taken. A ticket keeps the counter alive.
  static std::shared_ptr<void> Take(const std::shared_ptr<Tickets>& tickets);

 private:
  std::atomic<int> left_;
};

// One client's stream. Confined to the worker thread that serves it. Begins with everything, then
// sends what differs:
//   event: view   data: mode, epoch, queue, ids of the unfinished runs
//   event: run    data: one run in short, with its current step
class EventStream {
 public:
  // Both outlive it.
  EventStream(const Backend& backend, const Clock& clock) : backend_(backend), clock_(clock) {}

  // Appends what is new. Waits up to `patience` for something new.
  void Next(std::string* chunk, Milliseconds patience);

 private:
  void AppendChanges(const engine::View& view, std::string* chunk);

  const Backend& backend_;
  const Clock& clock_;
  std::shared_ptr<const engine::View> seen_;
  std::string view_text_;
  std::map<std::string, std::string> run_texts_;  // id -> digest of what was sent last
};

// The response of GET /api/v1/events; 503 when every ticket is taken.
http::Response ServeEvents(const Backend& backend, const Clock& clock,
                           const std::shared_ptr<Tickets>& tickets);

}  // namespace mailhub::api
