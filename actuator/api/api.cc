// The tables of routes.
#include "actuator/api/api.h"

#include <string_view>

#include "actuator/api/answer.h"
#include "actuator/api/changes.h"
#include "actuator/api/looks.h"
#include "actuator/api/request.h"

namespace mailhub::api {
namespace {

using http::Request;
using http::Response;

template <typename Handlers>
struct Route {
  const char* method;
  const char* pattern;
  Response (Handlers::*handler)(const Request&);
  std::vector<std::string_view> query;  // the parameters that it knows
};

const std::vector<Route<Looks>>& LookRoutes() {
  static const std::vector<Route<Looks>> kRoutes = {
      {"GET", "/", &Looks::Root, {}},
      {"GET", "/api/v1/runs", &Looks::Runs, {"state", "runbook", "target", "result", "limit"}},
      {"GET", "/api/v1/runs/*", &Looks::Run, {}},
      {"GET",
       "/api/v1/alerts",
       &Looks::Alerts,
       {"alertname", "fingerprint", "decision", "run", "before", "limit"}},
      {"GET", "/api/v1/episodes", &Looks::Episodes, {"state", "alertname"}},
      {"GET", "/api/v1/history", &Looks::History, {"runbook", "target", "result", "limit"}},
      {"GET", "/api/v1/plan", &Looks::Plan, {"runbook", "parameter"}},
      {"GET", "/api/v1/mode", &Looks::Mode, {}},
      {"GET", "/api/v1/status", &Looks::Status, {}},
      {"GET", "/api/v1/events", &Looks::Events, {}},
      {"GET", "/metrics", &Looks::Metrics, {}},
      {"GET", "/-/healthy", &Looks::Healthy, {}},
      {"GET", "/-/ready", &Looks::Ready, {}},
  };
  return kRoutes;
}

const std::vector<Route<Changes>>& ChangeRoutes() {
  static const std::vector<Route<Changes>> kRoutes = {
      {"POST", "/api/v1/runs", &Changes::StartRun, {}},
      {"POST", "/api/v1/runs/*", &Changes::ActOnRun, {}},
      {"PUT", "/api/v1/mode", &Changes::SetMode, {}},
      // The same, for clients that know GET and POST only.
      {"POST", "/api/v1/mode", &Changes::SetMode, {}},
      {"POST", "/api/v1/hosts/*", &Changes::TakeOver, {}},
      {"POST", "/api/v1/episodes/*", &Changes::CloseEpisode, {}},
      {"POST", "/-/reload", &Changes::Reload, {}},
  };
  return kRoutes;
}

// What a page does not know it does not pass over: a mistyped filter would show everything, and a
// mistyped request would be carried out.
template <typename Handlers>
void Add(http::Server& server, const std::shared_ptr<Handlers>& handlers,
         const std::vector<Route<Handlers>>& routes) {
  for (const Route<Handlers>& route : routes)
    server.Handle(route.method, route.pattern, [handlers, &route](const Request& request) {
      if (const Status known = OnlyQuery(request, route.query); !known) {
        return AnswersInEnvelope(request.path) ? Answer(Fail(known.error()))
                                               : http::TextResponse(400, known.error().message);
      }
      return (*handlers.*route.handler)(request);
    });
}

template <typename Handlers>
void AppendTo(std::vector<RouteText>* texts, const std::vector<Route<Handlers>>& routes) {
  for (const Route<Handlers>& route : routes) {
    texts->push_back({route.method, route.pattern, {route.query.begin(), route.query.end()}});
  }
}

}  // namespace

void AddRoutes(http::Server& server, Backend& backend, const ActuatorMetrics& metrics,
               const Clock& clock, ApiOptions options) {
  Add(server,
      std::make_shared<Looks>(backend, metrics, clock, std::move(options.version),
                              options.max_event_streams),
      LookRoutes());
  Add(server, std::make_shared<Changes>(backend, options.token_file), ChangeRoutes());
}

std::vector<RouteText> Routes() {
  std::vector<RouteText> routes;
  AppendTo(&routes, LookRoutes());
  AppendTo(&routes, ChangeRoutes());
  return routes;
}

}  // namespace mailhub::api
