// YAML to Runbook: shape, keys and types. The first mistake is kept and ends the reading; what is
// read after it is thrown away.
#include <algorithm>

#include "actuator/runbook/runbook.h"

namespace mailhub::runbook {
namespace {

using config::Node;

constexpr size_t kLongestName = 120;
constexpr int kMostAttempts = 20;
constexpr size_t kMostStatuses = 16;
constexpr int kGreatestStatus = 255;

bool IsIdentifier(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text[0] != '-' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

// Owns the first error. Confined to one call of ReadRunbook.
class Reader {
 public:
  bool Failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }

  Runbook Read(const Node& root) {
    Keys(root, {"runbook", "summary", "parameters", "lock", "target", "commit", "expected", "steps",
                "always"});
    Runbook book(root);
    book.name = Identifier(root["runbook"]);
    book.summary = Line(root["summary"]);
    const Node parameters = root["parameters"];
    if (parameters.Present() && !parameters.IsMap()) Keep(parameters.Expected("a map"));
    for (const auto& entry : parameters.Entries()) book.parameters.push_back(ReadParameter(entry));
    book.locks = Locks(root["lock"]);
    book.target = Maybe(root["target"]);
    book.commit = Maybe(root["commit"]);
    book.expected = Maybe(root["expected"]);
    book.steps = Steps(root["steps"], false);
    if (root["always"].Present()) book.always = Always(root["always"]);
    return book;
  }

 private:
  void Keep(tl::unexpected<Error> error) {
    if (!error_) error_ = std::move(error.value());
  }
  template <typename T>
  T Value(Result<T> result, T otherwise) {
    if (result) return std::move(*result);
    Keep(Fail(result.error()));
    return otherwise;
  }
  void Keys(const Node& node, std::initializer_list<std::string_view> known) {
    if (const Status status = node.OnlyKeys(known); !status) Keep(Fail(status.error()));
  }

  Text ReadText(const Node& node) { return Text{Value(node.String(), std::string()), node}; }
  std::optional<Text> Maybe(const Node& node) {
    if (!node.Present()) return std::nullopt;
    return ReadText(node);
  }
  std::string Line(const Node& node) {
    std::string text = Value(node.String(), std::string());
    if (text.find('\n') != std::string::npos) Keep(node.Invalid("expected one line"));
    return text;
  }
  std::string Identifier(const Node& node) {
    std::string text = Value(node.String(), std::string());
    if (!text.empty() && !IsIdentifier(text)) {
      Keep(node.Invalid("expected letters, digits, _ and -, at most 64, found \"" + text + "\""));
    }
    return text;
  }

  std::vector<std::string> Locks(const Node& node) {
    std::vector<std::string> locks;
    if (!node.Present()) return locks;
    if (node.IsList()) {
      for (const Node& item : node.Items()) locks.push_back(Identifier(item));
    } else {
      locks.push_back(Identifier(node));
    }
    std::ranges::sort(locks);
    if (std::ranges::adjacent_find(locks) != locks.end()) Keep(node.Invalid("a lock stands twice"));
    return locks;
  }

  Parameter ReadParameter(const Node::Entry& entry) {
    const Node& node = entry.value;
    Parameter parameter(node);
    parameter.name = entry.key;
    if (!IsIdentifier(entry.key) || entry.key == "host") {
      Keep(entry.key_node.Invalid(
          "expected a name of letters, digits, _ and -, and not `host`, which for_each sets"));
    }
    Keys(node, {"host_in", "type", "default", "optional", "least", "greatest", "description"});
    const std::string type = node["type"].Present() ? Line(node["type"]) : "";
    if (node["host_in"].Present() == node["type"].Present() ||
        (!type.empty() && type != "duration" && type != "number")) {
      Keep(node.Invalid("expected either host_in: GROUP, type: duration or type: number"));
    }
    if (node["host_in"].Present()) parameter.group = Identifier(node["host_in"]);
    if (type == "duration") parameter.kind = ParameterKind::kDuration;
    if (type == "number") parameter.kind = ParameterKind::kNumber;
    parameter.least = Bound(parameter, node["least"]);
    parameter.greatest = Bound(parameter, node["greatest"]);
    if (node["description"].Present()) parameter.description = Line(node["description"]);
    if (node["optional"].Present()) parameter.optional = Value(node["optional"].Bool(), false);
    if (node["default"].Present() && !Failed()) {
      const std::string text = Value(node["default"].String(), std::string());
      const auto value = ReadValue(parameter, text);
      if (!value) Keep(node["default"].Invalid(value.error().message));
      if (value) parameter.default_value = *value;
    }
    if (parameter.kind != ParameterKind::kHost && !parameter.default_value) {
      Keep(node["default"].Expected("a value to check the runbook with before anybody runs it"));
    }
    if (parameter.optional && parameter.default_value) {
      Keep(
          node["optional"].Invalid("a parameter with a default is never absent; drop one of both"));
    }
    return parameter;
  }

  std::optional<double> Bound(const Parameter& parameter, const Node& node) {
    if (!node.Present()) return std::nullopt;
    if (parameter.kind == ParameterKind::kNumber) return Value(node.Number(), 0.0);
    if (parameter.kind == ParameterKind::kDuration) {
      return ToSeconds(Value(node.Duration(), Milliseconds(0)));
    }
    Keep(node.Invalid("a host has no bounds"));
    return std::nullopt;
  }

  bool AreSteps(const Node& node) {
    const bool list = node.IsList();
    if (!list) Keep(node.Expected("a list of steps"));
    if (list && node.Items().empty()) Keep(node.Invalid("expected at least one step"));
    return list && !node.Items().empty();
  }

  std::vector<StepText> Steps(const Node& node, bool in_for_each) {
    std::vector<StepText> steps;
    if (!AreSteps(node)) return steps;
    for (const Node& item : node.Items()) {
      if (Failed()) break;
      steps.push_back(ReadStep(item, in_for_each));
    }
    return steps;
  }

  StepText ReadStep(const Node& node, bool in_for_each) {
    StepText step(FindVerb(node), node);
    if (Failed()) return step;
    const bool block = step.verb == Verb::kForEach || step.verb == Verb::kCall;
    // What is asked is what people must see: a question is its own name.
    const Node name = node[step.verb == Verb::kConfirm ? "confirm" : "name"];
    if (name.Present() || !block) step.name = StepName(name);
    if (node["on_failure"].Present()) step.on_failure = ReadOnFailure(node["on_failure"]);
    switch (step.verb) {
      case Verb::kRun:
      case Verb::kJob:
      case Verb::kService:
        Keys(node, {"name", Name(step.verb), "verify", "timeout", "retry", "success", "idempotent",
                    "dead_man", "on_failure"});
        ReadAction(node, &step);
        break;
      case Verb::kWaitFor:
      case Verb::kCheck:
        Keys(node, {"name", Name(step.verb), "about", "window", "for", "expect", "timeout",
                    "on_failure"});
        step.gate = Gate(node, node[Name(step.verb)]);
        break;
      case Verb::kConfirm:
        Keys(node, {"confirm"});
        break;
      case Verb::kForEach:
        if (in_for_each) Keep(node["for_each"].Invalid("a for_each inside a for_each"));
        ReadForEach(node, node["for_each"], &step);
        break;
      case Verb::kCall:
        ReadCall(node, node["call"], &step);
        break;
    }
    return step;
  }

  Verb FindVerb(const Node& node) {
    std::optional<Verb> found;
    if (!node.IsMap()) Keep(node.Expected("a step"));
    for (const Verb verb : All<Verb>()) {
      const Node what = node[Name(verb)];
      if (!what.Present()) continue;
      if (found) Keep(what.Invalid("a second verb in one step; expected one"));
      found = verb;
    }
    if (!found) {
      Keep(node.Invalid("a step without a verb; expected " + Choices<Verb>()));
    }
    return found.value_or(Verb::kRun);
  }

  Text StepName(const Node& node) {
    Text name{Line(node), node};
    if (name.raw.size() > kLongestName) Keep(node.Invalid("longer than 120 characters"));
    if (name.raw.find(" > ") != std::string::npos) {
      Keep(node.Invalid("\" > \" is kept for naming a step inside another"));
    }
    return name;
  }

  engine::OnFailure ReadOnFailure(const Node& node) {
    const auto named = Named<engine::OnFailure>(Line(node));
    if (!named) Keep(node.Expected(Choices<engine::OnFailure>()));
    return named.value_or(engine::OnFailure::kHold);
  }

  void ReadAction(const Node& node, StepText* step) {
    const Node what = node[Name(step->verb)];
    if (step->verb == Verb::kService) {
      Keys(what, {"on", "name", "state"});
      step->service = ReadText(what["name"]);
      step->state = State(what["state"]);
    } else {
      Keys(what, {"on", "command", "use"});
      step->command = Command(what);
    }
    step->on = ReadText(what["on"]);
    if (node["verify"].Present()) step->gate = Verify(node["verify"]);
    step->timeout = Maybe(node["timeout"]);
    if (step->verb == Verb::kJob && !step->timeout) {
      Keep(node["timeout"].Expected("a duration, after which a running job holds the run"));
    }
    if (const Node retry = node["retry"]; retry.Present()) {
      Keys(retry, {"attempts", "delay"});
      step->attempts = Value(retry["attempts"].Int(2, kMostAttempts), 1);
      step->retry_delay = Maybe(retry["delay"]);
    }
    if (node["success"].Present()) step->success = Success(node["success"], step->verb);
    if (node["idempotent"].Present()) step->idempotent = Value(node["idempotent"].Bool(), false);
    if (const Node dead_man = node["dead_man"]; dead_man.Present()) {
      step->dead_man = ReadDeadMan(dead_man, *step);
    }
  }

  std::vector<int> Success(const Node& node, Verb verb) {
    std::vector<int> statuses;
    if (verb == Verb::kService) {
      Keep(node.Invalid("a service is judged by its state, not by an exit status"));
    }
    const auto items = node.Items();
    if (items.empty() || items.size() > kMostStatuses) {
      Keep(node.Expected("a list of 1 to 16 exit statuses"));
    }
    for (const Node& item : items) {
      const int status = Value(item.Int(0, kGreatestStatus), 0);
      if (std::ranges::find(statuses, status) != statuses.end()) {
        Keep(item.Invalid(std::to_string(status) + " is listed twice"));
      }
      statuses.push_back(status);
    }
    std::ranges::sort(statuses);
    return statuses;
  }

  CommandText Command(const Node& node) {
    const Node command = node["command"];
    const Node use = node["use"];
    if (command.Present() == use.Present()) {
      Keep(node.Invalid("expected either command: SHELL COMMAND or use: NAME IN THE SITE FILE"));
    }
    return CommandText{ReadText(use.Present() ? use : command), use.Present()};
  }

  DeadManText ReadDeadMan(const Node& node, const StepText& step) {
    Keys(node, {"restore", "after", "until"});
    DeadManText dead_man{{}, ReadText(node["after"]), Maybe(node["until"])};
    const Node restore = node["restore"];
    if (restore.IsMap()) {
      Keys(restore, {"command", "use"});
      dead_man.restore = Command(restore);
    } else if (restore.Present()) {
      dead_man.restore = CommandText{ReadText(restore), false};
    } else if (step.verb != Verb::kService || step.state != ServiceState::kStopped) {
      Keep(restore.Expected("a command that brings back what this step takes away"));
    }
    return dead_man;
  }

  ServiceState State(const Node& node) {
    const auto named = Named<ServiceState>(Value(node.String(), std::string()));
    if (!named) Keep(node.Expected(Choices<ServiceState>()));
    return named.value_or(ServiceState::kStarted);
  }

  // `expr` is where the expression stands; the rest of the gate stands beside it.
  GateText Gate(const Node& node, const Node& expr) {
    GateText gate(ReadText(expr));
    gate.window = Maybe(node["window"]);
    gate.hold_for = Maybe(node["for"]);
    gate.timeout = Maybe(node["timeout"]);
    if (const Node about = node["about"]; about.Present()) {
      if (!about.IsList()) Keep(about.Expected("a list of hosts"));
      if (about.Items().empty()) Keep(about.Invalid("expected at least one host"));
      for (const Node& host : about.Items()) gate.about.push_back(ReadText(host));
    }
    if (node["expect"].Present()) gate.expect = Value(node["expect"].Int(1, 1000), 1);
    return gate;
  }

  GateText Verify(const Node& node) {
    if (!node.IsMap()) return GateText(ReadText(node));
    Keys(node, {"expr", "about", "window", "for", "expect", "timeout"});
    return Gate(node, node["expr"]);
  }

  void ReadForEach(const Node& node, const Node& what, StepText* step) {
    Keys(node, {"name", "for_each", "steps"});
    Keys(what, {"host_in", "first", "except"});
    step->group = Identifier(what["host_in"]);
    step->first = Maybe(what["first"]);
    if (const Node except = what["except"]; except.IsList()) {
      for (const Node& host : except.Items()) step->except.push_back(ReadText(host));
    } else if (except.Present()) {
      step->except.push_back(ReadText(except));
    }
    step->steps = Steps(node["steps"], true);
  }

  void ReadCall(const Node& node, const Node& what, StepText* step) {
    Keys(node, {"name", "call"});
    Keys(what, {"runbook", "parameters"});
    step->runbook = Identifier(what["runbook"]);
    if (what["parameters"].Present()) {
      if (!what["parameters"].IsMap()) Keep(what["parameters"].Expected("a map"));
      for (const auto& entry : what["parameters"].Entries()) {
        step->parameters.emplace(entry.key, ReadText(entry.value));
      }
    }
  }

  std::vector<AlwaysText> Always(const Node& node) {
    std::vector<AlwaysText> always;
    if (!AreSteps(node)) return always;
    for (const Node& item : node.Items()) {
      if (Failed()) break;
      always.push_back(ReadAlways(item));
    }
    return always;
  }

  AlwaysText ReadAlways(const Node& node) {
    Keys(node, {"since", "until", "name", "run", "service", "verify", "timeout", "retry", "success",
                "idempotent"});
    AlwaysText always{StepText(FindVerb(node), node), ReadText(node["since"]),
                      Maybe(node["until"])};
    if (Failed()) return always;
    always.step.name = StepName(node["name"]);
    ReadAction(node, &always.step);
    return always;
  }

  std::optional<Error> error_;
};

}  // namespace

Result<Runbook> ReadRunbook(const config::Node& root) {
  Reader reader;
  Runbook book = reader.Read(root);
  if (reader.Failed()) return Fail(reader.error());
  return book;
}

}  // namespace mailhub::runbook
