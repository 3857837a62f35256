// Which names, functions and matchers a gate may use, and the sentence for the others.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::condition {

struct Function {
  enum class Takes { kVector, kRange };
  std::string_view name;
  Takes takes = Takes::kVector;
  bool rate = false;  // needs two samples in its range
  int least_numbers = 0;
  int most_numbers = 0;
};

// Null for a function that is not allowed. Case matters, as in Prometheus.
const Function* FindFunction(std::string_view name);
std::string FunctionRefused(const std::string& name);

// The words below are in lower case: Prometheus reads them in either.
bool IsAggregation(std::string_view word);
// A sentence about a word of the language that is refused, like `or`; empty for others.
std::string WhyRefused(const std::string& word);

// Sentences; empty when there is nothing to object to.
std::string WhyNoMetric(std::string_view name);
std::string WhyNoMatcher(std::string_view label, std::string_view sign, const std::string& value);

bool IsMatchSign(std::string_view text);
bool IsLabelName(std::string_view text);
bool IsGroupedLabel(std::string_view text);  // in by (...) and the like

}  // namespace mailhub::condition
