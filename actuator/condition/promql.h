// Parses a gate's expression into its selectors, comparison and ranges. Accepts a small part of
// PromQL; Prometheus accepts every expression that is accepted here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::condition {

struct Selector {
  std::string metric;
  std::string instance;   // of an `instance="..."` matcher; empty when there is none
  Milliseconds range{0};  // 0: it looks at the newest sample
  bool rate = false;      // the range needs two samples
  // Positions in the expression's text, in bytes.
  size_t begin = 0;
  size_t name_end = 0;
  size_t brace = 0;  // after its {; 0: no braces
  size_t end = 0;    // before its range
};

// One side of a comparison, as a query of its own.
struct Side {
  std::string expr;
  std::optional<double> number;  // when it is made of numbers only
  size_t begin = 0;
  size_t end = 0;
};

struct GateExpression {
  std::string text;
  std::vector<Selector> selectors;  // in the text's order
  // The first comparison, with a plain number moved to the right.
  Side left;
  std::string comparison;  // "==", "!=", ">", "<", ">=", "<="
  Side right;
  std::vector<size_t> bare_groupings;  // ends of group_left and group_right without (...)
  Milliseconds longest_range{0};       // of all range selectors; 0: none
};

// Pure. kInvalid with a sentence and, if known, the character's position. Accepted are comparisons
// over raw series of the exporter's probes, several joined by `and`, made of
//   numbers, + - * / % ^, parentheses, on, ignoring, group_left, group_right
//   sum, min, max, avg, count, each with by or without
//   rate, irate, increase, avg_over_time, min_over_time, max_over_time
//   abs, ceil, floor, round, clamp, clamp_min, clamp_max
// Everything else is refused: missing series, old samples or a clock could open the gate, or the
// opposite is not proven yet.
Result<GateExpression> ReadGateExpression(std::string_view expr);

// The text from `begin` to `end` with every selector bounded: it reads only series that `matchers`
// (like `job="a",instance=~"b|c"`) select, and no sample older than `lookback`. Without the bound,
// Prometheus answers with a sample up to five minutes old when scrapes are missing. Selectors that
// name no instance get `hosts`. If there is a `since`, a query that gives a time for each instance,
// no sample from before that time is read, whatever `lookback` says.
struct Bounds {
  std::string matchers;
  std::string hosts;
  Milliseconds lookback{0};
  std::string since = "";
};
std::string Bounded(const GateExpression& expression, size_t begin, size_t end,
                    const Bounds& bounds);

// The newest samples of the selector that are not older than `since` says for their instance.
std::string Since(const std::string& selector, const std::string& since);

}  // namespace mailhub::condition
