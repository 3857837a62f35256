// Server-sent events: the changes of the view, for pages that show runs live.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "actuator/api/backend.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Limits the number of streams. Thread-safe.
class Tickets {
 public:
  explicit Tickets(int most) : left_(most) {}
  // Null when all are taken. A ticket keeps the counter alive.
  static std::shared_ptr<void> Take(const std::shared_ptr<Tickets>& tickets);

 private:
  std::atomic<int> left_;
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

// The response of GET /api/v1/events; 503 when every ticket is taken.
http::Response ServeEvents(const Backend& backend, const Clock& clock,
                           const std::shared_ptr<Tickets>& tickets);

}  // namespace mailhub::api
