// See trigger.h. RE2 stays in here: it has Alertmanager's syntax, and its time and memory are
// bounded for any label.
#include "actuator/engine/trigger.h"

#include <re2/re2.h>

#include <algorithm>

#include "actuator/engine/sentences.h"

namespace mailhub::engine {
namespace {

constexpr int64_t kMostRegexBytes = int64_t{1} << 20;

bool Matches(const Matcher& matcher, const std::string& value) {
  switch (matcher.op) {
    case Matcher::Op::kEqual:
      return value == matcher.value;
    case Matcher::Op::kNotEqual:
      return value != matcher.value;
    case Matcher::Op::kRegex:
      return matcher.regex && re2::RE2::FullMatch(value, *matcher.regex);
    case Matcher::Op::kNotRegex:
      return matcher.regex && !re2::RE2::FullMatch(value, *matcher.regex);
  }
  return false;
}

}  // namespace

Status Compile(Matcher* matcher) {
  if (matcher->op != Matcher::Op::kRegex && matcher->op != Matcher::Op::kNotRegex) return {};
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostRegexBytes);
  auto regex = std::make_shared<const re2::RE2>(matcher->value, options);
  if (!regex->ok()) return Fail(ErrorKind::kInvalid, regex->error());
  matcher->regex = std::move(regex);
  return {};
}

std::string OnlyIf(const Trigger& trigger, const std::map<std::string, std::string>& parameters) {
  std::string text = trigger.only_if;
  for (const auto& [name, value] : parameters) {
    const std::string mark = "{{" + name + "}}";
    for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
      text.replace(at, mark.size(), value);
      at += value.size();
    }
  }
  return text;
}

bool Matches(const std::vector<Matcher>& matchers,
             const std::map<std::string, std::string>& labels) {
  return FirstMismatch(matchers, labels) == nullptr;
}

const Matcher* FirstMismatch(const std::vector<Matcher>& matchers,
                             const std::map<std::string, std::string>& labels) {
  for (const Matcher& matcher : matchers) {
    const auto label = labels.find(matcher.label);
    if (!Matches(matcher, label == labels.end() ? std::string() : label->second)) return &matcher;
  }
  return nullptr;
}

Result<std::map<std::string, std::string>> ParametersOf(const Trigger& trigger,
                                                        const Alert& alert) {
  std::map<std::string, std::string> parameters = trigger.parameters;
  for (const auto& [parameter, label] : trigger.parameters_from_labels) {
    const auto found = alert.labels.find(label);
    if (found == alert.labels.end()) {
      return Fail(ErrorKind::kNotFound, Say<DecidedBecause::kNoLabel>(label, parameter));
    }
    parameters[parameter] =
        trigger.strip_port.contains(parameter) ? WithoutPort(found->second) : found->second;
  }
  return parameters;
}

std::string_view WithoutPort(std::string_view value) {
  constexpr size_t kLongestPort = 5;
  const size_t colon = value.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return value;
  const std::string_view host = value.substr(0, colon);
  const std::string_view port = value.substr(colon + 1);
  const bool digits =
      std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) && !port.empty();
  const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.ends_with(']');
  return digits && port.size() <= kLongestPort && !bare_ipv6 ? host : value;
}

}  // namespace mailhub::engine
