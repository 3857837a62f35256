// Each handler sends one question to the backend and puts the answer into an envelope.
#include "actuator/api/read_handlers.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "actuator/api/answer.h"
#include "actuator/api/find_run.h"
#include "actuator/api/past_run.h"
#include "actuator/api/render.h"
#include "actuator/api/request.h"
#include "actuator/api/run_place.h"
#include "lib/metrics/negotiate.h"
#include "lib/metrics/process.h"
#include "lib/metrics/text.h"

namespace mailhub::api {
namespace {

using engine::RunView;
using http::Request;
using http::Response;

constexpr size_t kMostListed = 10'000;
constexpr size_t kLongestId = 64;
constexpr std::string_view kRunsPath = "/api/v1/runs/";
// Its links are relative, so they hold below any prefix. VERSION is replaced.
constexpr std::string_view kRootPage = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>mailhub_actuator</title></head>
<body><h1>mailhub_actuator</h1>
<p>Version VERSION. Runs runbooks when alerts fire. Operators use <code>mailhubctl</code>; begin with
<code>mailhubctl status</code>.</p>
<ul>
<li><a href="api/v1/status">api/v1/status</a>: mode, and how much is open</li>
<li><a href="api/v1/runs">api/v1/runs</a>: unfinished runs and the last finished ones</li>
<li><a href="api/v1/alerts">api/v1/alerts</a>: what was decided about alerts</li>
<li><a href="api/v1/episodes">api/v1/episodes</a>: alerts that fire and match a trigger</li>
<li><a href="api/v1/history">api/v1/history</a>: finished runs and how long they took</li>
<li><a href="api/v1/report">api/v1/report</a>: the same with their waiting, work, holds and people</li>
<li><a href="api/v1/calendar">api/v1/calendar</a>: when runs may start, and when they will</li>
<li><a href="api/v1/receivers">api/v1/receivers</a>: who is told about runs</li>
<li><a href="metrics">metrics</a>: the actuator's own metrics, for Prometheus</li>
<li><a href="-/healthy">-/healthy</a>, <a href="-/ready">-/ready</a></li>
</ul>
<p>Documentation, in the folder <code>docs</code> of the source, and below <code>/usr/share/doc/mailhub-*</code> with
Debian's packages: operating.md (commands by task), openapi.yml (the API), runbooks.md, metrics.md, alerts.md, web.md
(addresses, prefix, TLS, logins).</p>
</body></html>
)";

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

bool Wanted(const Request& request, std::string_view name, std::string_view value) {
  const auto filter = request.Query(name);
  return !filter || *filter == value;
}

Result<engine::AlertFilter> AlertFilterOf(const Request& request) {
  engine::AlertFilter filter;
  if (auto known = QueryWord<engine::Decision>(request, "decision"); !known)
    return Fail(known.error());
  for (const auto& [name, field] : {std::pair{"alertname", &filter.alertname},
                                    {"fingerprint", &filter.fingerprint},
                                    {"decision", &filter.decision},
                                    {"run", &filter.run}}) {
    const auto value = request.Query(name);
    if (!value) continue;
    if (value->empty())
      return Fail(ErrorKind::kInvalid, std::string(name) + ": empty; leave it out to see all");
    *field = *value;
  }
  const auto before = QueryNumber(request, "before");
  if (!before) return Fail(before.error());
  filter.before = *before;
  return filter;
}

Result<engine::RunFilter> RunFilterOf(const Request& request) {
  engine::RunFilter filter;
  if (auto known = QueryWord<engine::RunResult>(request, "result"); !known)
    return Fail(known.error());
  filter.runbook = request.Query("runbook").value_or("");
  filter.target = request.Query("target");
  filter.result = request.Query("result").value_or("");
  const auto before = QueryNumber(request, "before");
  if (!before) return Fail(before.error());
  filter.before = *before;
  for (const auto& [name, field] : {std::pair{"since", &filter.since}, {"until", &filter.until}}) {
    const auto time = QueryTime(request, name);
    if (!time) return Fail(time.error());
    *field = *time;
  }
  return filter;
}

}  // namespace

ReadHandlers::ReadHandlers(Backend& backend, const ActuatorMetrics& metrics, const Clock& clock,
                           std::string version, int max_event_streams, const Receivers* receivers,
                           bool process_metrics)
    : backend_(backend),
      metrics_(metrics),
      clock_(clock),
      version_(std::move(version)),
      tickets_(std::make_shared<Tickets>(max_event_streams)),
      receivers_(receivers),
      process_metrics_(process_metrics) {}

std::vector<ReceiverStatus> ReadHandlers::AllReceivers() const {
  return receivers_ == nullptr ? std::vector<ReceiverStatus>() : receivers_->List();
}

Response ReadHandlers::Root(const Request&) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  constexpr std::string_view kPlace = "VERSION";
  response.body = kRootPage;
  response.body.replace(kRootPage.find(kPlace), kPlace.size(), EscapeHtml(version_));
  return response;
}

Result<std::string> ReadHandlers::RunsList(const Request& request) {
  if (auto known = QueryWord<engine::RunState>(request, "state"); !known)
    return Fail(known.error());
  if (auto known = QueryWord<engine::RunResult>(request, "result"); !known)
    return Fail(known.error());
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  const auto after = QueryRunPlace(request);
  if (!after) return Fail(after.error());
  const auto view = backend_.Look();
  const WallTime now = clock_.Now();
  Page page("runs", *limit, request.may_be_long);
  const auto add = [&](const RunView& run) {
    const bool wanted =
        (!*after || (*after)->IsBefore(run)) && Wanted(request, "state", Name(run.state)) &&
        Wanted(request, "runbook", run.runbook) && Wanted(request, "target", run.target) &&
        Wanted(request, "result", run.result ? Name(*run.result) : "");
    return !wanted || page.Add('"' + RunPlace::Of(run).Text() + '"', RunSummary(run, now));
  };
  const bool room = std::all_of(view->unfinished.begin(), view->unfinished.end(), add);
  if (room) static_cast<void>(std::all_of(view->finished.begin(), view->finished.end(), add));
  return page.Take();
}

Response ReadHandlers::Runs(const Request& request) {
  return Answer(RunsList(request));
}

Result<std::string> ReadHandlers::OneRun(const std::string& id) {
  const auto view = backend_.Look();
  const auto found = FindRun(*view, id);
  if (!found) return Fail(found.error());
  if (*found != nullptr) return RunData(**found, clock_.Now());
  const auto past = ViewOfPastRun(backend_, id);
  if (!past) return Fail(past.error());
  return RunData(*past, clock_.Now());
}

Result<std::string> ReadHandlers::EventsList(const Request& request, const std::string& id) {
  const auto after = QueryNumber(request, "after");
  if (!after) return Fail(after.error());
  Page page("events", kMostListed, request.may_be_long);
  const auto read = backend_.RunEvents(id, *after, [&page](const engine::Event& event) {
    return page.Add(event.seq, EventText(event));
  });
  if (!read) return Fail(read.error());
  return page.Take();
}

Response ReadHandlers::Run(const Request& request) {
  std::string id = request.path.substr(kRunsPath.size());
  const bool events = id.ends_with("/events");
  if (events) id.resize(id.size() - std::string_view("/events").size());
  if (id.empty() || id.size() > kLongestId || id.find('/') != std::string::npos)
    return Answer(Fail(ErrorKind::kNotFound,
                       "no such page; a run is /api/v1/runs/ID, its events "
                       "are /api/v1/runs/ID/events"));
  if (events) return Answer(EventsList(request, id));
  if (request.Query("after"))
    return Answer(Fail(ErrorKind::kInvalid, "after: only of /api/v1/runs/ID/events"));
  return Answer(OneRun(id));
}

Result<std::string> ReadHandlers::AlertsList(const Request& request) {
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  const auto filter = AlertFilterOf(request);
  if (!filter) return Fail(filter.error());
  Page page("alerts", *limit, request.may_be_long);
  const auto unseen = backend_.Alerts(*filter, [&page](const engine::PastAlert& alert) {
    return page.Add(alert.seq, AlertText(alert));
  });
  if (!unseen) return Fail(unseen.error());
  return page.Take(*unseen);
}

Response ReadHandlers::Alerts(const Request& request) {
  return Answer(AlertsList(request));
}

Result<std::string> ReadHandlers::EpisodesList(const Request& request) {
  if (auto known = QueryWord<engine::EpisodeState>(request, "state"); !known)
    return Fail(known.error());
  const auto view = backend_.Look();
  std::vector<const engine::EpisodeView*> chosen;
  for (const engine::EpisodeView& episode : view->episodes) {
    if (Wanted(request, "state", Name(episode.state)) &&
        Wanted(request, "alertname", episode.alertname))
      chosen.push_back(&episode);
  }
  return EpisodesData(chosen, view->open_episodes);
}

Response ReadHandlers::Episodes(const Request& request) {
  return Answer(EpisodesList(request));
}

Result<std::string> ReadHandlers::HistoryList(const Request& request) {
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  const auto filter = RunFilterOf(request);
  if (!filter) return Fail(filter.error());
  Page page("runs", *limit, request.may_be_long);
  const auto unseen = backend_.History(
      *filter, [&page](const engine::PastRun& run) { return page.Add(run.seq, PastRunText(run)); });
  if (!unseen) return Fail(unseen.error());
  return page.Take(*unseen);
}

Response ReadHandlers::History(const Request& request) {
  return Answer(HistoryList(request));
}

Result<std::string> ReadHandlers::ReportList(const Request& request) {
  const auto limit = QueryLimit(request, 100, kMostListed);
  if (!limit) return Fail(limit.error());
  const auto filter = RunFilterOf(request);
  if (!filter) return Fail(filter.error());
  Page page("runs", *limit, request.may_be_long);
  const auto unseen = backend_.Report(*filter, [&page](const engine::ReportedRun& report) {
    return page.Add(report.run.seq, ReportedRunText(report));
  });
  if (!unseen) return Fail(unseen.error());
  const auto whole_from = backend_.RunsWholeFrom();
  if (!whole_from) return Fail(whole_from.error());
  page.Say("wholeFrom", *whole_from ? '"' + FormatUtc(**whole_from) + '"' : "null");
  return page.Take(*unseen);
}

Response ReadHandlers::Report(const Request& request) {
  return Answer(ReportList(request));
}

Response ReadHandlers::Mode(const Request&) {
  return Answer(ModeData(backend_.Look()->mode));
}

Response ReadHandlers::Status(const Request&) {
  return Answer(StatusData(version_, *backend_.Look(), backend_.Configuration(), backend_.Ready(),
                           clock_.Now()));
}

Response ReadHandlers::ListReceivers(const Request&) {
  return Answer(ReceiversData(AllReceivers()));
}

Response ReadHandlers::Events(const Request& request) {
  return ServeEvents(request, backend_, clock_, tickets_);
}

Response ReadHandlers::Metrics(const Request& request) {
  const auto format = metrics::FormatFor(request.Header("Accept"));
  Response response;
  response.content_type = metrics::ContentTypeOf(format);
  metrics::Families page = metrics_.Collect(*backend_.Look(), AllReceivers());
  if (process_metrics_) metrics::AddProcessMetrics(&page);
  response.body = metrics::ToText(page, format);
  return response;
}

Response ReadHandlers::Healthy(const Request&) {
  return http::TextResponse(200, "alive");
}

Response ReadHandlers::Ready(const Request&) {
  return backend_.Ready() ? http::TextResponse(200, "ready") : http::TextResponse(503, "not ready");
}

}  // namespace mailhub::api
