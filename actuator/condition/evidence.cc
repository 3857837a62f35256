// See evidence.h.
#include "actuator/condition/evidence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "lib/base/duration.h"

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;

// Tells the parts of the one answer from each other.
constexpr char kPart[] = "mailhub_gate_part";
constexpr int64_t kLeastPercent = 80;

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

std::string Tagged(const std::string& part, const std::string& expr) {
  // The line end closes a comment that the expression may end with.
  return "label_replace(" + expr + "\n,\"" + kPart + "\",\"" + part + "\",\"\",\"\")";
}

std::string OneOf(const std::set<std::string>& names) {
  std::string pattern;
  for (const std::string& name : names) {
    pattern += pattern.empty() ? "" : "|";
    for (const char c : name) pattern += c == '.' ? std::string("[.]") : std::string(1, c);
  }
  return pattern;
}

// The samples of one part, by whatever the caller looks for.
class Parts {
 public:
  explicit Parts(const Instant& instant) {
    for (const Sample& sample : instant.samples) {
      const auto part = sample.labels.find(kPart);
      if (part != sample.labels.end()) parts_[part->second].push_back(&sample);
    }
  }
  const std::vector<const Sample*>& All(const std::string& part) const {
    static const std::vector<const Sample*> kNone;
    const auto found = parts_.find(part);
    return found == parts_.end() ? kNone : found->second;
  }
  std::vector<const Sample*> Of(const std::string& part, const std::string& host,
                                const std::string& collector = "") const {
    std::vector<const Sample*> found;
    for (const Sample* sample : All(part)) {
      if (Label(*sample, "instance") != host) continue;
      if (collector.empty() || Label(*sample, "collector") == collector) found.push_back(sample);
    }
    return found;
  }
  std::optional<double> Least(const std::string& part, const std::string& host,
                              const std::string& collector = "") const {
    std::optional<double> least;
    for (const Sample* sample : Of(part, host, collector)) {
      least = std::min(least.value_or(sample->value), sample->value);
    }
    return least;
  }
  static std::string Label(const Sample& sample, const std::string& name) {
    const auto label = sample.labels.find(name);
    return label == sample.labels.end() ? "" : label->second;
  }

 private:
  std::map<std::string, std::vector<const Sample*>> parts_;
};

// One host's evidence at one instant.
class HostJudge {
 public:
  HostJudge(const engine::GateQuestion& question, const Evidence& evidence, const Parts& parts)
      : question_(question), evidence_(evidence), parts_(parts) {}

  // Nothing when there is nothing to object to.
  std::optional<GateReading> Object(const std::string& host, const HostEvidence& needed) const {
    const auto mark = question_.marks.find(host);
    const bool marked = mark != question_.marks.end();
    const auto& about = question_.gate.about;
    if (!marked && std::ranges::find(about, host) != about.end()) {
      return Stale("no mark of " + host + " was taken");
    }
    if (needed.scrape_interval.count() == 0) return Stale("Prometheus does not scrape " + host);
    // First: it needs a new mark, and the probes that failed meanwhile would only delay that.
    if (marked && Rebooted(host, mark->second)) {
      GateReading reading = Stale(host + " has another boot id than when the step was done");
      reading.state = GateState::kRebooted;
      return reading;
    }
    if (parts_.Of("alive", host).empty()) {
      return Stale("there is no current sample of " + host +
                   ": its last scrape failed, or none came yet");
    }
    if (auto probe = Probes(host, needed)) return probe;
    if (marked) {
      if (auto stale = AfterMark(host, mark->second)) return stale;
    } else if (question_.waited < evidence_.reach) {
      return Stale(host +
                   " gives no mark; what is known of it must be from after the gate began, " +
                   "which is " + FormatDuration(question_.waited) + " ago, needed " + Reach());
    }
    return Enough(host, needed, marked);
  }

 private:
  static GateReading Stale(std::string why) {
    GateReading reading;
    reading.state = GateState::kStale;
    reading.why = std::move(why);
    return reading;
  }
  static GateReading CollectorStale(const std::string& collector, const char* what,
                                    const std::string& host, const std::string& when) {
    return Stale("collector " + collector + what + host + when);
  }
  std::string Reach() const { return FormatDuration(evidence_.reach); }

  std::optional<GateReading> Probes(const std::string& host, const HostEvidence& needed) const {
    if (parts_.Least("probes", host).value_or(0) < 1) {
      return Stale("a probe of " + host + " failed within the last " + Reach());
    }
    for (const std::string& collector : needed.collectors) {
      const auto least = parts_.Least("collectors", host, collector);
      if (!least) return CollectorStale(collector, " says nothing about ", host, "");
      if (*least < 1) {
        return CollectorStale(collector, " failed on ", host, " within the last " + Reach());
      }
    }
    return std::nullopt;
  }

  bool Rebooted(const std::string& host, const engine::Mark& mark) const {
    const auto boots = parts_.Of("boot", host);
    return !boots.empty() && std::ranges::none_of(boots, [&](const Sample* one) {
      return Parts::Label(*one, "boot_id") == mark.boot_id;
    });
  }

  std::optional<GateReading> AfterMark(const std::string& host, const engine::Mark& mark) const {
    const auto boots = parts_.Of("boot", host);
    if (boots.empty()) return Stale("there is no current boot id of " + host);
    if (boots.size() > 1) return Stale(host + " is known by several boot ids");
    const auto uptime = parts_.Least("uptime", host);
    if (!uptime) return Stale("there are no samples of " + host + " in the last " + Reach());
    if (*uptime <= mark.uptime_s) {
      return Stale("the last " + Reach() + " of " + host + " begin " +
                   Short(mark.uptime_s - *uptime) + " s before the step was done");
    }
    return std::nullopt;
  }

  std::optional<GateReading> Enough(const std::string& host, const HostEvidence& needed,
                                    bool marked) const {
    const int64_t expected_in_percent = evidence_.reach.count() * kLeastPercent;
    const int64_t unit = needed.scrape_interval.count() * 100;
    const int64_t least = std::max<int64_t>(1, (expected_in_percent + unit - 1) / unit);
    const double came = parts_.Least(marked ? "uptimes" : "counts", host).value_or(0);
    if (came >= static_cast<double>(least)) return std::nullopt;
    return Stale("only " + Short(came) + " samples of " + host + " came in the last " + Reach() +
                 ", needed " + std::to_string(least) + " at one every " +
                 FormatDuration(needed.scrape_interval));
  }

  const engine::GateQuestion& question_;
  const Evidence& evidence_;
  const Parts& parts_;
};

// Of several values the one that is furthest from what the comparison wants.
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

Evidence NeededEvidence(const engine::GateQuestion& question, const GateExpression& expression) {
  Evidence evidence;
  for (const std::string& host : question.gate.about) evidence.hosts[host];
  for (const Selector& selector : expression.selectors) {
    if (!selector.instance.empty()) evidence.hosts[selector.instance];
  }
  for (auto& [host, needed] : evidence.hosts) {
    if (question.marks.contains(host)) needed.collectors.insert("host");
    for (const Selector& selector : expression.selectors) {
      const std::string collector = CollectorOf(selector.metric);
      const bool reads = selector.instance.empty() || selector.instance == host;
      if (reads && !collector.empty()) needed.collectors.insert(collector);
    }
  }
  return evidence;
}

void SpanEvidence(const engine::Gate& gate, Evidence* evidence) {
  evidence->reach = gate.window;
  if (gate.hold_for.count() <= 0) return;
  Milliseconds interval = gate.hold_for;
  for (const auto& [host, needed] : evidence->hosts) {
    if (needed.scrape_interval.count() > 0) interval = std::min(interval, needed.scrape_interval);
  }
  // Prometheus refuses more than 11,000 points.
  constexpr int64_t kMostSteps = 10'000;
  // Half the interval: scrapes jitter, and a step as long as one could stride over a single sample
  // that did not hold.
  const int64_t hold = gate.hold_for.count();
  const int64_t step = std::max<int64_t>(1, interval.count() / 2);
  evidence->steps = std::min(kMostSteps, (hold + step - 1) / step);
  evidence->step = Milliseconds((hold + evidence->steps - 1) / evidence->steps);
  evidence->reach += evidence->step * evidence->steps;
}

std::string EvidenceQuery(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence, const std::string& probe_job, bool sides) {
  std::set<std::string> hosts;
  std::set<std::string> collectors;
  for (const auto& [host, needed] : evidence.hosts) {
    hosts.insert(host);
    collectors.insert(needed.collectors.begin(), needed.collectors.end());
  }
  const std::string of = "{job=\"" + probe_job + "\",instance=~\"" + OneOf(hosts) + "\"";
  const std::string range = "[" + std::to_string(evidence.reach.count()) + "ms])";
  const std::string uptime = "mailhub_host_uptime_seconds" + of + "}" + range;
  const std::string probe = "probe_success" + of + "}";
  std::string query = Tagged("condition", "(" + question.gate.expr + "\n)") + " or " +
                      Tagged("alive", probe) + " or " +
                      Tagged("probes", "min_over_time(" + probe + range) + " or " +
                      Tagged("counts", "count_over_time(" + probe + range);
  if (!question.marks.empty()) {
    query += " or " + Tagged("boot", "mailhub_host_info" + of + "}") + " or " +
             Tagged("uptime", "min_over_time(" + uptime) + " or " +
             Tagged("uptimes", "count_over_time(" + uptime);
  }
  if (!collectors.empty()) {
    query +=
        " or " + Tagged("collectors", "min_over_time(mailhub_collector_success" + of +
                                          ",collector=~\"" + OneOf(collectors) + "\"}" + range);
  }
  if (!sides) return query;
  query += " or " + Tagged("left", "(" + expression.left.expr + "\n)");
  if (!expression.right.number) {
    query += " or " + Tagged("right", "(" + expression.right.expr + "\n)");
  }
  return query;
}

GateReading Judge(const engine::GateQuestion& question, const GateExpression& expression,
                  const Evidence& evidence, const Instant& instant) {
  const Parts parts(instant);
  const HostJudge judge(question, evidence, parts);
  GateReading reading;
  for (const auto& [host, needed] : evidence.hosts) {
    if (auto objection = judge.Object(host, needed)) {
      // A reboot outweighs the rest: it needs a new mark.
      if (reading.why.empty() || objection->state == GateState::kRebooted) reading = *objection;
    }
  }
  ShowSides(parts, expression, &reading);
  if (!reading.why.empty()) return reading;
  reading.state = GateState::kFalse;
  const auto& holds = parts.All("condition");
  if (std::ranges::any_of(holds, [](const Sample* one) { return std::isnan(one->value); })) {
    reading.why = "the expression returns NaN";
  } else if (static_cast<int>(holds.size()) != question.gate.expect) {
    reading.why = "the expression returns " + std::to_string(holds.size()) + " series, expected " +
                  std::to_string(question.gate.expect);
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
    reading.why = "it holds, but has not held for all of the last " + FormatDuration(gate.hold_for);
  }
  return reading;
}

}  // namespace mailhub::condition
