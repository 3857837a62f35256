// A trigger's matcher, and a label that it is applied to: the text after a line end.
#include "actuator/settings/matcher.h"

#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using Op = engine::Matcher::Op;

std::string Quoted(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string Written(const engine::Matcher& matcher) {
  const auto name = settings::ParseLabelName(matcher.label);
  const bool plain = name && *name == matcher.label;  // "!" with its quotes is a name, too
  const char* op = matcher.op == Op::kEqual      ? "="
                   : matcher.op == Op::kNotEqual ? "!="
                   : matcher.op == Op::kRegex    ? "=~"
                                                 : "!~";
  return (plain ? matcher.label : Quoted(matcher.label)) + op + Quoted(matcher.value);
}

}  // namespace

void TryMatcher(std::string_view bytes) {
  const size_t line = bytes.find('\n');
  const auto matcher = settings::ParseMatcher(bytes.substr(0, line));
  if (!matcher) return DemandGoodMessage(matcher.error());
  const std::string written = Written(*matcher);
  const auto again = settings::ParseMatcher(written);
  Demand(again.has_value(), "a matcher that was written is read", written);
  Demand(
      again->label == matcher->label && again->op == matcher->op && again->value == matcher->value,
      "a matcher is the same when it is written and read", written);

  const std::string value(line == std::string_view::npos ? "" : bytes.substr(line + 1));
  const bool matches = engine::Matches({*matcher}, {{matcher->label, value}});
  engine::Matcher opposite = *matcher;
  opposite.op = matcher->op == Op::kEqual      ? Op::kNotEqual
                : matcher->op == Op::kNotEqual ? Op::kEqual
                : matcher->op == Op::kRegex    ? Op::kNotRegex
                                               : Op::kRegex;
  Demand(matches != engine::Matches({opposite}, {{matcher->label, value}}),
         "a matcher or its opposite matches, and not both", written);
  if (matcher->op == Op::kEqual) {
    Demand(matches == (value == matcher->value), "= compares the whole value", written);
  }
}

}  // namespace mailhub::fuzz
