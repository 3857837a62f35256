// A gate's expression.
#include "actuator/condition/promql.h"

#include <cmath>
#include <optional>
#include <string>

#include "lib/config/collectors.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using condition::GateExpression;

bool Same(std::optional<double> a, std::optional<double> b) {
  return a.has_value() == b.has_value() && (!a || *a == *b || (std::isnan(*a) && std::isnan(*b)));
}

void DemandSound(const GateExpression& read, std::string_view expr) {
  Demand(!read.selectors.empty(), "an accepted expression names a metric", expr);
  Demand(read.longest_range >= Milliseconds(0), "a range is not negative", expr);
  Demand(!read.left.number || read.right.number, "a plain number is on the right", expr);
  Demand(!read.left.expr.empty() && !read.right.expr.empty(), "a comparison has two sides", expr);
  for (const condition::Selector& selector : read.selectors) {
    Demand(selector.metric.starts_with("mailhub_") || selector.metric.starts_with("probe_"),
           "an accepted metric is one of the exporter's", selector.metric);
    config::CollectorOf(selector.metric);
  }
}

}  // namespace

void TryPromql(std::string_view bytes) {
  const auto read = condition::ReadGateExpression(bytes);
  if (!read) return DemandGoodMessage(read.error());
  DemandSound(*read, bytes);

  // The line ends end comments.
  const std::string comparison =
      read->left.expr + "\n" + read->comparison + " " + read->right.expr + "\n";
  const auto again = condition::ReadGateExpression(comparison);
  Demand(again.has_value(), "the first comparison alone is accepted too", comparison);
  Demand(again->comparison == read->comparison, "the first comparison is the same when read again",
         comparison);
  Demand(Same(again->right.number, read->right.number), "its number is the same when read again",
         comparison);
  Demand(again->selectors.size() <= read->selectors.size(),
         "the first comparison has no more metrics than the whole", comparison);
  Demand(again->longest_range <= read->longest_range,
         "the first comparison has no longer range than the whole", comparison);

  const auto whole = condition::ReadGateExpression("(" + std::string(bytes) + "\n) == 1");
  Demand(whole.has_value() || bytes.size() > 8'000,
         "an accepted expression is accepted in parentheses", bytes);
}

}  // namespace mailhub::fuzz
