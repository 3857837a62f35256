// The queries a gate sends to Prometheus, without the transport.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::condition {

using Labels = std::map<std::string, std::string>;

struct Sample {
  Labels labels;
  double value = 0;  // may be NaN
};

// The result of an instant query, all at one instant of Prometheus's own clock.
struct Instant {
  double at_s = 0;  // 0 when there are no samples
  std::vector<Sample> samples;
};

struct Series {
  Labels labels;
  std::vector<double> values;  // one per step that had one
};

// Confined to one thread at a time. Errors of both:
//   kInvalid      Prometheus refuses the expression, or it returns no vector
//   kNotFound     the expression cannot be evaluated on the present data, or only on part of it
//   kUnreachable  no answer, a broken answer, or a status like 401 or 503
class Queries {
 public:
  virtual ~Queries() = default;
  // At Prometheus's present moment.
  virtual Result<Instant> Query(const std::string& expr) = 0;
  virtual Result<std::vector<Series>> QueryRange(const std::string& expr, double start_s,
                                                 double end_s, Milliseconds step) = 0;
};

}  // namespace mailhub::condition
