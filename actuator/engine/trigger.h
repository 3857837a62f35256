// From alerts to runs: the contents of a notification, and the choice of the runbook.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actuator/engine/calendar.h"
#include "actuator/engine/plan.h"
#include "lib/base/result.h"

namespace re2 {
class RE2;
}

namespace mailhub::engine {

struct Alert {
  bool firing = true;
  std::string fingerprint;
  std::map<std::string, std::string> labels;
  WallTime starts_at;
  // The defect of the alert; empty: none. Such an alert is rejected, and its readable parts are
  // recorded. The other alerts of its notification are decided as usual.
  std::string malformed = "";
};

struct Matcher {
  enum class Op { kEqual, kNotEqual, kRegex, kNotRegex };
  std::string label;
  Op op = Op::kEqual;
  std::string value;  // regular expressions are anchored, in RE2's syntax
  std::shared_ptr<const re2::RE2> regex = nullptr;  // compiled from `value` by Compile()
};

// Needed before a matcher with a regular expression can match. kInvalid: it is no regular
// expression, or would take more than 1 MiB.
Status Compile(Matcher* matcher);

enum class OnResolved { kFinish, kCancel };

// The first trigger whose matchers all match answers the alert.
struct Trigger {
  std::string name;
  std::vector<Matcher> matchers;
  std::string runbook;
  std::map<std::string, std::string> parameters;  // fixed values
  // Parameter -> label; the runbook checks the value.
  std::map<std::string, std::string> parameters_from_labels;
  std::set<std::string> strip_port = {};  // parameters whose label loses its port
  std::string only_if;                    // PromQL, {{parameter}} filled in; empty: always
  Milliseconds cooldown{0};               // after a run of this runbook and parameters finished
  OnResolved on_resolved = OnResolved::kFinish;
  // How many runs in all may answer one alert that goes on firing after each has succeeded, and the
  // time after a run's end from which on it counts as going on.
  int attempts = 1;
  Milliseconds still_firing_after{900'000};
  // Its windows replace the runbook's, if it has any; its blackouts come beside the runbook's.
  Suitable suitable = {};
};

// Its `only_if` with these parameters. The configuration refuses names that are no parameter.
std::string OnlyIf(const Trigger& trigger, const std::map<std::string, std::string>& parameters);

// A missing label counts as the empty string. A regular expression that is not compiled never
// matches, not even negated.
bool Matches(const std::vector<Matcher>& matchers,
             const std::map<std::string, std::string>& labels);

// The first matcher that does not match. Null: all match.
const Matcher* FirstMismatch(const std::vector<Matcher>& matchers,
                             const std::map<std::string, std::string>& labels);

// The runbook's parameters for this alert: the fixed ones, and those from labels. kNotFound names a
// missing label.
Result<std::map<std::string, std::string>> ParametersOf(const Trigger& trigger, const Alert& alert);

// "x500" of "x500:9100". A value that does not end in a colon and one to five digits stays whole,
// and so does an IPv6 address without brackets.
std::string_view WithoutPort(std::string_view value);

}  // namespace mailhub::engine
