// See evidence.h: the needed evidence and its query. judge.cc judges the answer.
#include "actuator/condition/evidence.h"

#include <algorithm>

#include "actuator/condition/parts.h"
#include "actuator/condition/sentences.h"
#include "lib/base/duration.h"
#include "lib/config/collectors.h"

namespace mailhub::condition {
namespace {

std::string Tagged(const std::string& part, const std::string& expr) {
  // The line end closes a comment at the end of the expression.
  return "label_replace(" + expr + "\n,\"" + kPart + "\",\"" + part + "\",\"\",\"\")";
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string OneOf(const std::set<std::string>& names) {
  std::string pattern;
  for (const std::string& name : names) {
    pattern += pattern.empty() ? "" : "|";
    for (const char c : name) pattern += c == '.' ? std::string("[.]") : std::string(1, c);
  }
  return pattern;
}

std::string Range(Milliseconds range) {
  return "[" + std::to_string(range.count()) + "ms]";
}

Bounds BoundsOf(const Evidence& evidence, const ProbeSeries& series, Milliseconds lookback) {
  std::set<std::string> hosts;
  for (const auto& [host, needed] : evidence.hosts) hosts.insert(host);
  Bounds bounds;
  bounds.matchers = "job=" + Quoted(series.job);
  for (const auto& [label, value] : series.labels) {
    bounds.matchers += "," + label + "=" + Quoted(value);
  }
  bounds.hosts = "instance=~\"" + OneOf(hosts) + "\"";
  bounds.lookback = lookback;
  return bounds;
}

// `x` now, unless its newest sample is older than the edge.
std::string Fresh(const std::string& selector, const Evidence& evidence) {
  return selector + " and last_over_time(" + selector + Range(evidence.edge) + ")";
}

// When the newest scrape of each host was: the time of its sample that every scrape has.
std::string NewestScrape(const std::string& probe) {
  return "max by (instance) (timestamp(" + probe + "))";
}

// How far back an uptime that went back is noticed if the newest sample alone counts.
constexpr Milliseconds kBackwards{300'000};

Milliseconds Longest(const Evidence& evidence) {
  Milliseconds longest{0};
  for (const auto& [host, needed] : evidence.hosts) {
    longest = std::max(longest, needed.scrape_interval);
  }
  return longest;
}

}  // namespace

Evidence NeededEvidence(const engine::GateQuestion& question, const GateExpression& expression) {
  Evidence evidence;
  for (const std::string& host : question.gate.about) evidence.hosts[host];
  for (const Selector& selector : expression.selectors) {
    if (!selector.instance.empty()) evidence.hosts[selector.instance];
  }
  for (auto& [host, needed] : evidence.hosts) {
    // A look asks for what a mark will need.
    const bool marked = question.marks.contains(host) ||
                        (question.look_only &&
                         std::ranges::find(question.gate.about, host) != question.gate.about.end());
    if (marked) needed.collectors.insert(Name(config::CollectorKind::kHost));
    for (const Selector& selector : expression.selectors) {
      const auto collector = config::CollectorOf(selector.metric);
      const bool reads = selector.instance.empty() || selector.instance == host;
      if (reads && collector) needed.collectors.insert(Name(*collector));
    }
  }
  return evidence;
}

void SpanEvidence(const engine::Gate& gate, Evidence* evidence) {
  evidence->newest_alone = gate.window.count() == 0 && gate.hold_for.count() == 0;
  evidence->reach = gate.window;
  const Milliseconds longest = Longest(*evidence);
  if (gate.hold_for.count() > 0) {
    Milliseconds interval = gate.hold_for;
    for (const auto& [host, needed] : evidence->hosts) {
      if (needed.scrape_interval.count() > 0) interval = std::min(interval, needed.scrape_interval);
    }
    // Prometheus refuses more than 11,000 points.
    constexpr int64_t kMostSteps = 10'000;
    // Half the interval: scrapes jitter, and a step of a whole interval could miss a single sample
    // that did not hold.
    const int64_t hold = gate.hold_for.count();
    const int64_t step = std::max<int64_t>(1, interval.count() / 2);
    evidence->steps = std::min(kMostSteps, (hold + step - 1) / step);
    evidence->step = Milliseconds((hold + evidence->steps - 1) / evidence->steps);
    evidence->reach += evidence->step * evidence->steps;
  }
  // A scrape is visible when it ends, up to an interval after its own time, so the newest sample
  // may be two intervals old although none is missing. The condition's own bound allows for that
  // and never reaches before the window.
  const Milliseconds two = std::max(2 * longest, Milliseconds(1));
  evidence->edge = evidence->newest_alone ? two : std::min(evidence->reach, two);
  evidence->lookback = std::min(gate.window, two + longest / 2);
  evidence->for_lookback = gate.window;
}

std::string TooShort(const GateExpression& expression, const Evidence& evidence) {
  const Milliseconds two = 2 * Longest(evidence);
  if (evidence.steps > 0 && evidence.for_lookback < two) {
    return Say<GateSays::kForTooShort>(FormatDuration(two / 2),
                                       FormatDuration(evidence.for_lookback), FormatDuration(two));
  }
  for (const Selector& selector : expression.selectors) {
    if (selector.range.count() == 0) continue;
    for (const auto& [host, needed] : evidence.hosts) {
      if (!selector.instance.empty() && selector.instance != host) continue;
      const Milliseconds least = needed.scrape_interval * (selector.rate ? 2 : 1);
      if (selector.range >= least) continue;
      const std::string every = FormatDuration(needed.scrape_interval);
      const std::string range = FormatDuration(selector.range);
      return selector.rate
                 ? Say<GateSays::kRateTooShort>(host, every, range, FormatDuration(least))
                 : Say<GateSays::kRangeTooShort>(host, every, range, FormatDuration(least));
    }
  }
  return "";
}

std::string EvidenceQuery(const engine::GateQuestion& question, const GateExpression& expression,
                          const Evidence& evidence, const ProbeSeries& series, bool sides) {
  std::set<std::string> collectors;
  for (const auto& [host, needed] : evidence.hosts) {
    collectors.insert(needed.collectors.begin(), needed.collectors.end());
  }
  Bounds bounds = BoundsOf(evidence, series, evidence.lookback);
  const std::string of = "{" + bounds.matchers + "," + bounds.hosts;
  const std::string probe = "probe_success" + of + "}";
  if (evidence.newest_alone) bounds.since = NewestScrape(probe);
  const auto written = [&](size_t begin, size_t end) {
    return "(" + Bounded(expression, begin, end, bounds) + "\n)";
  };
  std::string query = Tagged("condition", written(0, expression.text.size()));
  const auto add = [&](const std::string& part, const std::string& expr) {
    query += " or " + Tagged(part, expr);
  };
  const std::string uptime = "mailhub_host_uptime_seconds" + of + "}";
  const std::string info = "mailhub_host_info" + of + "}";
  const std::string success =
      "mailhub_collector_success" + of + ",collector=~\"" + OneOf(collectors) + "\"}";
  const Milliseconds reach = evidence.newest_alone ? kBackwards : evidence.reach;
  const auto over = [&](const char* function, const std::string& selector) {
    return std::string(function) + "(" + selector + Range(reach) + ")";
  };
  const auto least = [&](const std::string& selector) {
    return evidence.newest_alone ? Since(selector, bounds.since) : over("min_over_time", selector);
  };
  add("alive", Fresh(probe, evidence));
  add("probes", least(probe));
  if (!question.marks.empty()) {
    add("boot", Fresh(info, evidence));
    add("now", Fresh(uptime, evidence));
    add("uptime", least(uptime));
    add("back", over("resets", uptime));
    add("boots", least(info));
  }
  if (!collectors.empty()) add("collectors", least(success));
  if (evidence.newest_alone) {
    add("taken", bounds.since);
  } else {
    const Milliseconds late = evidence.reach - evidence.edge;
    add("first", "count_over_time(" + probe + Range(evidence.edge) +
                     (late.count() > 0 ? " offset " + FormatDuration(late) : "") + ")");
    add("counts", over("count_over_time", probe));
    if (!question.marks.empty()) add("uptimes", over("count_over_time", uptime));
  }
  if (question.look_only) {
    for (size_t i = 0; i < expression.selectors.size(); ++i) {
      const Selector& selector = expression.selectors[i];
      add(SeriesPart(i), "count" + written(selector.begin, selector.end));
    }
  }
  if (!sides) return query;
  add("left", written(expression.left.begin, expression.left.end));
  if (!expression.right.number) {
    add("right", written(expression.right.begin, expression.right.end));
  }
  return query;
}

std::string ForQuery(const GateExpression& expression, const Evidence& evidence,
                     const ProbeSeries& series) {
  return Bounded(expression, 0, expression.text.size(),
                 BoundsOf(evidence, series, evidence.for_lookback));
}

}  // namespace mailhub::condition
