// Handlers of the requests that ask what would happen. They change nothing, but they cost: time of
// the deciding thread, queries to Prometheus, logins on hosts. So they need the same right as a
// change, and one of a kind is carried out at a time.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "actuator/api/backend.h"
#include "actuator/api/guard.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. `backend` must outlive it.
class AskHandlers {
 public:
  AskHandlers(Backend& backend, const std::string& token_file, RolesByLogin roles);

  http::Response TestAlerts(const http::Request& request);
  http::Response CheckPlan(const http::Request& request);

 private:
  Backend& backend_;
  const Guard guard_;
  std::mutex testing_;
  std::mutex checking_;
};

}  // namespace mailhub::api
