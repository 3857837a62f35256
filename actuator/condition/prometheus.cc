// See prometheus.h.
#include "actuator/condition/prometheus.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "lib/base/duration.h"
#include "lib/base/nesting.h"

namespace mailhub::condition {
namespace {

using nlohmann::json;

tl::unexpected<Error> NoAnswer(const std::string& why) {
  return Fail(ErrorKind::kUnreachable, "Prometheus: " + why);
}

// The envelope's type says which side is at fault.
tl::unexpected<Error> Refusal(const json& body) {
  const std::string type = body.value("errorType", "");
  const std::string text = "Prometheus: " + body.value("error", "no reason given");
  if (type == "bad_data") return Fail(ErrorKind::kInvalid, text);
  if (type == "execution") return Fail(ErrorKind::kNotFound, text);
  return Fail(ErrorKind::kUnreachable, text);
}

// Annotations that cannot mean missing data; any other may.
bool Harmless(const std::string& info) {
  return info.starts_with("PromQL info: metric might not be a counter");
}

// Why the answer may cover only a part of the data; empty when it covers all.
std::string Partial(const json& body) {
  if (const auto flag = body.find("isPartial"); flag != body.end() && *flag != false) {
    return "some of its storage did not answer (isPartial)";
  }
  for (const char* const list : {"warnings", "infos"}) {
    const auto notes = body.find(list);
    if (notes == body.end() || notes->is_null()) continue;
    for (const json& note : *notes) {
      const std::string text = note.get<std::string>();
      if (std::string_view(list) == "warnings" || !Harmless(text)) return text.substr(0, 300);
    }
  }
  return "";
}

// Runs `read` on the answer's `data`. An answer of an undocumented form counts as no answer.
template <typename T, typename Read>
Result<T> Reading(const Result<http::HttpResponse>& response, Read&& read) {
  if (!response) return NoAnswer(response.error().message);
  const std::string status = "status " + std::to_string(response->status);
  try {
    if (IsNestedDeeperThan(response->body, kDeepestJson)) {
      return NoAnswer(status + " and JSON that is nested too deep");
    }
    json body = json::parse(response->body, nullptr, false);
    if (!body.is_object() || HasSignsOutsideJson(response->body))
      return NoAnswer(status + " and no JSON");
    if (body.value("status", "") == "error") return Refusal(body);
    if (!response->Succeeded()) return NoAnswer(status);
    if (const std::string partial = Partial(body); !partial.empty()) {
      return Fail(ErrorKind::kNotFound, "Prometheus: the answer is not whole: " + partial +
                                            "; the gate waits for a whole one");
    }
    return read(body.at("data"));
  } catch (const json::exception& error) {
    return NoAnswer(status + " and an unknown shape: " + error.what());
  }
}

double Value(const json& point) {
  return std::strtod(point.at(1).get_ref<const std::string&>().c_str(), nullptr);
}

std::string FormSeconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds);
  return text;
}

Result<std::map<std::string, Milliseconds>> ReadIntervals(const json& data,
                                                          const std::string& job) {
  std::map<std::string, Milliseconds> intervals;
  for (const json& target : data.at("activeTargets")) {
    const auto labels = target.at("labels").get<Labels>();
    const auto instance = labels.find("instance");
    const auto in_job = labels.find("job");
    if (instance == labels.end() || in_job == labels.end() || in_job->second != job) continue;
    const auto interval = ParseDuration(target.value("scrapeInterval", ""));
    if (!interval || interval->count() == 0) {
      return Fail(ErrorKind::kNotFound, "its targets have no scrapeInterval");
    }
    // The slowest of several targets with one name: it needs the widest window.
    Milliseconds& kept = intervals[instance->second];
    kept = std::max(kept, *interval);
  }
  return intervals;
}

bool RefusesPost(int status) {
  return status == 405 || status == 403 || status == 501;
}

}  // namespace

Prometheus::Prometheus(PrometheusOptions options)
    : options_(std::move(options)), client_(options_.client) {}

Result<http::HttpResponse> Prometheus::Get(const std::string& path, const std::string& form) {
  http::RequestOptions request;
  request.timeout = options_.timeout;
  request.headers = options_.headers;
  request.headers.emplace_back("Cache-Control", "no-store");
  return client_.Get(options_.url + path + (form.empty() ? "" : "?" + form), request);
}

// Asks caches (of Thanos, Mimir, VictoriaMetrics) not to answer.
Result<http::HttpResponse> Prometheus::Ask(const std::string& path, const std::string& fields) {
  const std::string form = fields + "&nocache=1";
  if (by_get_) return Get(path, form);
  http::RequestOptions request;
  request.timeout = options_.timeout;
  request.idempotent = true;
  request.headers = options_.headers;
  request.headers.emplace_back("Cache-Control", "no-store");
  auto posted =
      client_.Post(options_.url + path, form, "application/x-www-form-urlencoded", request);
  if (!posted || !RefusesPost(posted->status)) return posted;
  auto got = Get(path, form);
  by_get_ = got && got->Succeeded();
  return got && !RefusesPost(got->status) ? std::move(got) : std::move(posted);
}

Result<Instant> Prometheus::Query(const std::string& expr) {
  const auto response = Ask("/api/v1/query", "query=" + http::UrlEncode(expr));
  return Reading<Instant>(response, [](const json& data) -> Result<Instant> {
    if (data.at("resultType") != "vector") {
      return Fail(ErrorKind::kInvalid, "the expression returns a " +
                                           data.at("resultType").get<std::string>() +
                                           "; expected an instant vector");
    }
    Instant instant;
    for (const json& one : data.at("result")) {
      instant.at_s = one.at("value").at(0).get<double>();
      instant.samples.push_back({one.at("metric").get<Labels>(), Value(one.at("value"))});
    }
    return instant;
  });
}

Result<std::vector<Series>> Prometheus::QueryRange(const std::string& expr, double start_s,
                                                   double end_s, Milliseconds step) {
  const std::string form = "query=" + http::UrlEncode(expr) + "&start=" + FormSeconds(start_s) +
                           "&end=" + FormSeconds(end_s) + "&step=" + FormSeconds(ToSeconds(step));
  return Reading<std::vector<Series>>(Ask("/api/v1/query_range", form), [](const json& data) {
    std::vector<Series> all;
    for (const json& one : data.at("result")) {
      Series series{one.at("metric").get<Labels>(), {}};
      for (const json& point : one.at("values")) series.values.push_back(Value(point));
      all.push_back(std::move(series));
    }
    return Result<std::vector<Series>>(std::move(all));
  });
}

// A big server's targets may exceed one answer's limit, so its pool is asked for first. The pool
// has the job's name unless relabelling set the job label.
Result<std::map<std::string, Milliseconds>> Prometheus::ScrapeIntervals(const std::string& job) {
  using Intervals = std::map<std::string, Milliseconds>;
  const auto ask = [&](const std::string& form) {
    const auto response = Get("/api/v1/targets", form);
    if (response && (response->status == 404 || response->status == 405)) {
      return Result<Intervals>(
          Fail(ErrorKind::kNotFound, "status " + std::to_string(response->status)));
    }
    return Reading<Intervals>(response, [&](const json& data) { return ReadIntervals(data, job); });
  };
  auto intervals = ask("state=active&scrapePool=" + http::UrlEncode(job));
  if (intervals && intervals->empty()) intervals = ask("state=active");
  if (intervals) return intervals;
  return Fail(
      intervals.error().kind,
      "no scrape interval is known (/api/v1/targets: " + intervals.error().message +
          "); if this server tells none, set prometheus.scrape_interval in the actuator file");
}

}  // namespace mailhub::condition
