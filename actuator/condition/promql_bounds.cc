// See promql.h: bounds the expression to the samples that are judged.
#include "actuator/condition/promql.h"

namespace mailhub::condition {
namespace {

std::string BoundedSelector(const std::string& text, const Selector& selector,
                            const Bounds& bounds) {
  std::string matchers = bounds.matchers;
  if (selector.instance.empty()) matchers += (matchers.empty() ? "" : ",") + bounds.hosts;
  const std::string own =
      selector.brace == 0 ? "}" : "," + text.substr(selector.brace, selector.end - selector.brace);
  std::string bounded = selector.metric + "{" + matchers + own;
  if (selector.range.count() > 0) return bounded;
  if (!bounds.since.empty()) return "(" + Since(bounded, bounds.since) + ")";
  return "(" + bounded + " and last_over_time(" + bounded + "[" +
         std::to_string(bounds.lookback.count()) + "ms]))";
}

}  // namespace

std::string Since(const std::string& selector, const std::string& since) {
  return selector + " and (timestamp(" + selector + ") >= on (instance) group_left () " + since +
         ")";
}

std::string Bounded(const GateExpression& expression, size_t begin, size_t end,
                    const Bounds& bounds) {
  const std::string& text = expression.text;
  std::string out;
  size_t copied = begin;
  auto grouping = expression.bare_groupings.begin();
  const auto copy = [&](size_t to) {
    // After a bare group_left there may now be a parenthesis, which would be read as its labels.
    for (; grouping != expression.bare_groupings.end() && *grouping <= to; ++grouping) {
      if (*grouping < copied) continue;
      out += text.substr(copied, *grouping - copied) + "()";
      copied = *grouping;
    }
    out += text.substr(copied, to - copied);
    copied = to;
  };
  for (const Selector& selector : expression.selectors) {
    if (selector.begin < begin || selector.end > end) continue;
    copy(selector.begin);
    out += BoundedSelector(text, selector, bounds);
    copied = selector.end;
  }
  copy(end);
  return out;
}

}  // namespace mailhub::condition
