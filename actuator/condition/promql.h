// What a gate's expression says, read just far enough to refuse what a gate must not believe and to
// know which hosts and collectors its evidence comes from. Prometheus itself remains the judge of
// whether it is PromQL.
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
  std::string instance;  // of an `instance="..."` matcher; empty when there is none
};

// One side of a comparison, as a query of its own.
struct Side {
  std::string expr;
  std::optional<double> number;  // when it is nothing but a number
};

struct GateExpression {
  std::vector<Selector> selectors;
  // The first comparison, turned so that a plain number stands on the right.
  Side left;
  std::string comparison;  // "==", "!=", ">", "<", ">=", "<="
  Side right;
  Milliseconds longest_range{0};  // of all range selectors; 0: there is none
};

// Pure. kInvalid with a sentence and, where there is one, the character it is about. Accepted are
// comparisons over raw series of the exporter's probes, several joined by `and`. Refused are:
//   recorded names         a recording lags its inputs, and still answers after they are gone
//   other metrics          nobody could tell whether their samples are fresh
//   or, unless, absent, vector   what is missing could make the condition true
//   bool, no comparison    it would be true always
//   time() and the like    clocks of two machines would be compared
//   offset, @, subqueries  the evidence would not be that of the moment; `for` does what they do
Result<GateExpression> ReadGateExpression(std::string_view expr);

// The exporter's collector that a metric comes from: "processes" for mailhub_thread_running. Empty
// for the probe's own series.
std::string CollectorOf(std::string_view metric);

}  // namespace mailhub::condition
