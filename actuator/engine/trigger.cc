// See trigger.h.
#include "actuator/engine/trigger.h"

#include <regex>

namespace mailhub::engine {
namespace {

bool MatchesRegex(const std::string& pattern, const std::string& value) {
  try {
    return std::regex_match(value,
                            std::regex(pattern, std::regex::ECMAScript | std::regex::optimize));
  } catch (const std::regex_error&) {
    return false;
  }
}

bool Matches(const Matcher& matcher, const std::string& value) {
  switch (matcher.op) {
    case Matcher::Op::kEqual:
      return value == matcher.value;
    case Matcher::Op::kNotEqual:
      return value != matcher.value;
    case Matcher::Op::kRegex:
      return MatchesRegex(matcher.value, value);
    case Matcher::Op::kNotRegex:
      return !MatchesRegex(matcher.value, value);
  }
  return false;
}

}  // namespace

bool Matches(const std::vector<Matcher>& matchers,
             const std::map<std::string, std::string>& labels) {
  for (const Matcher& matcher : matchers) {
    const auto label = labels.find(matcher.label);
    if (!Matches(matcher, label == labels.end() ? std::string() : label->second)) return false;
  }
  return true;
}

}  // namespace mailhub::engine
