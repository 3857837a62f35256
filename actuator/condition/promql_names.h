// The names, functions and matchers that a gate may use, and the error sentences for others.
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

// The words below are in lower case; Prometheus accepts both cases.
bool IsAggregation(std::string_view word);
// The reason why a word of the language, like `or`, is refused; empty for other words.
std::string WhyRefused(const std::string& word);

// The reason against the name; empty when it is allowed.
std::string WhyNoMetric(std::string_view name);
std::string WhyNoMatcher(std::string_view label, std::string_view sign, const std::string& value);

bool IsMatchSign(std::string_view text);
bool IsLabelName(std::string_view text);
bool IsGroupedLabel(std::string_view text);  // in by (...) and the like

}  // namespace mailhub::condition
