// YAML to Runbook: shape, keys and types.
#include <algorithm>

#include "actuator/engine/input.h"
#include "actuator/runbook/runbook.h"
#include "lib/config/reader.h"

namespace mailhub::runbook {
namespace {

using config::Node;
using config::Reader;

constexpr size_t kLongestName = 120;
constexpr int kMostAttempts = 20;
constexpr size_t kMostStatuses = 16;
constexpr int kGreatestStatus = 255;
constexpr size_t kMostCalendarNames = 16;
constexpr size_t kMostApprovers = 32;
constexpr size_t kLongestLogin = 128;

Text ReadText(Reader& in, const Node& node) {
  return Text{in.Required(node, config::ReadString), node};
}

std::optional<Text> Maybe(Reader& in, const Node& node) {
  if (!node.Present()) return std::nullopt;
  return ReadText(in, node);
}

Result<std::string> Line(const Node& node) {
  auto text = config::ReadString(node);
  if (text && text->find('\n') != text->npos) return node.Invalid("expected one line");
  return text;
}

Result<std::string> Identifier(const Node& node) {
  return config::Allowed(node, config::kIdentifiers, "letters, digits, _ and -, at most 64");
}

std::vector<std::string> ReadLocks(Reader& in, const Node& node) {
  std::vector<std::string> locks;
  if (!node.Present()) return locks;
  if (node.IsList()) {
    for (const Node& item : node.Items()) locks.push_back(in.Required(item, Identifier));
  } else {
    locks.push_back(in.Required(node, Identifier));
  }
  std::ranges::sort(locks);
  if (std::ranges::adjacent_find(locks) != locks.end()) {
    in.Keep(node.Invalid("duplicate lock"));
  }
  return locks;
}

// A name or a list of names of the calendar.
std::vector<Text> ReadCalendarNames(Reader& in, const Node& node) {
  std::vector<Text> names;
  if (!node.Present()) return names;
  const std::vector<Node> items = node.IsList() ? node.Items() : std::vector<Node>{node};
  if (items.empty() || items.size() > kMostCalendarNames) {
    in.Keep(node.Expected("1 to 16 names of the calendar"));
  }
  for (const Node& item : items) {
    Text name{in.Required(item, Line), item};
    if (name.raw.empty() || name.raw.size() > kLongestName) {
      in.Keep(item.Invalid("expected a name of 1 to 120 characters"));
    }
    if (std::ranges::find(names, name.raw, &Text::raw) != names.end()) {
      in.Keep(item.Invalid("\"" + name.raw + "\" is listed twice"));
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::optional<double> ReadBound(Reader& in, const Node& node, ParameterKind kind) {
  if (!node.Present()) return std::nullopt;
  if (kind == ParameterKind::kNumber) return in.Required(node, config::ReadNumber);
  if (kind == ParameterKind::kDuration) return ToSeconds(in.Required(node, config::ReadDuration));
  in.Keep(node.Invalid("a host has no bounds"));
  return std::nullopt;
}

Result<std::string> DefaultValue(const Node& node, const Parameter& parameter) {
  auto text = config::ReadString(node);
  if (!text) return text;
  auto value = ReadValue(parameter, *text);
  if (!value) return node.Invalid(value.error().message);
  return value;
}

Parameter ReadParameter(Reader& in, const Node::Entry& entry) {
  const Node& node = entry.value;
  Parameter parameter(node);
  parameter.name = entry.key;
  if (!config::kIdentifiers.Allows(entry.key) || entry.key == "host") {
    in.Keep(entry.key_node.Invalid(
        "expected a name of letters, digits, _ and -, and not `host`, which for_each sets"));
  }
  in.Keys(node, {"host_in", "type", "default", "optional", "least", "greatest", "description"});
  std::string type;
  in.Optional(node["type"], &type, Line);
  if (node["host_in"].Present() == node["type"].Present() ||
      (!type.empty() && type != "duration" && type != "number")) {
    in.Keep(node.Invalid("expected either host_in: GROUP, type: duration or type: number"));
  }
  in.Optional(node["host_in"], &parameter.group, Identifier);
  if (type == "duration") parameter.kind = ParameterKind::kDuration;
  if (type == "number") parameter.kind = ParameterKind::kNumber;
  parameter.least = ReadBound(in, node["least"], parameter.kind);
  parameter.greatest = ReadBound(in, node["greatest"], parameter.kind);
  in.Optional(node["description"], &parameter.description, Line);
  in.Optional(node["optional"], &parameter.optional, config::ReadBool);
  in.Optional(node["default"], &parameter.default_value, DefaultValue, parameter);
  if (parameter.kind != ParameterKind::kHost) {
    in.Need(node["default"], "a value to check the runbook with before anybody runs it");
  }
  if (parameter.optional && parameter.default_value) {
    in.Keep(
        node["optional"].Invalid("a parameter with a default is never absent; drop one of both"));
  }
  return parameter;
}

Verb ReadVerb(Reader& in, const Node& node) {
  std::optional<Verb> found;
  if (!node.IsMap()) in.Keep(node.Expected("a step"));
  for (const Verb verb : All<Verb>()) {
    const Node what = node[Name(verb)];
    if (!what.Present()) continue;
    if (found) in.Keep(what.Invalid("a second verb in one step; expected one"));
    found = verb;
  }
  if (!found) in.Keep(node.Invalid("a step without a verb; expected " + Choices<Verb>()));
  return found.value_or(Verb::kRun);
}

Text ReadStepName(Reader& in, const Node& node) {
  Text name{in.Required(node, Line), node};
  if (name.raw.size() > kLongestName) in.Keep(node.Invalid("longer than 120 characters"));
  if (name.raw.find(" > ") != std::string::npos) {
    in.Keep(node.Invalid("\" > \" is kept for naming a step inside another"));
  }
  return name;
}

template <HasWords Enum, typename Rule>
Enum ReadWord(Reader& in, const Node& node, Rule&& rule) {
  const auto named = Named<Enum>(in.Required(node, rule));
  if (!named) in.Keep(node.Expected(Choices<Enum>()));
  return named.value_or(Enum());
}

CommandText ReadCommand(Reader& in, const Node& node) {
  const Node command = node["command"];
  const Node use = node["use"];
  if (command.Present() == use.Present()) {
    in.Keep(node.Invalid("expected either command: SHELL COMMAND or use: NAME IN THE SITE FILE"));
  }
  return CommandText{ReadText(in, use.Present() ? use : command), use.Present()};
}

// `expr` is the node of the expression; the other keys of the gate are beside it.
GateText ReadGate(Reader& in, const Node& node, const Node& expr) {
  GateText gate(ReadText(in, expr));
  gate.window = Maybe(in, node["window"]);
  gate.hold_for = Maybe(in, node["for"]);
  gate.timeout = Maybe(in, node["timeout"]);
  if (const Node about = node["about"]; about.Present()) {
    if (!about.IsList()) in.Keep(about.Expected("a list of hosts"));
    if (about.Items().empty()) in.Keep(about.Invalid("expected at least one host"));
    for (const Node& host : about.Items()) gate.about.push_back(ReadText(in, host));
  }
  in.Optional(node["expect"], &gate.expect, config::ReadInt, 1, 1000);
  return gate;
}

GateText ReadVerify(Reader& in, const Node& node) {
  if (!node.IsMap()) return GateText(ReadText(in, node));
  in.Keys(node, {"expr", "about", "window", "for", "expect", "timeout"});
  return ReadGate(in, node, node["expr"]);
}

std::vector<int> ReadSuccess(Reader& in, const Node& node, Verb verb) {
  std::vector<int> statuses;
  if (verb == Verb::kService) {
    in.Keep(node.Invalid("a service is judged by its state, not by an exit status"));
  }
  const auto items = node.Items();
  if (items.empty() || items.size() > kMostStatuses) {
    in.Keep(node.Expected("a list of 1 to 16 exit statuses"));
  }
  for (const Node& item : items) {
    const int status = in.Required(item, config::ReadInt, 0, kGreatestStatus);
    if (std::ranges::find(statuses, status) != statuses.end()) {
      in.Keep(item.Invalid(std::to_string(status) + " is listed twice"));
    }
    statuses.push_back(status);
  }
  std::ranges::sort(statuses);
  return statuses;
}

DeadManText ReadDeadMan(Reader& in, const Node& node, const StepText& step) {
  in.Keys(node, {"restore", "after", "until"});
  DeadManText dead_man{{}, ReadText(in, node["after"]), Maybe(in, node["until"])};
  const Node restore = node["restore"];
  if (restore.IsMap()) {
    in.Keys(restore, {"command", "use"});
    dead_man.restore = ReadCommand(in, restore);
  } else if (restore.Present()) {
    dead_man.restore = CommandText{ReadText(in, restore), false};
  } else if (step.verb != Verb::kService || step.state != ServiceState::kStopped) {
    in.Need(restore, "a command that brings back what this step takes away");
  }
  return dead_man;
}

void ReadAction(Reader& in, const Node& node, StepText* step) {
  const Node what = node[Name(step->verb)];
  if (step->verb == Verb::kService) {
    in.Keys(what, {"on", "name", "state"});
    step->service = ReadText(in, what["name"]);
    step->state = ReadWord<ServiceState>(in, what["state"], config::ReadString);
  } else {
    in.Keys(what, {"on", "command", "use"});
    step->command = ReadCommand(in, what);
  }
  step->on = ReadText(in, what["on"]);
  if (node["verify"].Present()) step->gate = ReadVerify(in, node["verify"]);
  step->timeout = Maybe(in, node["timeout"]);
  if (step->verb == Verb::kJob) {
    in.Need(node["timeout"], "a duration, after which a running job holds the run");
  }
  if (const Node retry = node["retry"]; retry.Present()) {
    in.Keys(retry, {"attempts", "delay"});
    step->attempts = in.Required(retry["attempts"], config::ReadInt, 2, kMostAttempts);
    step->retry_delay = Maybe(in, retry["delay"]);
  }
  if (node["success"].Present()) step->success = ReadSuccess(in, node["success"], step->verb);
  in.Optional(node["idempotent"], &step->idempotent, config::ReadBool);
  if (const Node dead_man = node["dead_man"]; dead_man.Present()) {
    step->dead_man = ReadDeadMan(in, dead_man, *step);
  }
}

template <typename Read, typename... Args>
auto ReadSteps(Reader& in, const Node& node, Read&& read, Args... args) {
  std::vector<decltype(read(in, node, args...))> steps;
  if (!node.IsList()) in.Keep(node.Expected("a list of steps"));
  const auto items = node.Items();
  if (items.empty()) in.Keep(node.Invalid("expected at least one step"));
  for (const Node& item : items) {
    if (in.Failed()) break;
    steps.push_back(read(in, item, args...));
  }
  return steps;
}

StepText ReadStep(Reader& in, const Node& node, bool in_for_each);

void ReadForEach(Reader& in, const Node& node, StepText* step) {
  const Node what = node["for_each"];
  in.Keys(node, {"name", "for_each", "steps"});
  in.Keys(what, {"host_in", "first", "except"});
  step->group = in.Required(what["host_in"], Identifier);
  step->first = Maybe(in, what["first"]);
  if (const Node except = what["except"]; except.IsList()) {
    for (const Node& host : except.Items()) step->except.push_back(ReadText(in, host));
  } else if (except.Present()) {
    step->except.push_back(ReadText(in, except));
  }
  step->steps = ReadSteps(in, node["steps"], ReadStep, true);
}

void ReadCall(Reader& in, const Node& node, StepText* step) {
  const Node what = node["call"];
  in.Keys(node, {"name", "call"});
  in.Keys(what, {"runbook", "parameters"});
  step->runbook = in.Required(what["runbook"], Identifier);
  if (const Node parameters = what["parameters"]; parameters.Present()) {
    if (!parameters.IsMap()) in.Keep(parameters.Expected("a map"));
    for (const auto& entry : parameters.Entries()) {
      step->parameters.emplace(entry.key, ReadText(in, entry.value));
    }
  }
}

// Who may answer: logins, and the roles that may do more than look.
std::vector<std::string> ReadApprovers(Reader& in, const Node& node) {
  std::vector<std::string> by;
  const std::vector<Node> items = node.IsList() ? node.Items() : std::vector<Node>{node};
  if (items.empty() || items.size() > kMostApprovers) {
    in.Keep(node.Expected("1 to 32 logins or roles"));
  }
  for (const Node& item : items) {
    std::string name = in.Required(item, Line);
    if (name.size() > kLongestLogin) in.Keep(item.Invalid("longer than 128 characters"));
    if (name == engine::Name(engine::Role::kViewer)) {
      in.Keep(item.Invalid("a viewer may only look; expected a login, operator or approver"));
    }
    if (std::ranges::find(by, name) != by.end()) {
      in.Keep(item.Invalid("\"" + name + "\" is listed twice"));
    }
    by.push_back(std::move(name));
  }
  return by;
}

void ReadConfirm(Reader& in, const Node& what, StepText* step) {
  if (!what.IsMap()) return;
  in.Keys(what, {"question", "timeout", "on_timeout", "by", "not_the_starter"});
  ApprovalText& approval = step->approval.emplace();
  approval.timeout = Maybe(in, what["timeout"]);
  if (const Node on_timeout = what["on_timeout"]; on_timeout.Present()) {
    step->on_failure = ReadWord<engine::OnFailure>(in, on_timeout, Line);
    if (step->on_failure == engine::OnFailure::kContinue) {
      in.Keep(on_timeout.Invalid("expected hold or abort: silence is no consent"));
    }
    in.Need(what["timeout"], "a duration, after which on_timeout applies");
  }
  if (const Node by = what["by"]; by.Present()) approval.by = ReadApprovers(in, by);
  in.Optional(what["not_the_starter"], &approval.not_the_starter, config::ReadBool);
}

StepText ReadStep(Reader& in, const Node& node, bool in_for_each) {
  StepText step(ReadVerb(in, node), node);
  const bool block = step.verb == Verb::kForEach || step.verb == Verb::kCall;
  // People must see the question, so it is also the name of the step.
  Node name = node[step.verb == Verb::kConfirm ? "confirm" : "name"];
  if (step.verb == Verb::kConfirm && name.IsMap()) {
    in.Need(name["question"], "the question that a person answers");
    name = name["question"];
  }
  if (name.Present() || !block) step.name = ReadStepName(in, name);
  if (const Node on_failure = node["on_failure"]; on_failure.Present()) {
    step.on_failure = ReadWord<engine::OnFailure>(in, on_failure, Line);
  }
  switch (step.verb) {
    case Verb::kRun:
    case Verb::kJob:
    case Verb::kService:
      in.Keys(node, {"name", Name(step.verb), "verify", "timeout", "retry", "success", "idempotent",
                     "dead_man", "on_failure"});
      ReadAction(in, node, &step);
      break;
    case Verb::kWaitFor:
    case Verb::kCheck:
      in.Keys(node, {"name", Name(step.verb), "about", "window", "for", "expect", "timeout",
                     "on_failure"});
      step.gate = ReadGate(in, node, node[Name(step.verb)]);
      break;
    case Verb::kConfirm:
      in.Keys(node, {"confirm"});
      ReadConfirm(in, node["confirm"], &step);
      break;
    case Verb::kForEach:
      if (in_for_each) in.Keep(node["for_each"].Invalid("a for_each inside a for_each"));
      ReadForEach(in, node, &step);
      break;
    case Verb::kCall:
      ReadCall(in, node, &step);
      break;
  }
  return step;
}

AlwaysText ReadAlways(Reader& in, const Node& node) {
  in.Keys(node, {"since", "until", "name", "run", "service", "verify", "timeout", "retry",
                 "success", "idempotent"});
  AlwaysText always{StepText(ReadVerb(in, node), node), ReadText(in, node["since"]),
                    Maybe(in, node["until"])};
  always.step.name = ReadStepName(in, node["name"]);
  ReadAction(in, node, &always.step);
  return always;
}

}  // namespace

Result<Runbook> ReadRunbook(const Node& root) {
  Reader in;
  in.Keys(root, {"runbook", "summary", "parameters", "lock", "target", "commit", "expected",
                 "windows", "blackouts", "steps", "always"});
  Runbook book(root);
  book.name = in.Required(root["runbook"], Identifier);
  book.summary = in.Required(root["summary"], Line);
  const Node parameters = root["parameters"];
  if (parameters.Present() && !parameters.IsMap()) in.Keep(parameters.Expected("a map"));
  for (const auto& entry : parameters.Entries()) {
    book.parameters.push_back(ReadParameter(in, entry));
  }
  book.locks = ReadLocks(in, root["lock"]);
  book.target = Maybe(in, root["target"]);
  book.commit = Maybe(in, root["commit"]);
  book.expected = Maybe(in, root["expected"]);
  book.windows = ReadCalendarNames(in, root["windows"]);
  book.blackouts = ReadCalendarNames(in, root["blackouts"]);
  if (!book.windows.empty() || !book.blackouts.empty()) {
    in.Need(root["expected"], "how long a run takes, so that it can be seen whether it fits");
  }
  book.steps = ReadSteps(in, root["steps"], ReadStep, false);
  if (const Node always = root["always"]; always.Present()) {
    book.always = ReadSteps(in, always, ReadAlways);
  }
  return in.Finish(std::move(book));
}

}  // namespace mailhub::runbook
