// Asks Prometheus whether a gate is open. A condition counts only on fresh evidence: samples that
// are all from after the action before the gate.
#pragma once

#include <map>
#include <set>
#include <string>

#include "actuator/condition/evidence.h"
#include "actuator/condition/prometheus.h"
#include "actuator/engine/gate.h"
#include "lib/base/clock.h"
#include "lib/http/client.h"

namespace mailhub::condition {

struct GateOptions {
  std::string prometheus_url = "http://127.0.0.1:9090";  // without a slash at its end
  std::string probe_job = "mailhub";                     // the scrape job of the exporter's probes
  // How often that job scrapes. 0: Prometheus is asked for each target's interval (at most once a
  // minute), which a proxy before several Prometheis may not be able to answer.
  Milliseconds scrape_interval{0};
  Milliseconds timeout{5'000};  // of each request
  http::ClientOptions client;
};

// Owns its HTTP client and caches; confined to one thread at a time. Never fails: what goes wrong
// is a reading. A gate without `for` costs one request, with it two, when the condition holds.
//
// The rules, all at one instant T of Prometheus's clock (no clock of another machine is compared
// with it), R being the window, and `for` before it:
//   - a host with a mark has the mark's boot id, and its uptime exceeded the mark's throughout R
//   - a host without a mark (Windows) was asked about for longer than R
//   - every probe, and every collector the expression reads, succeeded throughout R
//   - at least 80 % of the samples that R should hold are there, and none is missing now
//   - the expression returns exactly `expect` series and no NaN; with `for`, at every step of it
class GateEvaluator {
 public:
  // `clock` outlives the evaluator.
  GateEvaluator(GateOptions options, const Clock* clock);

  engine::GateReading Ask(const engine::GateQuestion& question);
  // At least one series that is not NaN.
  engine::QueryReading Ask(const engine::QueryQuestion& question);

 private:
  Status FindIntervals(Evidence* evidence);
  Result<Instant> AskOnce(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence);

  const GateOptions options_;
  const Clock* const clock_;
  Prometheus prometheus_;
  std::map<std::string, Milliseconds> intervals_;  // instance -> scrape interval
  SteadyTime intervals_expire_{};
  std::set<std::string> without_sides_;  // expressions whose sides do not stand alone
};

}  // namespace mailhub::condition
