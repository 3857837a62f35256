// The values of parameters, each in its one canonical form.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "actuator/runbook/runbook.h"
#include "lib/base/duration.h"
#include "lib/base/printable.h"

namespace mailhub::runbook {

const Parameter* Runbook::Find(const std::string& parameter) const {
  const auto found = std::ranges::find(parameters, parameter, &Parameter::name);
  return found == parameters.end() ? nullptr : &*found;
}

Result<std::string> ReadValue(const Parameter& parameter, const std::string& value) {
  if (parameter.kind == ParameterKind::kHost) return value;
  double number = 0;
  std::string text;
  if (parameter.kind == ParameterKind::kDuration) {
    const auto duration = ParseDuration(value);
    if (!duration) return Fail(duration.error());
    number = ToSeconds(*duration);
    text = FormatDuration(*duration);
  } else {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number)) {
      return Fail(ErrorKind::kInvalid, "\"" + Excerpt(value) + "\" is not a number");
    }
    char buffer[32];
    text.assign(buffer,
                std::to_chars(buffer, buffer + sizeof buffer, number + 0.0).ptr);  // -0 is 0
  }
  const char* unit = parameter.kind == ParameterKind::kDuration ? " s" : "";
  const auto bound = [&](const char* relation, double limit) {
    char buffer[32];
    const std::string shown(buffer, std::to_chars(buffer, buffer + sizeof buffer, limit).ptr);
    return Fail(ErrorKind::kInvalid, "expected " + std::string(relation) + " " + shown + unit +
                                         ", found \"" + Excerpt(value) + "\"");
  };
  if (parameter.least && number < *parameter.least) return bound("at least", *parameter.least);
  if (parameter.greatest && number > *parameter.greatest)
    return bound("at most", *parameter.greatest);
  return text;
}

}  // namespace mailhub::runbook
