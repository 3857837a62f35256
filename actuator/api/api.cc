// The tables of routes.
#include "actuator/api/api.h"

#include "actuator/api/changes.h"
#include "actuator/api/looks.h"

namespace mailhub::api {
namespace {

using http::Request;
using http::Response;

template <typename Handlers>
struct Route {
  const char* method;
  const char* pattern;
  Response (Handlers::*handler)(const Request&);
};

constexpr Route<Looks> kLooks[] = {
    {"GET", "/", &Looks::Root},
    {"GET", "/api/v1/runs", &Looks::Runs},
    {"GET", "/api/v1/runs/*", &Looks::Run},
    {"GET", "/api/v1/alerts", &Looks::Alerts},
    {"GET", "/api/v1/episodes", &Looks::Episodes},
    {"GET", "/api/v1/history", &Looks::History},
    {"GET", "/api/v1/plan", &Looks::Plan},
    {"GET", "/api/v1/mode", &Looks::Mode},
    {"GET", "/api/v1/status", &Looks::Status},
    {"GET", "/api/v1/events", &Looks::Events},
    {"GET", "/metrics", &Looks::Metrics},
    {"GET", "/-/healthy", &Looks::Healthy},
    {"GET", "/-/ready", &Looks::Ready},
};

constexpr Route<Changes> kChanges[] = {
    {"POST", "/api/v1/runs", &Changes::StartRun},
    {"POST", "/api/v1/runs/*", &Changes::ActOnRun},
    {"PUT", "/api/v1/mode", &Changes::SetMode},
    // The same, for clients that know GET and POST only.
    {"POST", "/api/v1/mode", &Changes::SetMode},
    {"POST", "/api/v1/hosts/*", &Changes::TakeOver},
    {"POST", "/api/v1/episodes/*", &Changes::CloseEpisode},
    {"POST", "/-/reload", &Changes::Reload},
};

template <typename Handlers, size_t kCount>
void Add(http::Server& server, const std::shared_ptr<Handlers>& handlers,
         const Route<Handlers> (&routes)[kCount]) {
  for (const Route<Handlers>& route : routes)
    server.Handle(route.method, route.pattern,
                  [handlers, handler = route.handler](const Request& request) {
                    return (*handlers.*handler)(request);
                  });
}

}  // namespace

void AddRoutes(http::Server& server, Backend& backend, const ActuatorMetrics& metrics,
               const Clock& clock, ApiOptions options) {
  Add(server,
      std::make_shared<Looks>(backend, metrics, clock, std::move(options.version),
                              options.max_event_streams),
      kLooks);
  Add(server, std::make_shared<Changes>(backend, std::move(options.token_file)), kChanges);
}

std::vector<std::pair<std::string, std::string>> Routes() {
  std::vector<std::pair<std::string, std::string>> routes;
  for (const auto& route : kLooks) routes.emplace_back(route.method, route.pattern);
  for (const auto& route : kChanges) routes.emplace_back(route.method, route.pattern);
  return routes;
}

}  // namespace mailhub::api
