#include "exporter/web/app.h"

#include <algorithm>
#include <array>
#include <utility>

#include "exporter/collector/fields.h"
#include "exporter/web/debug.h"
#include "exporter/web/render.h"
#include "lib/base/log.h"
#include "lib/http/request_limit.h"
#include "lib/metrics/negotiate.h"
#include "lib/metrics/process.h"
#include "lib/metrics/stopwatch.h"
#include "lib/metrics/text.h"

namespace mailhub::exporter {
namespace {

constexpr Milliseconds kDefaultTimeout{10'000};
constexpr double kLongestTimeoutSeconds = 120;

constexpr metrics::Metric kSuccess{"probe_success", "Whether the host answered as it should."};
constexpr metrics::Metric kDuration{"probe_duration_seconds", "How long the probe took."};
constexpr metrics::Metric kTimeout{"probe_timeout_seconds",
                                   "How long the probe was allowed to take."};
constexpr metrics::Metric kFailure{"mailhub_probe_failure",
                                   "Whether the probe failed for the reason."};
constexpr metrics::Metric kCollectorSuccess{
    "mailhub_collector_success", "Whether the collector's figures are complete and shown."};
constexpr metrics::Metric kCollectorDuration{
    "mailhub_collector_duration_seconds",
    "How long the collector took, by the clock of where it ran."};

using ssh::ConnectFailure;
http::Response Json(std::string body) {
  http::Response response;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

http::Response Text(std::string body, const char* content_type) {
  http::Response response;
  response.content_type = content_type;
  response.body = std::move(body);
  return response;
}

}  // namespace

Milliseconds ProbeTimeout(std::string_view header, Milliseconds offset) {
  Milliseconds timeout = kDefaultTimeout;
  const auto seconds = ReadDecimal(header);
  if (seconds && *seconds > 0) {
    timeout = Milliseconds(static_cast<int64_t>(std::min(*seconds, kLongestTimeoutSeconds) * 1000));
  }
  return std::max({timeout - offset, timeout / 2, Milliseconds(1)});
}

// One scrape that waits for a host.
class App::Turn {
 public:
  Turn(ScrapeTurns* turns, std::string host, std::string client)
      : turns_(turns),
        host_(std::move(host)),
        client_(std::move(client)),
        place_(turns_->Begin(host_, client_)) {}
  ~Turn() {
    if (granted()) turns_->End(place_, host_, client_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool granted() const { return place_ != Place::kNone; }

 private:
  ScrapeTurns* const turns_;
  const std::string host_;
  const std::string client_;
  const Place place_;
};

http::Response App::Probe(const http::Request& request) {
  const metrics::Stopwatch watch;
  const auto timeout =
      ProbeTimeout(request.Header("X-Prometheus-Scrape-Timeout-Seconds"), options_.timeout_offset);
  const auto deadline = clock_.Steady() + timeout;
  const auto target = request.Query("target");
  if (!target || target->empty()) {
    return http::TextResponse(400, "The parameter target is missing: /probe?target=HOST");
  }
  const auto debug = request.Query("debug");
  if (debug && *debug != "true" && *debug != "false") {
    return http::TextResponse(400, "The parameter debug: expected true or false");
  }
  const auto prober = fleet_.Find(*target);
  const auto site = fleet_.site();
  if (prober == nullptr || site == nullptr) {
    return http::TextResponse(400, "The site file lists no host of that name.");
  }
  const Turn turn(&turns_, *target, request.origin);
  if (!turn.granted()) {
    http::Response refused = http::TextResponse(
        503, "Scrapes of this host already wait for it, too many of them or from one address.");
    refused.headers.emplace_back("Retry-After", "5");
    return refused;
  }
  const WallTime asked = clock_.Now();
  Collection collection = prober->Probe(deadline);
  const char* result = collection.failure ? Name(collection.failure->reason) : kSucceeded;
  LogChange(*target, result, collection);
  metrics::Families families = std::exchange(collection.families, {});
  families.Add(kSuccess, {}, collection.failure ? 0 : 1);
  families.Add(kTimeout, {}, ToSeconds(timeout));
  for (const ConnectFailure reason : All<ConnectFailure>()) {
    families.Add(kFailure, {{"reason", Name(reason)}},
                 collection.failure && collection.failure->reason == reason ? 1 : 0);
  }
  for (const auto& [name, outcome] : collection.collectors) {
    families.Add(kCollectorSuccess, {{"collector", name}}, outcome.success ? 1 : 0);
    families.Add(kCollectorDuration, {{"collector", name}}, outcome.seconds);
  }
  const double seconds = watch.Seconds();
  families.Add(kDuration, {}, seconds);
  self_.OnProbe(result, seconds);
  // People read the text format more easily.
  const auto format =
      debug == "true" ? metrics::Format::kText : metrics::FormatFor(request.Header("Accept"));
  std::string page = metrics::ToText(families, format);
  if (debug != "true") return Text(std::move(page), metrics::ContentTypeOf(format));
  return Text(
      RenderDebug(
          prober->host(), *site, collection,
          {.asked = asked, .timeout = timeout, .seconds = seconds, .metrics = std::move(page)}),
      "text/plain; charset=utf-8");
}

void App::LogChange(const std::string& host, const std::string& result,
                    const Collection& collection) {
  const std::string before = last_results_.With([&](auto& results) {
    auto [entry, is_new] = results.try_emplace(host, kSucceeded);
    return std::exchange(entry->second, result);
  });
  if (collection.failure) {
    const bool again = before == result;
    (again ? LogDebug : LogInfo)(
        "Probe failed", {{"host", host}, {"reason", result}, {"why", collection.failure->message}});
  } else if (before != result) {
    LogInfo("Probe succeeded again", {{"host", host}, {"reason_before", before}});
  }
}

http::Response App::Discover() const {
  const auto site = fleet_.site();
  return site == nullptr ? http::TextResponse(503, "No site file is loaded.")
                         : Json(RenderDiscovery(*site));
}

http::Response App::Landing() const {
  const auto site = fleet_.site();
  return Text(RenderLanding(site.get(), options_.version, options_.telemetry_path),
              "text/html; charset=utf-8");
}

void App::Attach(http::Server& server) {
  using http::Request;
  using http::Response;
  const http::RequestLimit limit(options_.max_requests);
  server.Handle("GET", "/probe",
                limit.Around([this](const Request& request) { return Probe(request); }));
  server.Handle("GET", "/sd", [this](const Request&) { return Discover(); });
  server.Handle("GET", options_.telemetry_path, limit.Around([this](const Request& request) {
    metrics::Families families = self_.Collect();
    if (options_.process_metrics) metrics::AddProcessMetrics(&families);
    const auto format = metrics::FormatFor(request.Header("Accept"));
    return Text(metrics::ToText(families, format), metrics::ContentTypeOf(format));
  }));
  server.Handle("GET", "/config", [this](const Request&) {
    const auto site = fleet_.site();
    return site == nullptr ? http::TextResponse(503, "No site file is loaded.")
                           : Text(RenderConfig(*site), "text/plain; charset=utf-8");
  });
  server.Handle("GET", "/-/healthy",
                [](const Request&) { return http::TextResponse(200, "The exporter is healthy."); });
  server.Handle("GET", "/-/ready", [this](const Request&) {
    return fleet_.site() == nullptr ? http::TextResponse(503, "No site file is loaded.")
                                    : http::TextResponse(200, "The exporter is ready.");
  });
  server.Handle("POST", "/-/reload", [this](const Request& request) {
    // A browser names the page of the request. None of our pages sends one, so it is a foreign
    // page.
    if (http::FindHeader(request.headers, "Origin") != nullptr)
      return http::TextResponse(403, "No web page may ask for this.");
    const auto reloaded = reload_();
    if (!reloaded) {
      return http::TextResponse(
          500, "The site file is refused, the old one stays in force: " + reloaded.error().message);
    }
    return http::TextResponse(200, "The site file is loaded.");
  });
  if (options_.telemetry_path != "/") {
    server.Handle("GET", "/", [this](const Request&) { return Landing(); });
  }
}

}  // namespace mailhub::exporter
