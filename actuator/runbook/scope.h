// Fills parameters into a runbook's texts.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actuator/runbook/runbook.h"
#include "lib/base/result.h"

namespace mailhub::runbook {

// Confined to one expansion. A declared parameter without a value is absent.
class Scope {
 public:
  Scope(const Runbook& book, const std::map<std::string, std::string>& values);

  void Set(const std::string& name, const std::string& value) { values_[name] = value; }
  void Remove(const std::string& name) { values_.erase(name); }

  // The text with every {{parameter}} replaced. kInvalid at the text's place: unknown or absent
  // parameters, a {{ without its }}.
  Result<std::string> Fill(const Text& text) const;

  // Nothing when the whole text is one absent {{parameter}}.
  Result<std::optional<std::string>> FillOptional(const Text& text) const;

 private:
  std::map<std::string, std::optional<std::string>> values_;
};

}  // namespace mailhub::runbook
