// The routes of the HTTP API under /api/v1 and of the /metrics page. mailhubctl and the console
// page use them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/api/guard.h"
#include "actuator/api/metrics.h"
#include "actuator/api/receivers.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub::api {

struct ApiOptions {
  std::string version;
  // File with the token for changing requests ("Authorization: Bearer ..."), read anew for each.
  // Empty: only users of web.config's basic authentication can change something over HTTP.
  std::string token_file;
  int max_event_streams = 6;       // must be less than the server's max_streams
  RolesByLogin roles = {};         // of users of basic authentication; others may do everything
  Receivers* receivers = nullptr;  // outlives the server; null: there are none
  int max_requests = 0;            // for /metrics at once; 0: any number
  bool process_metrics = true;     // on that page
};

// Registers every route of the API and /metrics with `server`, before its Start(). `backend`,
// `metrics` and `clock` must outlive the server.
//
// Every client of the server may read (the server admits loopback, or login and TLS). A change
// needs the token, or a user logged in by basic authentication who sends the header
// "X-Mailhub-Request: 1". A browser does not send that header for a page of another origin.
void AddRoutes(http::Server& server, Backend& backend, const ActuatorMetrics& metrics,
               const Clock& clock, ApiOptions options);

// Every route that AddRoutes registers, as "GET", "/api/v1/runs", with its query parameters; other
// parameters are refused. For checks of the API description.
struct RouteText {
  std::string method;
  std::string pattern;
  std::vector<std::string> query;
};
std::vector<RouteText> Routes();

}  // namespace mailhub::api
