// See scope.h. Values are host names of the site, durations and numbers in canonical form, so no
// filled-in value has a character with a meaning in a shell or PromQL.
#include "actuator/runbook/scope.h"

#include "lib/base/trim.h"

namespace mailhub::runbook {
namespace {

// The text between {{ and }}.
std::string NameIn(std::string_view braces) {
  return std::string(Trim(braces, " "));
}

}  // namespace

Scope::Scope(const Runbook& book, const std::map<std::string, std::string>& values) {
  for (const Parameter& parameter : book.parameters) values_[parameter.name] = std::nullopt;
  for (const auto& [name, value] : values) values_[name] = value;
}

Result<std::string> Scope::Fill(const Text& text) const {
  std::string filled;
  size_t at = 0;
  while (true) {
    const size_t open = text.raw.find("{{", at);
    filled += text.raw.substr(at, open - at);
    if (open == std::string::npos) return filled;
    const size_t close = text.raw.find("}}", open);
    if (close == std::string::npos) return text.at.Invalid("a {{ without its }}");
    const std::string name = NameIn(text.raw.substr(open + 2, close - open - 2));
    const auto value = values_.find(name);
    if (value == values_.end()) {
      std::string known;
      for (const auto& [other, unused] : values_) known += (known.empty() ? "" : ", ") + other;
      return text.at.Invalid("no parameter {{" + name +
                             "}}; there are: " + (known.empty() ? "none" : known));
    }
    if (!value->second) {
      return text.at.Invalid("parameter {{" + name +
                             "}} is optional and may be absent here; give it a default");
    }
    filled += *value->second;
    at = close + 2;
  }
}

Result<std::optional<std::string>> Scope::FillOptional(const Text& text) const {
  if (text.raw.starts_with("{{") && text.raw.find("}}") == text.raw.size() - 2) {
    const auto value = values_.find(NameIn(text.raw.substr(2, text.raw.size() - 4)));
    if (value != values_.end() && !value->second) return std::optional<std::string>();
  }
  auto filled = Fill(text);
  if (!filled) return mailhub::Fail(filled.error());
  return std::optional<std::string>(std::move(*filled));
}

}  // namespace mailhub::runbook
