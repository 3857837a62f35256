// One table of routes; each handler turns a request into one question to the backend and its answer
// into one envelope.
#include "actuator/api/api.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>

#include "actuator/api/event_stream.h"
#include "actuator/api/guard.h"
#include "actuator/api/past_run.h"
#include "actuator/api/render.h"
#include "actuator/api/request.h"
#include "lib/base/log.h"

namespace mailhub::api {
namespace {

using engine::RunView;
using http::Request;
using http::Response;

constexpr size_t kMostListed = 10'000;
constexpr size_t kLongestId = 64;
constexpr std::string_view kRunsPath = "/api/v1/runs/";
constexpr std::string_view kHostsPath = "/api/v1/hosts/";
// What the site file allows in a host's name.
constexpr std::string_view kHostCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kRefused:
      return 409;
    case ErrorKind::kUnreachable:
    case ErrorKind::kOverloaded:
      return 503;
    case ErrorKind::kOutcomeUnknown:
      return 504;
    case ErrorKind::kCorrupt:
    case ErrorKind::kInternal:
      break;
  }
  return 500;
}

Response Json(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

Response Answer(const Result<std::string>& data) {
  if (data) return Json(200, Success(*data));
  const Error& error = data.error();
  Response response = Json(StatusOf(error.kind), Failure(Name(error.kind), error.message));
  if (response.status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

bool Wanted(const Request& request, std::string_view name, std::string_view value) {
  const auto filter = request.Query(name);
  return !filter || *filter == value;
}

// Whether the request narrows a list that is cut off by `limit`: then all of it must be looked at.
bool Filters(const Request& request, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return request.Query(name).has_value(); });
}

class Api {
 public:
  Api(Backend& backend, const ActuatorMetrics& metrics, const Clock& clock, ApiOptions options)
      : backend_(backend),
        metrics_(metrics),
        clock_(clock),
        guard_(options.token_file),
        version_(std::move(options.version)),
        tickets_(std::make_shared<Tickets>(options.max_event_streams)) {}

  Response Runs(const Request& request);
  Response Run(const Request& request);
  Response StartRun(const Request& request);
  Response ActOnRun(const Request& request);
  Response Alerts(const Request& request);
  Response History(const Request& request);
  Response Plan(const Request& request);
  Response GetMode(const Request& request);
  Response PutMode(const Request& request);
  Response TakeOver(const Request& request);
  Response GetStatus(const Request& request);
  Response Events(const Request&) { return ServeEvents(backend_, clock_, tickets_); }
  Response Metrics(const Request&);
  Response Healthy(const Request&) { return http::TextResponse(200, "alive"); }
  Response IsReady(const Request&);
  Response Reload(const Request& request);

 private:
  Result<std::string> RunsList(const Request& request);
  Result<std::string> OneRun(const std::string& id);
  Result<std::string> AlertsList(const Request& request);
  Result<std::string> HistoryList(const Request& request);
  // 401, 403 or 503; nothing and *who filled in when it may.
  std::optional<Response> Denied(const Request& request, std::string* who);
  Response Submit(Ask what);

  // Constant after construction.
  Backend& backend_;
  const ActuatorMetrics& metrics_;
  const Clock& clock_;
  const Guard guard_;
  const std::string version_;
  const std::shared_ptr<Tickets> tickets_;
};

// --- reading

Result<std::string> Api::RunsList(const Request& request) {
  const Status known = OnlyQuery(request, {"state", "runbook", "target", "result", "limit"});
  if (!known) return Fail(known.error());
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  const auto view = backend_.Look();
  std::vector<const RunView*> chosen;
  const auto look = [&](const RunView& run) {
    if (chosen.size() < *limit && Wanted(request, "state", Name(run.state)) &&
        Wanted(request, "runbook", run.runbook) && Wanted(request, "target", run.target) &&
        Wanted(request, "result", run.result ? Name(*run.result) : ""))
      chosen.push_back(&run);
  };
  std::for_each(view->unfinished.begin(), view->unfinished.end(), look);
  std::for_each(view->finished.begin(), view->finished.end(), look);
  return RunsData(chosen, clock_.Now());
}

Response Api::Runs(const Request& request) {
  return Answer(RunsList(request));
}

Result<std::string> Api::OneRun(const std::string& id) {
  const auto view = backend_.Look();
  const RunView* found = nullptr;
  if (id.size() >= 6) {
    for (const auto* runs : {&view->unfinished, &view->finished}) {
      for (const RunView& run : *runs) {
        if (run.id == id) return RunData(run, clock_.Now());
        if (!run.id.starts_with(id)) continue;
        if (found) return Fail(ErrorKind::kInvalid, "several runs begin with " + id);
        found = &run;
      }
    }
  }
  if (found) return RunData(*found, clock_.Now());
  auto events = backend_.RunEvents(id);
  if (!events) return Fail(events.error());
  const auto past = ViewOfPastRun(*events);
  if (!past) return Fail(ErrorKind::kNotFound, "no run " + id);
  return RunData(*past, clock_.Now());
}

Response Api::Run(const Request& request) {
  const Status known = OnlyQuery(request, {});
  if (!known) return Answer(Fail(known.error()));
  std::string id = request.path.substr(kRunsPath.size());
  const bool events = id.ends_with("/events");
  if (events) id.resize(id.size() - std::string_view("/events").size());
  if (id.empty() || id.size() > kLongestId || id.find('/') != std::string::npos)
    return Answer(Fail(ErrorKind::kNotFound,
                       "no such page; a run is /api/v1/runs/ID, its events "
                       "are /api/v1/runs/ID/events"));
  if (!events) return Answer(OneRun(id));
  auto list = backend_.RunEvents(id);
  if (!list) return Answer(Fail(list.error()));
  return Answer(EventsData(*list));
}

Result<std::string> Api::AlertsList(const Request& request) {
  const auto filters = {std::string_view("alertname"), std::string_view("fingerprint"),
                        std::string_view("decision"), std::string_view("run")};
  const Status known = OnlyQuery(request, {"alertname", "fingerprint", "decision", "run", "limit"});
  if (!known) return Fail(known.error());
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  auto alerts = backend_.Alerts(Filters(request, filters) ? kMostListed : *limit);
  if (!alerts) return Fail(alerts.error());
  std::erase_if(*alerts, [&](const PastAlert& alert) {
    const engine::AlertDecided& decided = alert.decided;
    return !Wanted(request, "alertname", decided.alertname) ||
           !Wanted(request, "fingerprint", decided.fingerprint) ||
           !Wanted(request, "decision", Name(decided.decision)) ||
           !Wanted(request, "run", decided.run);
  });
  if (alerts->size() > *limit) alerts->resize(*limit);
  return AlertsData(*alerts);
}

Response Api::Alerts(const Request& request) {
  return Answer(AlertsList(request));
}

Result<std::string> Api::HistoryList(const Request& request) {
  const Status known = OnlyQuery(request, {"runbook", "target", "result", "limit"});
  if (!known) return Fail(known.error());
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  auto runs = backend_.History(request.Query("runbook").value_or(""),
                               Filters(request, {"target", "result"}) ? kMostListed : *limit);
  if (!runs) return Fail(runs.error());
  std::erase_if(*runs, [&](const PastRun& run) {
    return !Wanted(request, "target", run.target) || !Wanted(request, "result", Name(run.result));
  });
  if (runs->size() > *limit) runs->resize(*limit);
  return HistoryData(*runs);
}

Response Api::History(const Request& request) {
  return Answer(HistoryList(request));
}

Response Api::Plan(const Request& request) {
  const Status known = OnlyQuery(request, {"runbook", "parameter"});
  if (!known) return Answer(Fail(known.error()));
  const auto runbook = request.Query("runbook");
  if (!runbook || runbook->empty())
    return Answer(Fail(ErrorKind::kInvalid, "runbook: missing; which one is to be planned?"));
  const auto parameters = QueryParameters(request);
  if (!parameters) return Answer(Fail(parameters.error()));
  const auto plan = backend_.MakePlan(*runbook, *parameters);
  if (!plan) return Answer(Fail(plan.error()));
  return Answer(PlanData(*plan));
}

Response Api::GetMode(const Request&) {
  return Answer(ModeData(backend_.Look()->mode));
}

Response Api::GetStatus(const Request&) {
  return Answer(StatusData(version_, *backend_.Look(), backend_.Ready(), clock_.Now()));
}

Response Api::Metrics(const Request&) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_.Render(*backend_.Look());
  return response;
}

Response Api::IsReady(const Request&) {
  return backend_.Ready() ? http::TextResponse(200, "ready") : http::TextResponse(503, "not ready");
}

// --- changing

std::optional<Response> Api::Denied(const Request& request, std::string* who) {
  auto user = guard_.MayChange(request);
  if (user) {
    *who = *user;
    return std::nullopt;
  }
  LogWarn(
      "refused a change over HTTP",
      {{"path", request.path}, {"from", request.remote_address}, {"why", user.error().message}});
  if (user.error().kind != ErrorKind::kRefused) return Answer(Fail(user.error()));
  const int status = request.user.empty() ? 401 : 403;
  Response response = Json(status, Failure("unauthorized", user.error().message));
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"mailhub\"");
  return response;
}

Response Api::Submit(Ask what) {
  const auto run = backend_.Submit(std::move(what));
  if (!run) return Answer(Fail(run.error()));
  return Answer(StartedData(*run));
}

// A logged-in name is proof, a field is a claim; the holder of the token may claim.
std::string By(const std::string& user, const ChangeBody& body) {
  if (!user.empty()) return user;
  return body.by.empty() ? "api" : body.by;
}

Response Api::StartRun(const Request& request) {
  std::string user;
  if (auto denied = Denied(request, &user)) return *denied;
  const auto body = ParseChange(request, {"runbook", "parameters", "reason", "by"});
  if (!body) return Answer(Fail(body.error()));
  if (body->runbook.empty())
    return Answer(Fail(ErrorKind::kInvalid, "runbook: missing; which one is to be started?"));
  engine::Command command;
  command.verb = engine::Verb::kStart;
  command.by = By(user, *body);
  command.detail = body->reason;
  command.runbook = body->runbook;
  command.parameters = body->parameters;
  return Submit(std::move(command));
}

Response Api::ActOnRun(const Request& request) {
  std::string user;
  if (auto denied = Denied(request, &user)) return *denied;
  const std::string rest = request.path.substr(kRunsPath.size());
  const size_t slash = rest.find('/');
  const auto verb =
      slash == std::string::npos ? std::nullopt : ParseRunVerb(rest.substr(slash + 1));
  if (!verb || slash == 0 || slash > kLongestId)
    return Answer(Fail(ErrorKind::kNotFound,
                       "no such action; expected /api/v1/runs/ID/ and one of pause, resume, "
                       "confirm, cancel, retry, skip, resolve"));
  const auto body = ParseChange(request, {"reason", "by"});
  if (!body) return Answer(Fail(body.error()));
  const bool claims = verb == engine::Verb::kSkip || verb == engine::Verb::kResolve;
  if (claims && body->reason.empty())
    return Answer(Fail(ErrorKind::kInvalid,
                       std::string("reason: missing; to ") + Name(*verb) +
                           " a step is a judgement the journal must be able to explain"));
  engine::Command command;
  command.verb = *verb;
  command.by = By(user, *body);
  command.run = rest.substr(0, slash);
  command.detail = body->reason;
  return Submit(std::move(command));
}

Response Api::PutMode(const Request& request) {
  std::string user;
  if (auto denied = Denied(request, &user)) return *denied;
  const auto body = ParseChange(request, {"mode", "by"});
  if (!body) return Answer(Fail(body.error()));
  const auto mode = ParseMode(body->mode);
  if (!mode) return Answer(Fail(mode.error()));
  const auto done = backend_.Submit(engine::SetMode{*mode, By(user, *body)});
  if (!done) return Answer(Fail(done.error()));
  return Answer(ModeData(*mode));
}

Response Api::TakeOver(const Request& request) {
  std::string user;
  if (auto denied = Denied(request, &user)) return *denied;
  constexpr std::string_view kEnd = "/takeover";
  std::string host = request.path.substr(kHostsPath.size());
  if (!host.ends_with(kEnd) || host.size() > kLongestId + kEnd.size() || host.size() == kEnd.size())
    return Answer(Fail(ErrorKind::kNotFound, "no such page; expected /api/v1/hosts/HOST/takeover"));
  host.resize(host.size() - kEnd.size());
  // Checked here because it is recorded before anybody looks it up in the site file.
  if (host.find_first_not_of(kHostCharacters) != std::string::npos)
    return Answer(Fail(ErrorKind::kNotFound, "no host has such a name"));
  const auto body = ParseChange(request, {"reason", "by"});
  if (!body) return Answer(Fail(body.error()));
  if (body->reason.empty())
    return Answer(Fail(ErrorKind::kInvalid,
                       "reason: missing; another actuator may be at work on that host, and the "
                       "journal must be able to explain why it no longer may be"));
  const auto done = backend_.Submit(engine::TakeOver{host, By(user, *body), body->reason});
  if (!done) return Answer(Fail(done.error()));
  return Answer(TakeoverData(host));
}

Response Api::Reload(const Request& request) {
  std::string user;
  if (auto denied = Denied(request, &user)) return *denied;
  const Status done = backend_.Reload();
  if (!done) return Answer(Fail(done.error()));
  return Answer(std::string("null"));
}

struct Route {
  const char* method;
  const char* pattern;
  Response (Api::*handler)(const Request&);
};

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/runs", &Api::Runs},
    {"POST", "/api/v1/runs", &Api::StartRun},
    {"GET", "/api/v1/runs/*", &Api::Run},
    {"POST", "/api/v1/runs/*", &Api::ActOnRun},
    {"GET", "/api/v1/alerts", &Api::Alerts},
    {"GET", "/api/v1/history", &Api::History},
    {"GET", "/api/v1/plan", &Api::Plan},
    {"GET", "/api/v1/mode", &Api::GetMode},
    {"PUT", "/api/v1/mode", &Api::PutMode},
    // The same, for clients that know GET and POST only.
    {"POST", "/api/v1/mode", &Api::PutMode},
    {"POST", "/api/v1/hosts/*", &Api::TakeOver},
    {"GET", "/api/v1/status", &Api::GetStatus},
    {"GET", "/api/v1/events", &Api::Events},
    {"GET", "/metrics", &Api::Metrics},
    {"GET", "/-/healthy", &Api::Healthy},
    {"GET", "/-/ready", &Api::IsReady},
    {"POST", "/-/reload", &Api::Reload},
};

}  // namespace

void AddRoutes(http::Server& server, Backend& backend, const ActuatorMetrics& metrics,
               const Clock& clock, ApiOptions options) {
  auto api = std::make_shared<Api>(backend, metrics, clock, std::move(options));
  for (const Route& route : kRoutes)
    server.Handle(route.method, route.pattern,
                  [api, handler = route.handler](const Request& request) {
                    return (*api.*handler)(request);
                  });
}

std::vector<std::pair<std::string, std::string>> Routes() {
  std::vector<std::pair<std::string, std::string>> routes;
  for (const Route& route : kRoutes) routes.emplace_back(route.method, route.pattern);
  return routes;
}

}  // namespace mailhub::api
