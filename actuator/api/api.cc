// The tables of routes.
#include "actuator/api/api.h"

#include <string_view>

#include "actuator/api/ahead_handlers.h"
#include "actuator/api/answer.h"
#include "actuator/api/ask_handlers.h"
#include "actuator/api/change_handlers.h"
#include "actuator/api/read_handlers.h"
#include "actuator/api/request.h"
#include "lib/http/request_limit.h"

namespace mailhub::api {
namespace {

using http::Request;
using http::Response;

template <typename Handlers>
struct Route {
  const char* method;
  const char* pattern;
  Response (Handlers::*handler)(const Request&);
  std::vector<std::string_view> query;  // its known parameters
};

const std::vector<Route<ReadHandlers>>& ReadRoutes() {
  static const std::vector<Route<ReadHandlers>> kRoutes = {
      {"GET", "/", &ReadHandlers::Root, {}},
      {"GET",
       "/api/v1/runs",
       &ReadHandlers::Runs,
       {"state", "runbook", "target", "result", "after", "limit"}},
      {"GET", "/api/v1/runs/*", &ReadHandlers::Run, {"after"}},
      {"GET",
       "/api/v1/alerts",
       &ReadHandlers::Alerts,
       {"alertname", "fingerprint", "decision", "run", "before", "limit"}},
      {"GET", "/api/v1/episodes", &ReadHandlers::Episodes, {"state", "alertname"}},
      {"GET",
       "/api/v1/history",
       &ReadHandlers::History,
       {"runbook", "target", "result", "since", "until", "before", "limit"}},
      {"GET",
       "/api/v1/report",
       &ReadHandlers::Report,
       {"runbook", "target", "result", "since", "until", "before", "limit"}},
      {"GET", "/api/v1/mode", &ReadHandlers::Mode, {}},
      {"GET", "/api/v1/receivers", &ReadHandlers::ListReceivers, {}},
      {"GET", "/api/v1/status", &ReadHandlers::Status, {}},
      {"GET", "/api/v1/events", &ReadHandlers::Events, {}},
      {"GET", "/metrics", &ReadHandlers::Metrics, {}},
      {"GET", "/-/healthy", &ReadHandlers::Healthy, {}},
      {"GET", "/-/ready", &ReadHandlers::Ready, {}},
  };
  return kRoutes;
}

const std::vector<Route<AheadHandlers>>& AheadRoutes() {
  static const std::vector<Route<AheadHandlers>> kRoutes = {
      {"GET", "/api/v1/calendar", &AheadHandlers::Calendar, {"since", "until"}},
      {"GET", "/api/v1/plan", &AheadHandlers::Plan, {"runbook", "parameter"}},
  };
  return kRoutes;
}

const std::vector<Route<ChangeHandlers>>& ChangeRoutes() {
  static const std::vector<Route<ChangeHandlers>> kRoutes = {
      {"POST", "/api/v1/runs", &ChangeHandlers::StartRun, {}},
      {"POST", "/api/v1/runs/*", &ChangeHandlers::ActOnRun, {}},
      {"PUT", "/api/v1/mode", &ChangeHandlers::SetMode, {}},
      // The same, for clients that only know GET and POST.
      {"POST", "/api/v1/mode", &ChangeHandlers::SetMode, {}},
      {"POST", "/api/v1/hosts/*", &ChangeHandlers::TakeOver, {}},
      {"POST", "/api/v1/episodes/*", &ChangeHandlers::CloseEpisode, {}},
      {"POST", "/api/v1/receivers/*", &ChangeHandlers::TestReceiver, {}},
      {"POST", "/-/reload", &ChangeHandlers::Reload, {}},
  };
  return kRoutes;
}

const std::vector<Route<AskHandlers>>& AskRoutes() {
  static const std::vector<Route<AskHandlers>> kRoutes = {
      {"POST", "/api/v1/alerts/test", &AskHandlers::TestAlerts, {}},
      {"POST", "/api/v1/plan/check", &AskHandlers::CheckPlan, {}},
  };
  return kRoutes;
}

// Unknown parameters are errors: a mistyped filter would show everything, and a mistyped request
// would be carried out.
template <typename Handlers>
void Add(http::Server& server, const std::shared_ptr<Handlers>& handlers,
         const std::vector<Route<Handlers>>& routes,
         const http::RequestLimit& scrapes = http::RequestLimit(0)) {
  for (const Route<Handlers>& route : routes) {
    http::Handler handler = [handlers, &route](const Request& request) {
      if (const Status known = OnlyQuery(request, route.query); !known) {
        return AnswersInEnvelope(request.path) ? Answer(Fail(known.error()))
                                               : http::TextResponse(400, known.error().message);
      }
      return (*handlers.*route.handler)(request);
    };
    if (std::string_view(route.pattern) == "/metrics") handler = scrapes.Around(std::move(handler));
    server.Handle(route.method, route.pattern, std::move(handler));
  }
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
      std::make_shared<ReadHandlers>(backend, metrics, clock, std::move(options.version),
                                     options.max_event_streams, options.receivers,
                                     options.process_metrics),
      ReadRoutes(), http::RequestLimit(options.max_requests));
  Add(server, std::make_shared<AheadHandlers>(backend, clock), AheadRoutes());
  Add(server,
      std::make_shared<ChangeHandlers>(backend, options.token_file, options.roles,
                                       options.receivers),
      ChangeRoutes());
  Add(server, std::make_shared<AskHandlers>(backend, options.token_file, std::move(options.roles)),
      AskRoutes());
}

std::vector<RouteText> Routes() {
  std::vector<RouteText> routes;
  AppendTo(&routes, ReadRoutes());
  AppendTo(&routes, AheadRoutes());
  AppendTo(&routes, ChangeRoutes());
  AppendTo(&routes, AskRoutes());
  return routes;
}

}  // namespace mailhub::api
