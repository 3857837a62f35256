// Client of Prometheus's HTTP API, also as Thanos, Mimir and VictoriaMetrics offer it. JSON stays
// in the .cc.
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

// Owns an HTTP client; confined to one thread at a time. Fails as Queries says. When a server
// refuses POST, it uses GET from then on.
class Prometheus final : public Queries {
 public:
  explicit Prometheus(PrometheusOptions options);

  Result<Instant> Query(const std::string& expr) override;
  Result<std::vector<Series>> QueryRange(const std::string& expr, double start_s, double end_s,
                                         Milliseconds step) override;

  // Scrape interval by `instance` label, of the active targets of one job. kNotFound: this server
  // tells none.
  Result<std::map<std::string, Milliseconds>> ScrapeIntervals(const std::string& job);

 private:
  Result<http::HttpResponse> Ask(const std::string& path, const std::string& form);
  Result<http::HttpResponse> Get(const std::string& path, const std::string& form);

  const PrometheusOptions options_;
  http::Client client_;
  bool by_get_ = false;
};

}  // namespace mailhub::condition
