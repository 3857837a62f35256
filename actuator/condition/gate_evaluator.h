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
  PrometheusOptions prometheus;
  ProbeSeries series;  // the scrape job of the exporter's probes
  // How often that job scrapes. 0: Prometheus is asked for each target's interval (at most once a
  // minute), which a proxy before several Prometheis may not be able to answer.
  Milliseconds scrape_interval{0};
};

// A gate without `for` costs one query, with it two, when the condition holds. Fails as `queries`
// does. The intervals of `evidence` are filled in.
Result<engine::GateReading> AskGate(Queries* queries, const engine::GateQuestion& question,
                                    const GateExpression& expression, Evidence evidence,
                                    const ProbeSeries& series, bool sides);

// Owns its HTTP client and caches; confined to one thread at a time. Never fails: what goes wrong
// is a reading.
//
// The rules, all at one instant T of Prometheus's clock (no clock of another machine is compared
// with it), R being the window, and `for` before it:
//   - the condition reads only the probes of the job, of the hosts that are judged, and no sample
//     from before R
//   - a host with a mark has the mark's boot id, and no other throughout R; its uptime exceeded the
//     mark's throughout R, never went back, and is not further ahead than the gate has waited
//   - a host without a mark (Windows) was asked about for longer than R
//   - every probe, and every collector the expression reads, succeeded throughout R
//   - at least 80 % of the samples that R should hold are there, one in its first two scrapes and
//     one in its last two, and none is missing now
//   - the expression returns exactly `expect` series and no NaN; with `for`, at every step of it
//   - Prometheus says that it knows all of it: no warnings
class GateEvaluator {
 public:
  // `clock` outlives the evaluator.
  GateEvaluator(GateOptions options, const Clock* clock);

  engine::GateReading Ask(const engine::GateQuestion& question);
  // At least one series that is not NaN.
  engine::QueryReading Ask(const engine::QueryQuestion& question);

 private:
  Status FindIntervals(Evidence* evidence);

  const GateOptions options_;
  const Clock* const clock_;
  Prometheus prometheus_;
  std::map<std::string, Milliseconds> intervals_;  // instance -> scrape interval
  SteadyTime intervals_expire_{};
  std::set<std::string> without_sides_;  // expressions whose sides do not stand alone
};

}  // namespace mailhub::condition
