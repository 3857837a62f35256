// See gate_evaluator.h.
#include "actuator/condition/gate_evaluator.h"

#include <algorithm>
#include <cmath>

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;

constexpr Milliseconds kKeepIntervals{60'000};
// Not asked more often while a host is missing: a target appears with Prometheus's own refresh.
constexpr Milliseconds kRetryIntervals{2'000};
constexpr size_t kMostRemembered = 1'000;

GateReading Failed(const Error& error) {
  GateReading reading;
  reading.why = error.message;
  reading.state = error.kind == ErrorKind::kInvalid    ? GateState::kInvalid
                  : error.kind == ErrorKind::kNotFound ? GateState::kStale
                                                       : GateState::kUnreachable;
  return reading;
}

}  // namespace

GateEvaluator::GateEvaluator(GateOptions options, const Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      prometheus_(options_.prometheus_url, options_.timeout, options_.client) {}

GateReading GateEvaluator::Ask(const engine::GateQuestion& question) {
  const auto expression = ReadGateExpression(question.gate.expr);
  if (!expression) return Failed(expression.error());
  Evidence evidence = NeededEvidence(question, *expression);
  if (const Status found = FindIntervals(&evidence); !found) return Failed(found.error());
  SpanEvidence(question.gate, &evidence);
  const auto instant = AskOnce(question, *expression, evidence);
  if (!instant) return Failed(instant.error());
  GateReading reading = Judge(question, *expression, evidence, *instant);
  if (reading.state != GateState::kOpen || evidence.steps == 0) return reading;
  const double span_s = ToSeconds(evidence.step * evidence.steps);
  const auto range = prometheus_.QueryRange(question.gate.expr, instant->at_s - span_s,
                                            instant->at_s, evidence.step);
  const GateReading held =
      range ? JudgeRange(question.gate, evidence, *range) : Failed(range.error());
  reading.state = held.state;
  reading.why = held.why;
  return reading;
}

engine::QueryReading GateEvaluator::Ask(const engine::QueryQuestion& question) {
  engine::QueryReading reading;
  const auto instant = prometheus_.Query(question.expr);
  if (!instant) {
    // What the data does not allow now may be allowed later, as if nobody had answered.
    const bool invalid = instant.error().kind == ErrorKind::kInvalid;
    reading.holds = mailhub::Fail(invalid ? ErrorKind::kInvalid : ErrorKind::kUnreachable,
                                  instant.error().message);
    return reading;
  }
  reading.holds = std::ranges::any_of(
      instant->samples, [](const Sample& sample) { return !std::isnan(sample.value); });
  return reading;
}

Status GateEvaluator::FindIntervals(Evidence* evidence) {
  const auto known = [&](const auto& host) { return intervals_.contains(host.first); };
  const SteadyTime now = clock_->Steady();
  const Milliseconds age_left = intervals_expire_ - now;
  const bool all_known = std::ranges::all_of(evidence->hosts, known);
  const bool ask =
      options_.scrape_interval.count() == 0 &&
      (age_left.count() <= 0 || (!all_known && age_left <= kKeepIntervals - kRetryIntervals));
  if (ask) {
    auto intervals = prometheus_.ScrapeIntervals(options_.probe_job);
    if (!intervals) return mailhub::Fail(intervals.error());
    intervals_ = std::move(*intervals);
    intervals_expire_ = now + kKeepIntervals;
  }
  for (auto& [host, needed] : evidence->hosts) {
    const auto found = intervals_.find(host);
    needed.scrape_interval = options_.scrape_interval.count() > 0 ? options_.scrape_interval
                             : found == intervals_.end()          ? Milliseconds(0)
                                                                  : found->second;
  }
  return {};
}

// The sides are for people: where they cannot be asked for, the gate works without them.
Result<Instant> GateEvaluator::AskOnce(const engine::GateQuestion& question,
                                       const GateExpression& expression, const Evidence& evidence) {
  const std::string& expr = question.gate.expr;
  const auto query = [&](bool sides) {
    return prometheus_.Query(
        EvidenceQuery(question, expression, evidence, options_.probe_job, sides));
  };
  if (without_sides_.contains(expr)) return query(false);
  auto instant = query(true);
  if (instant || instant.error().kind == ErrorKind::kUnreachable) return instant;
  auto bare = query(false);
  if (bare && without_sides_.size() < kMostRemembered) without_sides_.insert(expr);
  return bare;
}

}  // namespace mailhub::condition
