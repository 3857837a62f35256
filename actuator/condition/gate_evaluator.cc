// See gate_evaluator.h.
#include "actuator/condition/gate_evaluator.h"

#include <algorithm>
#include <cmath>

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;

constexpr Milliseconds kKeepIntervals{60'000};
// While a host is missing, it asks no more often: a new target appears with Prometheus's own
// refresh.
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

Result<GateReading> AskGate(Queries* queries, const engine::GateQuestion& question,
                            const GateExpression& expression, Evidence evidence,
                            const ProbeSeries& series, bool sides) {
  SpanEvidence(question.gate, &evidence);
  const auto instant = queries->Query(EvidenceQuery(question, expression, evidence, series, sides));
  if (!instant) return mailhub::Fail(instant.error());
  GateReading reading = Judge(question, expression, evidence, series, *instant);
  if (reading.state != GateState::kOpen || evidence.steps == 0) return reading;
  const double span_s = ToSeconds(evidence.step * evidence.steps);
  const auto range = queries->QueryRange(ForQuery(expression, evidence, series),
                                         instant->at_s - span_s, instant->at_s, evidence.step);
  const GateReading held =
      range ? JudgeRange(question.gate, evidence, *range) : Failed(range.error());
  reading.state = held.state;
  reading.why = held.why;
  return reading;
}

GateEvaluator::GateEvaluator(GateOptions options, const Clock* clock)
    : options_(std::move(options)), clock_(clock), prometheus_(options_.prometheus) {}

// The sides are for people: if they cannot be queried, the gate works without them.
GateReading GateEvaluator::Ask(const engine::GateQuestion& question) {
  const auto expression = ReadGateExpression(question.gate.expr);
  if (!expression) return Failed(expression.error());
  Evidence evidence = NeededEvidence(question, *expression);
  if (const Status found = FindIntervals(&evidence); !found) return Failed(found.error());
  const auto ask = [&](bool sides) {
    return AskGate(&prometheus_, question, *expression, evidence, options_.series, sides);
  };
  const std::string& expr = question.gate.expr;
  const bool bare = without_sides_.contains(expr);
  auto reading = ask(!bare);
  if (!reading && !bare && reading.error().kind != ErrorKind::kUnreachable) {
    reading = ask(false);
    if (reading && without_sides_.size() < kMostRemembered) without_sides_.insert(expr);
  }
  return reading ? *reading : Failed(reading.error());
}

engine::QueryReading GateEvaluator::Ask(const engine::QueryQuestion& question) {
  engine::QueryReading reading;
  const auto instant = prometheus_.Query(question.expr);
  if (!instant) {
    // The data may allow it later, so it counts as no answer.
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
    auto intervals = prometheus_.ScrapeIntervals(options_.series.job);
    // A gate that needs a person's change waits as for a server that is away.
    if (!intervals) return mailhub::Fail(ErrorKind::kUnreachable, intervals.error().message);
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

}  // namespace mailhub::condition
