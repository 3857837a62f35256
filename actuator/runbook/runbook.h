// A runbook as written: well-formed, its {{parameters}} not yet filled in. Every text keeps its
// position for later error messages.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"
#include "lib/base/result.h"
#include "lib/config/yaml.h"

namespace mailhub::runbook {

// A value that may hold {{parameter}}.
struct Text {
  std::string raw;
  config::Node at;
};

enum class ParameterKind { kHost, kDuration, kNumber };
constexpr auto WordsOf(ParameterKind) {
  using enum ParameterKind;
  return Vocabulary<ParameterKind>({{kHost, "host"}, {kDuration, "duration"}, {kNumber, "number"}});
}

struct Parameter {
  explicit Parameter(config::Node where) : at(std::move(where)) {}

  std::string name;
  ParameterKind kind = ParameterKind::kHost;
  std::string group;                         // kHost: the group of its hosts
  std::optional<std::string> default_value;  // in canonical form
  bool optional = false;                     // may be absent
  std::optional<double> least, greatest;     // kNumber; kDuration in seconds
  std::string description;
  config::Node at;
};

struct GateText {
  explicit GateText(Text text) : expr(std::move(text)) {}

  Text expr;
  std::vector<Text> about;  // empty: the step's host and every host the expression names
  std::optional<Text> window, hold_for, timeout;
  int expect = 1;
};

// A shell command, or the name of one in the site file.
struct CommandText {
  Text text;
  bool by_name = false;
};

struct DeadManText {
  std::optional<CommandText> restore;  // nothing: starts the service of the `service` step
  Text after;
  std::optional<Text> until;  // the step that restarts the service; nothing: the run's end
};

struct ApprovalText {
  std::optional<Text> timeout;
  std::vector<std::string> by;
  bool not_the_starter = false;
};

enum class Verb { kRun, kService, kJob, kWaitFor, kCheck, kConfirm, kForEach, kCall };
constexpr auto WordsOf(Verb) {
  using enum Verb;
  return Vocabulary<Verb>({
      {kRun, "run"},
      {kService, "service"},
      {kJob, "job"},
      {kWaitFor, "wait_for"},
      {kCheck, "check"},
      {kConfirm, "confirm"},
      {kForEach, "for_each"},
      {kCall, "call"},
  });
}
enum class ServiceState { kStarted, kStopped, kRestarted };
constexpr auto WordsOf(ServiceState) {
  using enum ServiceState;
  return Vocabulary<ServiceState>({
      {kStarted, "started"},
      {kStopped, "stopped"},
      {kRestarted, "restarted"},
  });
}

struct StepText {
  StepText(Verb which, config::Node where) : verb(which), at(std::move(where)) {}

  Verb verb;
  config::Node at;
  std::optional<Text> name;            // kConfirm: the question. kForEach, kCall: may be absent
  std::optional<Text> on;              // kRun, kService, kJob
  std::optional<CommandText> command;  // kRun, kJob
  std::optional<Text> service;         // kService
  ServiceState state = ServiceState::kStarted;
  std::optional<GateText> gate;  // kWaitFor, kCheck; `verify` of kRun, kService, kJob
  std::optional<Text> timeout;
  int attempts = 1;
  std::optional<Text> retry_delay;
  std::vector<int> success{0};  // kRun, kJob
  std::optional<bool> idempotent;
  std::optional<DeadManText> dead_man;
  std::optional<ApprovalText> approval;  // kConfirm, if it is written as a map
  engine::OnFailure on_failure = engine::OnFailure::kHold;
  std::string group;                       // kForEach
  std::optional<Text> first;               // kForEach
  std::vector<Text> except;                // kForEach
  std::vector<StepText> steps;             // kForEach
  std::string runbook;                     // kCall
  std::map<std::string, Text> parameters;  // kCall
};

struct AlwaysText {
  StepText step;  // kRun or kService
  Text since;
  std::optional<Text> until;
};

struct Runbook {
  explicit Runbook(config::Node where) : at(std::move(where)) {}

  config::Node at;
  std::string name;
  std::string summary;
  std::vector<Parameter> parameters;  // in the file's order
  std::vector<std::string> locks;     // sorted
  std::optional<Text> target;
  std::optional<Text> commit;
  std::optional<Text> expected;
  std::vector<Text> windows, blackouts;  // names of the calendar, not filled in
  std::vector<StepText> steps;
  std::vector<AlwaysText> always;

  const Parameter* Find(const std::string& parameter) const;
};

// kInvalid: file:line:column, field and expected values. Does not look at sites and other runbooks.
Result<Runbook> ReadRunbook(const config::Node& root);

// The parameter's canonical text ("1h30m", "0.9"), or kInvalid with the expected values. Hosts are
// returned unchanged and not checked against the site.
Result<std::string> ReadValue(const Parameter& parameter, const std::string& value);

}  // namespace mailhub::runbook
