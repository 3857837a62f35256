// The three questions that are put to Prometheus's HTTP API. JSON stays in the .cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/client.h"

namespace mailhub::condition {

using Labels = std::map<std::string, std::string>;

struct Sample {
  Labels labels;
  double value = 0;  // may be NaN
};

// What an instant query returned, all of it at one instant of Prometheus's own clock.
struct Instant {
  double at_s = 0;  // 0 when there are no samples
  std::vector<Sample> samples;
};

struct Series {
  Labels labels;
  std::vector<double> values;  // one for each step that had one
};

// Owns an HTTP client; confined to one thread at a time. Errors of all three:
//   kInvalid      Prometheus refuses the expression, or it returns something else than a vector
//   kNotFound     the expression cannot be evaluated on the data as it is now
//   kUnreachable  no answer, an answer that is none, or a status like 401 or 503
class Prometheus {
 public:
  Prometheus(std::string url, Milliseconds timeout, http::ClientOptions client);

  // At Prometheus's present moment.
  Result<Instant> Query(const std::string& expr);
  Result<std::vector<Series>> QueryRange(const std::string& expr, double start_s, double end_s,
                                         Milliseconds step);
  // Scrape interval by `instance` label, of the active targets of one job.
  Result<std::map<std::string, Milliseconds>> ScrapeIntervals(const std::string& job);

 private:
  Result<http::HttpResponse> Post(const std::string& path, const std::string& form);

  const std::string url_;
  const Milliseconds timeout_;
  http::Client client_;
};

}  // namespace mailhub::condition
