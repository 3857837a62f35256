// From alerts to runs: what a notification carries, and which runbook answers it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"

namespace mailhub::engine {

struct Alert {
  bool firing = true;
  std::string fingerprint;
  std::map<std::string, std::string> labels;
  WallTime starts_at;
};

struct Matcher {
  enum class Op { kEqual, kNotEqual, kRegex, kNotRegex };
  std::string label;
  Op op = Op::kEqual;
  std::string value;  // regular expressions are anchored, ECMAScript, at most 256 characters
};

enum class OnResolved { kFinish, kCancel };

// The first trigger whose matchers all match answers the alert.
struct Trigger {
  std::string name;
  std::vector<Matcher> matchers;
  std::string runbook;
  std::map<std::string, std::string> parameters;  // fixed values
  std::map<std::string, std::string>
      parameters_from_labels;  // parameter -> label; the runbook checks the value
  std::string only_if;         // PromQL, {{parameter}} filled in; empty: always
  Milliseconds cooldown{0};    // after a run of this runbook and parameters finished
  OnResolved on_resolved = OnResolved::kFinish;
};

// A missing label counts as the empty string. Invalid regular expressions never match
// (configuration refuses them).
bool Matches(const std::vector<Matcher>& matchers,
             const std::map<std::string, std::string>& labels);

}  // namespace mailhub::engine
