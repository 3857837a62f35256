// What makes a gate's evidence believable, apart from any network: the one query that fetches
// condition and evidence together, and the judgement on what it returned.
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

// Which series are the exporter's probes.
struct ProbeSeries {
  std::string job = "mailhub";
  Labels labels;  // of them only those: one of several replicas that store the same
};

// What is needed of one host. Hosts with a mark: its boot id, and an uptime over the whole reach
// that is past the mark's. Hosts without (Windows has no helper there): only that the whole reach
// lies after the gate began. Every host: its probes and the collectors the expression reads
// succeeded, and enough samples came.
struct HostEvidence {
  std::set<std::string> collectors;
  Milliseconds scrape_interval{0};
};

struct Evidence {
  std::map<std::string, HostEvidence> hosts;
  // `for` in steps of at most half a scrape interval, so that no sample of it is missed. Beyond
  // 10,000 steps (Prometheus takes 11,000 points) they become longer.
  Milliseconds step{0};  // 0: no `for`
  int64_t steps = 0;
  Milliseconds reach{0};  // how far back every sample must be after the marks: window and `for`
  // Two scrapes of the slowest host, at most the reach: so long before now the newest sample may
  // be, and so long after the reach's beginning the oldest.
  Milliseconds edge{0};
  Milliseconds lookback{0};      // how old a sample may be that the condition reads now
  Milliseconds for_lookback{0};  // and at the steps of `for`: the window
};

// The hosts a question is about, in `about` or named by the expression, and what is needed of each.
// Intervals stay 0.
Evidence NeededEvidence(const engine::GateQuestion& question, const GateExpression& expression);

// Sets the spans, once the intervals are known.
void SpanEvidence(const engine::Gate& gate, Evidence* evidence);

// A sentence about a range that is too short for the hosts' scrape intervals ever to be filled, and
// what to change; empty when there is none.
std::string TooShort(const GateExpression& expression, const Evidence& evidence);

// One query for all of it, so that condition and evidence are of the same instant and of the same
// scrapes. `sides`: also the two sides of the comparison, for people.
std::string EvidenceQuery(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence, const ProbeSeries& series, bool sides);

// The condition alone, for the steps of `for`.
std::string ForQuery(const GateExpression& expression, const Evidence& evidence,
                     const ProbeSeries& series);

// Judges one instant. kOpen means: holds now, on fresh evidence; `for` is another question.
engine::GateReading Judge(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence, const ProbeSeries& series,
                          const Instant& instant);

// Judges `for`: kOpen when the same `expect` series were there at every step.
engine::GateReading JudgeRange(const engine::Gate& gate, const Evidence& evidence,
                               const std::vector<Series>& range);

}  // namespace mailhub::condition
