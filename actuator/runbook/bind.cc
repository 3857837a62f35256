// Makes the values that a plan records from the given parameters.
#include <algorithm>

#include "actuator/runbook/expand.h"
#include "lib/base/printable.h"

namespace mailhub::runbook {

Result<std::string> BindValue(const Parameter& parameter, const std::string& given,
                              const config::Site& site) {
  if (parameter.kind != ParameterKind::kHost) return ReadValue(parameter, given);
  const config::Host* host = site.HostCalled(given);
  if (host != nullptr && site.InGroup(host->name, parameter.group)) return host->name;
  return Fail(ErrorKind::kInvalid,
              "expected a host of group " + parameter.group + ", found \"" + Excerpt(given) + "\"");
}

Result<std::map<std::string, std::string>> BindParameters(
    const Runbook& book, const std::map<std::string, std::string>& given,
    const config::Site& site) {
  for (const auto& [name, value] : given) {
    if (book.Find(name) != nullptr) continue;
    return Fail(ErrorKind::kInvalid, "runbook " + book.name + " has no parameter " + Excerpt(name));
  }
  std::map<std::string, std::string> values;
  for (const Parameter& parameter : book.parameters) {
    const auto found = given.find(parameter.name);
    const std::string where = "runbook " + book.name + ": parameter " + parameter.name;
    if (found == given.end() && !parameter.default_value) {
      if (parameter.optional) continue;
      return Fail(ErrorKind::kInvalid, where + " is missing");
    }
    auto value =
        BindValue(parameter, found == given.end() ? *parameter.default_value : found->second, site);
    if (!value) return Fail(where, value.error());
    values[parameter.name] = std::move(*value);
  }
  return values;
}

}  // namespace mailhub::runbook
