// Handlers of the requests that look ahead: the calendar with its runs, and the plan of a run.
#pragma once

#include <mutex>
#include <string>

#include "actuator/api/backend.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. The constructor's arguments must outlive it.
class AheadHandlers {
 public:
  AheadHandlers(Backend& backend, const Clock& clock) : backend_(backend), clock_(clock) {}

  http::Response Calendar(const http::Request& request);
  http::Response Plan(const http::Request& request);

 private:
  Result<std::string> CalendarOf(const http::Request& request);
  Result<engine::StartView> StartOf(const engine::Plan& plan);

  Backend& backend_;
  const Clock& clock_;
  // One question at a time: who only looks must not fill the deciding thread's queue.
  std::mutex foreseeing_;
};

}  // namespace mailhub::api
