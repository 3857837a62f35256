// Prometheus's HTTP API, or that of what answers in its place (Thanos, Mimir, VictoriaMetrics).
// JSON stays in the .cc.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actuator/condition/queries.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/client.h"

namespace mailhub::condition {

struct PrometheusOptions {
  std::string url = "http://127.0.0.1:9090";                 // without a slash at its end
  Milliseconds timeout{5'000};                               // of each request
  std::vector<std::pair<std::string, std::string>> headers;  // of every request
  http::ClientOptions client;
};

// Owns an HTTP client; confined to one thread at a time. Fails as Queries says. Where POST is
// refused, it asks by GET from then on.
class Prometheus final : public Queries {
 public:
  explicit Prometheus(PrometheusOptions options);

  Result<Instant> Query(const std::string& expr) override;
  Result<std::vector<Series>> QueryRange(const std::string& expr, double start_s, double end_s,
                                         Milliseconds step) override;

  // Scrape interval by `instance` label, of the active targets of one job. kNotFound: this server
  // does not tell any.
  Result<std::map<std::string, Milliseconds>> ScrapeIntervals(const std::string& job);

  // Those of `metrics` that no series of the job has had lately, in their order. For a check of
  // what a person wrote; a gate never asks it.
  Result<std::vector<std::string>> MissingMetrics(const std::string& job,
                                                  const std::vector<std::string>& metrics);

 private:
  Result<http::HttpResponse> Ask(const std::string& path, const std::string& form);
  Result<http::HttpResponse> Get(const std::string& path, const std::string& form);

  const PrometheusOptions options_;
  http::Client client_;
  bool by_get_ = false;
};

}  // namespace mailhub::condition
