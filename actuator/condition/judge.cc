// See evidence.h: judges Prometheus's answer. When waiting does not help, the sentence says what to
// change.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "actuator/condition/evidence.h"
#include "actuator/condition/parts.h"
#include "actuator/condition/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;

constexpr int64_t kLeastPercent = 80;
// For questions that wait for others, and for clocks that differ a little in rate.
constexpr double kSlack_s = 30;
// Samples may reach a remote storage this much later; an uptime that is further behind went back.
constexpr double kDelay_s = 600;

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

// The labels in which several series of one host differ: `via="a", via="b"`.
std::string Differences(const std::vector<const Sample*>& samples) {
  std::map<std::string, std::set<std::string>> values;
  for (const Sample* sample : samples) {
    for (const auto& [label, value] : sample->labels) values[label].insert(value);
  }
  std::string text;
  for (const auto& [label, all] : values) {
    if (all.size() < 2) continue;
    for (const std::string& value : all) {
      text.append(text.empty() ? "" : ", ").append(label).append("=\"").append(value).append("\"");
    }
  }
  return text;
}

// One host's evidence at one instant.
class HostJudge {
 public:
  HostJudge(const engine::GateQuestion& question, const Evidence& evidence,
            const ProbeSeries& series, const Parts& parts, double at_s)
      : question_(question), evidence_(evidence), series_(series), parts_(parts), at_s_(at_s) {}

  // Nothing when the evidence is good.
  std::optional<GateReading> Object(const std::string& host, const HostEvidence& needed) const {
    const auto mark = question_.marks.find(host);
    const bool marked = mark != question_.marks.end();
    const auto& about = question_.gate.about;
    if (!marked && !question_.look_only && std::ranges::find(about, host) != about.end()) {
      return Stale(Say<GateSays::kNoMark>(host));
    }
    if (needed.scrape_interval.count() == 0) {
      return ToChange(Say<GateSays::kNotScraped>(host, series_.job));
    }
    // First: it needs a new mark, and the probes that failed meanwhile would only delay that.
    if (marked) {
      if (auto anew = NeedsNewMark(host, mark->second, needed)) return anew;
    }
    if (auto absent = Current(host)) return absent;
    if (auto probe = Probes(host, needed)) return probe;
    if (marked) {
      if (auto stale = AfterMark(host, mark->second)) return stale;
    } else if (!evidence_.newest_alone && question_.waited < evidence_.reach) {
      return Stale(Say<GateSays::kUnmarkedSpan>(host, FormatDuration(question_.waited), Reach()));
    }
    if (evidence_.newest_alone) return AfterBegin(host, needed, marked);
    return Enough(host, needed, marked);
  }

 private:
  static GateReading Stale(std::string why) {
    GateReading reading;
    reading.state = GateState::kStale;
    reading.why = std::move(why);
    return reading;
  }
  static GateReading ToChange(std::string why) {
    GateReading reading = Stale(std::move(why));
    reading.needs_change = true;
    return reading;
  }
  std::string Reach() const { return FormatDuration(evidence_.reach); }
  std::string During() const {
    return evidence_.newest_alone ? "in its newest scrape" : "within the last " + Reach();
  }

  std::optional<GateReading> Current(const std::string& host) const {
    const auto alive = parts_.Of("alive", host);
    if (alive.empty()) {
      return Stale(Say<GateSays::kNoSample>(host, FormatDuration(evidence_.edge)));
    }
    if (alive.size() == 1) return std::nullopt;
    return ToChange(Say<GateSays::kSeveralSeries>(series_.job, std::to_string(alive.size()), host,
                                                  Differences(alive)));
  }

  std::optional<GateReading> Probes(const std::string& host, const HostEvidence& needed) const {
    if (parts_.Least("probes", host).value_or(0) < 1) {
      return Stale(Say<GateSays::kProbeFailed>(host, During()));
    }
    for (const std::string& collector : needed.collectors) {
      const auto least = parts_.Least("collectors", host, collector);
      if (!least) {
        return ToChange(Say<GateSays::kCollectorSilent>(collector, host));
      }
      if (*least < 1) {
        return Stale(Say<GateSays::kCollectorFailed>(collector, host, During()));
      }
    }
    return std::nullopt;
  }

  // The host has changed since the mark was taken.
  std::optional<GateReading> NeedsNewMark(const std::string& host, const engine::Mark& mark,
                                          const HostEvidence& needed) const {
    std::string why;
    const auto boots = parts_.BootIds("boot", host);
    const auto least = parts_.Least("now", host);
    const auto greatest = parts_.Greatest("now", host);
    // The newest sample may be before the mark by this much.
    const double lag_s = ToSeconds(evidence_.edge + needed.scrape_interval);
    const double since_mark_s = ToSeconds(question_.waited) * 1.001 + kSlack_s;
    if (!boots.empty() && !boots.contains(mark.boot_id)) {
      why = Say<GateSays::kOtherBoot>(host);
    } else if (least && *least < mark.uptime_s - lag_s - (Went(host) ? 0 : kDelay_s)) {
      why = Say<GateSays::kUptimeBack>(host);
    } else if (greatest && *greatest > mark.uptime_s + since_mark_s) {
      why = Say<GateSays::kUptimeAhead>(host, Short(*greatest - mark.uptime_s),
                                        FormatDuration(question_.waited));
    }
    if (why.empty()) return std::nullopt;
    GateReading reading = Stale(Say<GateSays::kNewMark>(why));
    reading.state = GateState::kRebooted;
    return reading;
  }
  bool Went(const std::string& host) const { return parts_.Greatest("back", host).value_or(0) > 0; }

  std::optional<GateReading> AfterMark(const std::string& host, const engine::Mark& mark) const {
    if (parts_.Of("boot", host).empty()) return Stale(Say<GateSays::kNoBootId>(host));
    if (parts_.BootIds("boots", host) != std::set<std::string>{mark.boot_id}) {
      if (evidence_.newest_alone) return Stale(Say<GateSays::kScrapeOfOtherBoot>(host));
      return Stale(Say<GateSays::kSpanBeforeReboot>(Reach(), host));
    }
    const auto uptime = parts_.Least("uptime", host);
    if (evidence_.newest_alone) {
      if (!uptime) return Stale(Say<GateSays::kScrapeWithoutUptime>(host));
      if (*uptime > mark.uptime_s) return std::nullopt;
      return Stale(Say<GateSays::kScrapeBeforeStep>(host, Short(mark.uptime_s - *uptime)));
    }
    if (!uptime) return Stale(Say<GateSays::kNoSamples>(host, Reach()));
    if (*uptime <= mark.uptime_s) {
      return Stale(Say<GateSays::kSpanBeforeStep>(Reach(), host, Short(mark.uptime_s - *uptime)));
    }
    if (Went(host)) {
      return Stale(Say<GateSays::kSpanUptimeBack>(host, Reach()));
    }
    return std::nullopt;
  }

  // Two spans are compared here, the scrape's age and how long the gate has waited: each by its own
  // clock. So an uptime that went back before the mark proves nothing. Without a mark the scrape
  // must be an interval later: it may share the result of one that began earlier.
  std::optional<GateReading> AfterBegin(const std::string& host, const HostEvidence& needed,
                                        bool marked) const {
    const auto taken = parts_.Least("taken", host);
    if (!taken) return Stale(Say<GateSays::kNoScrapeTime>(host));
    const Milliseconds later = marked ? Milliseconds(0) : needed.scrape_interval;
    const double age_s = std::max(at_s_ - *taken, 0.0);
    if (ToSeconds(question_.waited) > age_s + ToSeconds(later)) return std::nullopt;
    if (marked) {
      return Stale(Say<GateSays::kScrapeBeforeGate>(host, Short(age_s)));
    }
    return Stale(Say<GateSays::kUnmarkedScrape>(host, FormatDuration(later),
                                                FormatDuration(question_.waited)));
  }

  std::optional<GateReading> Enough(const std::string& host, const HostEvidence& needed,
                                    bool marked) const {
    if (parts_.Of("first", host).empty()) {
      return Stale(Say<GateSays::kBeginMissing>(Reach(), host, FormatDuration(evidence_.edge)));
    }
    // Whole scrapes: an additional one fits only at some moments, so two hosts might never have it
    // at once.
    const int64_t fit = evidence_.reach / needed.scrape_interval;
    const int64_t least = std::max<int64_t>(1, (fit * kLeastPercent + 99) / 100);
    const double came = parts_.Least(marked ? "uptimes" : "counts", host).value_or(0);
    if (came >= static_cast<double>(least)) return std::nullopt;
    return Stale(Say<GateSays::kTooFew>(Short(came), host, Reach(), std::to_string(least),
                                        FormatDuration(needed.scrape_interval)));
  }

  const engine::GateQuestion& question_;
  const Evidence& evidence_;
  const ProbeSeries& series_;
  const Parts& parts_;
  const double at_s_;
};

// The first selector of which there is no series now; empty: there are series of each.
std::string WithoutSeries(const GateExpression& expression, const Parts& parts) {
  for (size_t i = 0; i < expression.selectors.size(); ++i) {
    if (!parts.All(SeriesPart(i)).empty()) continue;
    const Selector& selector = expression.selectors[i];
    return Say<GateSays::kNoSeries>(
        expression.text.substr(selector.begin, selector.end - selector.begin));
  }
  return "";
}

// The value that is furthest from the comparison's goal.
std::optional<double> Worst(const std::vector<const Sample*>& samples,
                            const std::string& comparison) {
  std::optional<double> worst;
  for (const Sample* sample : samples) {
    const double value = sample->value;
    if (!worst) worst = value;
    if (comparison.starts_with('>')) worst = std::min(*worst, value);
    if (comparison.starts_with('<')) worst = std::max(*worst, value);
  }
  return worst;
}

void ShowSides(const Parts& parts, const GateExpression& expression, GateReading* reading) {
  reading->comparison = expression.comparison;
  reading->value = Worst(parts.All("left"), expression.comparison);
  reading->threshold = expression.right.number;
  if (!reading->threshold && parts.All("right").size() == 1) {
    reading->threshold = parts.All("right").front()->value;
  }
}

}  // namespace

GateReading Judge(const engine::GateQuestion& question, const GateExpression& expression,
                  const Evidence& evidence, const ProbeSeries& series, const Instant& instant) {
  const Parts parts(instant);
  const HostJudge judge(question, evidence, series, parts, instant.at_s);
  GateReading reading;
  for (const auto& [host, needed] : evidence.hosts) {
    if (auto objection = judge.Object(host, needed)) {
      // A reboot outweighs the rest: it needs a new mark.
      if (reading.why.empty() || objection->state == GateState::kRebooted) reading = *objection;
    }
  }
  if (reading.why.empty()) {
    reading.why = TooShort(expression, evidence);
    if (reading.why.empty() && question.look_only) reading.why = WithoutSeries(expression, parts);
    reading.needs_change = !reading.why.empty();
  }
  ShowSides(parts, expression, &reading);
  if (!reading.why.empty()) return reading;
  reading.state = GateState::kFalse;
  const auto& holds = parts.All("condition");
  if (std::ranges::any_of(holds, [](const Sample* one) { return std::isnan(one->value); })) {
    reading.why = Say<GateSays::kNan>();
  } else if (static_cast<int>(holds.size()) != question.gate.expect) {
    reading.why = Say<GateSays::kOtherSeries>(std::to_string(holds.size()),
                                              std::to_string(question.gate.expect));
  } else {
    reading.state = GateState::kOpen;
  }
  return reading;
}

GateReading JudgeRange(const engine::Gate& gate, const Evidence& evidence,
                       const std::vector<Series>& range) {
  GateReading reading;
  reading.state = GateState::kFalse;
  const auto points = static_cast<size_t>(evidence.steps + 1);
  int whole = 0;
  for (const Series& series : range) {
    const bool number =
        std::ranges::none_of(series.values, [](double value) { return std::isnan(value); });
    if (number && series.values.size() == points) ++whole;
  }
  if (whole == gate.expect && range.size() == static_cast<size_t>(gate.expect)) {
    reading.state = GateState::kOpen;
  } else {
    reading.why = Say<GateSays::kNotForLong>(FormatDuration(gate.hold_for));
  }
  return reading;
}

}  // namespace mailhub::condition
