// See prometheus.h.
#include "actuator/condition/prometheus.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "lib/base/duration.h"

namespace mailhub::condition {
namespace {

using nlohmann::json;

tl::unexpected<Error> NoAnswer(const std::string& why) {
  return Fail(ErrorKind::kUnreachable, "Prometheus: " + why);
}

// The envelope's type says whose fault it was.
tl::unexpected<Error> Refusal(const json& body) {
  const std::string type = body.value("errorType", "");
  const std::string text = "Prometheus: " + body.value("error", "no reason given");
  if (type == "bad_data") return Fail(ErrorKind::kInvalid, text);
  if (type == "execution") return Fail(ErrorKind::kNotFound, text);
  return Fail(ErrorKind::kUnreachable, text);
}

// Runs `read` on the answer's `data`. An answer of another shape than documented is no answer.
template <typename T, typename Read>
Result<T> Reading(const Result<http::HttpResponse>& response, Read&& read) {
  if (!response) return NoAnswer(response.error().message);
  const std::string status = "status " + std::to_string(response->status);
  try {
    json body = json::parse(response->body, nullptr, false);
    if (!body.is_object()) return NoAnswer(status + " and no JSON");
    if (body.value("status", "") == "error") return Refusal(body);
    if (!response->Succeeded()) return NoAnswer(status);
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

}  // namespace

Prometheus::Prometheus(std::string url, Milliseconds timeout, http::ClientOptions client)
    : url_(std::move(url)), timeout_(timeout), client_(std::move(client)) {}

Result<http::HttpResponse> Prometheus::Post(const std::string& path, const std::string& form) {
  http::RequestOptions options;
  options.timeout = timeout_;
  options.idempotent = true;
  return client_.Post(url_ + path, form, "application/x-www-form-urlencoded", options);
}

Result<Instant> Prometheus::Query(const std::string& expr) {
  const auto response = Post("/api/v1/query", "query=" + http::UrlEncode(expr));
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
  return Reading<std::vector<Series>>(Post("/api/v1/query_range", form), [](const json& data) {
    std::vector<Series> all;
    for (const json& one : data.at("result")) {
      Series series{one.at("metric").get<Labels>(), {}};
      for (const json& point : one.at("values")) series.values.push_back(Value(point));
      all.push_back(std::move(series));
    }
    return Result<std::vector<Series>>(std::move(all));
  });
}

Result<std::map<std::string, Milliseconds>> Prometheus::ScrapeIntervals(const std::string& job) {
  using Intervals = std::map<std::string, Milliseconds>;
  http::RequestOptions options;
  options.timeout = timeout_;
  const auto response = client_.Get(url_ + "/api/v1/targets?state=active", options);
  return Reading<Intervals>(response, [&](const json& data) {
    Intervals intervals;
    for (const json& target : data.at("activeTargets")) {
      const auto labels = target.at("labels").get<Labels>();
      const auto instance = labels.find("instance");
      const auto in_job = labels.find("job");
      if (instance == labels.end() || in_job == labels.end() || in_job->second != job) continue;
      const auto interval = ParseDuration(target.at("scrapeInterval").get<std::string>());
      if (interval && interval->count() > 0) intervals[instance->second] = *interval;
    }
    return Result<Intervals>(std::move(intervals));
  });
}

}  // namespace mailhub::condition
