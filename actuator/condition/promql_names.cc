// See promql_names.h.
#include "actuator/condition/promql_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "actuator/condition/promql.h"
#include "actuator/engine/trigger.h"
#include "lib/base/lower.h"
#include "lib/base/printable.h"

namespace mailhub::condition {
namespace {

using Takes = Function::Takes;

// A missing series makes each of these empty, or is left out of its sum; none makes a value from
// nothing. sum_over_time and count_over_time are not here: missing samples make them small.
constexpr std::array<Function, 13> kFunctions = {{{"rate", Takes::kRange, true},
                                                  {"irate", Takes::kRange, true},
                                                  {"increase", Takes::kRange, true},
                                                  {"avg_over_time", Takes::kRange},
                                                  {"min_over_time", Takes::kRange},
                                                  {"max_over_time", Takes::kRange},
                                                  {"abs"},
                                                  {"ceil"},
                                                  {"floor"},
                                                  {"round", Takes::kVector, false, 0, 1},
                                                  {"clamp", Takes::kVector, false, 2, 2},
                                                  {"clamp_min", Takes::kVector, false, 1, 1},
                                                  {"clamp_max", Takes::kVector, false, 1, 1}}};
constexpr std::array<std::string_view, 5> kAggregations = {"sum", "min", "max", "avg", "count"};
constexpr std::array<std::string_view, 10> kClocks = {
    "time",        "timestamp",    "minute", "hour",          "day_of_week",
    "day_of_year", "day_of_month", "month",  "days_in_month", "year"};
constexpr const char* kMissing = "what is missing could make the gate open";

template <size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& choices) {
  return std::ranges::find(choices, text) != choices.end();
}

std::string Allowed() {
  std::string list;
  for (const std::string_view name : kAggregations) list += std::string(name) + ", ";
  for (const Function& function : kFunctions) list += std::string(function.name) + ", ";
  list.resize(list.size() - 2);
  return list;
}

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Go's and RE2's syntax differ in rare escapes and groups; their common part is enough for a gate.
bool PlainRegex(const std::string& value) {
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '(' && i + 1 < value.size() && value[i + 1] == '?') return false;
    if (value[i] != '\\') continue;
    if (++i == value.size()) return false;
    const char c = value[i];
    const bool known = std::string_view("dDsSwW").find(c) != std::string_view::npos;
    if (!known && (static_cast<unsigned char>(c) >= 0x80 || IsWord(c) || c == ' ')) return false;
  }
  return true;
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  const auto found = std::ranges::find(kFunctions, name, &Function::name);
  return found == kFunctions.end() ? nullptr : &*found;
}

std::string FunctionRefused(const std::string& name) {
  const std::string refused = "`" + Excerpt(name) + "` is refused: ";
  if (name == "scalar") {
    return refused + kMissing + "; compare two metrics with `a > on (instance) b`";
  }
  if (name == "absent" || name == "absent_over_time" || name == "vector") {
    return refused + kMissing + "; the exporter says 0 for what is not there";
  }
  if (OneOf(name, kClocks)) return refused + "it would compare two machines' clocks";
  return refused + "allowed are " + Allowed();
}

bool IsAggregation(std::string_view word) {
  return OneOf(word, kAggregations);
}

std::string WhyRefused(const std::string& word) {
  const std::string refused = "`" + word + "` is refused: ";
  if (word == "or" || word == "unless") return refused + kMissing;
  if (word == "bool") return refused + "0 would open the gate as 1 does";
  if (word == "offset") return refused + "a gate looks at the present moment";
  if (word == "nan" || word == "inf") return refused + kMissing + "; expected a finite number";
  if (word == "by" || word == "without") return "expected `" + word + "` after an aggregation";
  return "";
}

std::string WhyNoMetric(std::string_view text) {
  const std::string name(text);
  if (name.find(':') != std::string::npos) {
    return "\"" + Excerpt(name) +
           "\" is a recorded name; expected raw series, because a recording lags its inputs";
  }
  const bool ours = name.starts_with("probe_") ||
                    (name.starts_with("mailhub_") && !name.starts_with("mailhub_actuator_") &&
                     !name.starts_with("mailhub_exporter_"));
  if (ours) return "";
  return "\"" + Excerpt(name) +
         "\" is not a metric of the exporter's probes (mailhub_..., probe_...)";
}

std::string WhyNoMatcher(std::string_view label, std::string_view sign, const std::string& value) {
  if (label == "__name__") return "__name__ is refused; expected the metric's name before {";
  if (!IsLabelName(label)) return "\"" + Excerpt(label) + "\" is not a label's name";
  if (sign != "=~" && sign != "!~") return "";
  engine::Matcher matcher{std::string(label), engine::Matcher::Op::kRegex, value};
  if (PlainRegex(value) && engine::Compile(&matcher)) return "";
  return "\"" + Excerpt(value) + "\" is not a regular expression; expected one like \"a|b.*\"";
}

bool IsMatchSign(std::string_view text) {
  return text == "=" || text == "!=" || text == "=~" || text == "!~";
}

bool IsLabelName(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::ranges::all_of(text, IsWord);
}

// Prometheus accepts its own keywords here, and some of these are not allowed as a label.
bool IsGroupedLabel(std::string_view text) {
  const std::string word = Lower(std::string(text));
  return IsLabelName(text) && word != "inf" && word != "nan" && word != "without";
}

}  // namespace mailhub::condition
