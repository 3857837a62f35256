// Asks Prometheus whether a gate is open. A condition counts only on fresh evidence: all samples
// must be from after the action before the gate.
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
  // The job's scrape interval. 0: Prometheus is asked for each target's interval (at most once a
  // minute). A proxy before several Prometheis may not know it.
  Milliseconds scrape_interval{0};
};

// Costs one query; a gate with `for` costs a second one when the condition holds. Fails as
// `queries` does. Fills in the intervals of `evidence`.
Result<engine::GateReading> AskGate(Queries* queries, const engine::GateQuestion& question,
                                    const GateExpression& expression, Evidence evidence,
                                    const ProbeSeries& series, bool sides);

// Owns its HTTP client and caches; confined to one thread at a time. Never fails: an error is a
// reading, too.
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
//   - Prometheus says that its answer is complete: no warnings
// A gate with neither window nor `for` has no R: all of this is asked of each host's newest scrape,
// which must be younger than the gate, and of which alone the condition reads.
class GateEvaluator {
 public:
  // `clock` outlives the evaluator.
  GateEvaluator(GateOptions options, const Clock* clock);

  engine::GateReading Ask(const engine::GateQuestion& question);
  // Open when at least one series is not NaN.
  engine::QueryReading Ask(const engine::QueryQuestion& question);

 private:
  Status FindIntervals(Evidence* evidence);

  const GateOptions options_;
  const Clock* const clock_;
  Prometheus prometheus_;
  std::map<std::string, Milliseconds> intervals_;  // instance -> scrape interval
  SteadyTime intervals_expire_{};
  std::set<std::string> without_sides_;  // expressions whose two sides cannot be queried apart
};

}  // namespace mailhub::condition
