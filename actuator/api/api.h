// The HTTP API under /api/v1 and the /metrics page: what mailhubctl and the console page speak.
// JSON stays in the .cc files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/api/metrics.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub::api {

struct ApiOptions {
  std::string version;
  // File with the token that changing anything needs ("Authorization: Bearer ..."), read anew for
  // every such request. Empty: nobody can change anything over HTTP but users of web.config's
  // basic authentication.
  std::string token_file;
  int max_event_streams = 6;  // must be less than the server's max_streams
};

// Registers every route of the API and /metrics with `server`, before its Start(). `backend`,
// `metrics` and `clock` must outlive the server.
//
// Reading is open to whoever reaches the server (the server decides who that is: loopback, or login
// and TLS). Changing needs the token, or a user who logged in by basic authentication and sends the
// header "X-Mailhub-Request: 1", which no page of another origin can make a browser send unasked.
void AddRoutes(http::Server& server, Backend& backend, const ActuatorMetrics& metrics,
               const Clock& clock, ApiOptions options);

// Every route AddRoutes registers, for checks of the description: "GET", "/api/v1/runs", and the
// query parameters that it takes. Others are refused.
struct RouteText {
  std::string method;
  std::string pattern;
  std::vector<std::string> query;
};
std::vector<RouteText> Routes();

}  // namespace mailhub::api
