// Builds the one query that fetches a gate's condition and its evidence together, and judges the
// result. No network here.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "actuator/condition/promql.h"
#include "actuator/condition/queries.h"
#include "actuator/engine/gate.h"
#include "lib/base/clock.h"

namespace mailhub::condition {

// Selects the series of the exporter's probes.
struct ProbeSeries {
  std::string job = "mailhub";
  Labels labels;  // further labels: one of several replicas that store the same
};

// The evidence that one host needs. A host with a mark: its boot id, and an uptime past the mark's
// over the whole reach. A host without a mark (Windows has no helper there): the whole reach is
// after the gate's beginning. Every host: its probes and the collectors that the expression reads
// succeeded, and there are enough samples. If only the newest sample counts, this holds for that one.
struct HostEvidence {
  std::set<std::string> collectors;
  Milliseconds scrape_interval{0};
};

struct Evidence {
  std::map<std::string, HostEvidence> hosts;
  // `for` in steps of at most half a scrape interval, so that no sample is missed. Beyond 10,000
  // steps (Prometheus takes 11,000 points) the steps become longer.
  Milliseconds step{0};  // 0: no `for`
  int64_t steps = 0;
  // The gate has neither window nor `for`: the newest sample of each host is the evidence.
  bool newest_alone = false;
  Milliseconds reach{0};  // window and `for`: so far back every sample must be after the marks
  // Two scrapes of the slowest host, at most the reach. The newest sample may be this old; the
  // oldest may be this long after the reach's beginning.
  Milliseconds edge{0};
  Milliseconds lookback{0};      // greatest age of a sample that the condition reads now
  Milliseconds for_lookback{0};  // and at the steps of `for`: the window
};

// The hosts of the question (in `about` or named by the expression) and the evidence that each
// needs. Intervals stay 0.
Evidence NeededEvidence(const engine::GateQuestion& question, const GateExpression& expression);

// Sets the spans from the intervals.
void SpanEvidence(const engine::Gate& gate, Evidence* evidence);

// An error sentence when a range is too short for the hosts' scrape intervals, with the remedy;
// empty when none is.
std::string TooShort(const GateExpression& expression, const Evidence& evidence);

// One query, so that condition and evidence are of the same instant and the same scrapes. `sides`:
// also fetch the two sides of the comparison, for people.
std::string EvidenceQuery(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence, const ProbeSeries& series, bool sides);

// The condition alone, for the steps of `for`.
std::string ForQuery(const GateExpression& expression, const Evidence& evidence,
                     const ProbeSeries& series);

// Judges one instant. kOpen means that the condition holds now, on fresh evidence; `for` is judged
// separately.
engine::GateReading Judge(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence, const ProbeSeries& series,
                          const Instant& instant);

// Judges `for`: kOpen when the same `expect` series were present at every step.
engine::GateReading JudgeRange(const engine::Gate& gate, const Evidence& evidence,
                               const std::vector<Series>& range);

}  // namespace mailhub::condition
