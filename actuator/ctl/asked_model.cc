// See asked_model.h.
#include "actuator/ctl/asked_model.h"

#include <cstdio>

#include "actuator/ctl/json_fields.h"

namespace mailhub::ctl {
namespace {

template <typename T>
std::vector<T> List(const Json& json, const char* key, T (*one)(const Json&)) {
  std::vector<T> list;
  for (const Json& entry : NeededList(json, key)) list.push_back(one(entry));
  return list;
}

PassedTrigger ToPassed(const Json& json) {
  PassedTrigger passed{NeededText(json, "trigger"), Text(json, "label"), Text(json, "operator"),
                       Text(json, "expected"), std::nullopt};
  if (!At(json, "value").is_null()) passed.value = Text(json, "value");
  return passed;
}

AnswerRight ToAnswerRight(const Json& json) {
  return {NeededText(json, "path"), Text(json, "question"), Text(json, "whom"),
          Needed(json, "may").get<bool>(), Text(json, "why")};
}

std::vector<AnswerRight> ToQuestions(const Json& json) {
  std::vector<AnswerRight> questions;
  for (const Json& one : At(json, "questions")) questions.push_back(ToAnswerRight(one));
  return questions;
}

std::optional<Person> ToPerson(const Json& json) {
  const Json& person = At(json, "person");
  if (person.is_null()) return std::nullopt;
  return Person{NeededText(person, "name"), Needed(person, "login").get<bool>(),
                Needed(person, "mayStart").get<bool>()};
}

Trial ToTrial(const Json& json) {
  Trial trial;
  trial.alertname = Text(json, "alertname");
  trial.fingerprint = Text(json, "fingerprint");
  trial.status = Text(json, "status");
  trial.decision = NeededText(json, "decision");
  trial.detail = Text(json, "detail");
  trial.trigger = Text(json, "trigger");
  trial.run = Text(json, "run");
  trial.new_run = Bool(json, "newRun");
  const Json& parameters = At(json, "parameters");
  if (!parameters.is_null()) {
    trial.parameters = parameters.get<std::map<std::string, std::string>>();
  }
  trial.passed = List(json, "passed", &ToPassed);
  trial.start = ToStart(At(json, "start"));
  trial.questions = ToQuestions(json);
  const Json& only_if = At(json, "onlyIf");
  if (only_if.is_null()) return trial;
  trial.only_if = NeededText(only_if, "expr");
  if (!At(only_if, "holds").is_null()) trial.holds = Bool(only_if, "holds");
  trial.why = Text(only_if, "why");
  return trial;
}

LiveGate ToLiveGate(const Json& json) {
  LiveGate gate{NeededText(json, "path"), Text(json, "step"), Text(json, "expr"), {}};
  gate.now.state = NeededText(json, "state");
  gate.now.value = Number(json, "value");
  gate.now.threshold = Number(json, "threshold");
  gate.now.comparison = Text(json, "comparison");
  gate.now.why = Text(json, "why");
  return gate;
}

HostFact ToFact(const Json& json) {
  return {NeededText(json, "about"), NeededText(json, "known"), Text(json, "why")};
}

LiveHost ToLiveHost(const Json& json) {
  return {NeededText(json, "host"), List(json, "facts", &ToFact)};
}

LiveLock ToLock(const Json& json) {
  return {NeededText(json, "lock"), Text(json, "run"), Text(json, "runbook"),
          NeededText(json, "state")};
}

Cooldown ToCooldown(const Json& json) {
  return {NeededText(json, "trigger"), Text(json, "run"),
          NeededNumber<double>(json, "leftSeconds")};
}

Finding ToFinding(const Json& json) {
  return {NeededText(json, "about"), NeededText(json, "what"), Text(json, "remedy")};
}

// FNV-1a of 64 bits over names and values in the order of the names, each with an end that no UTF-8
// text has.
std::string FingerprintOf(const std::map<std::string, std::string>& labels) {
  uint64_t hash = 14695981039346656037U;
  const auto add = [&hash](const std::string& text) {
    for (const char c : text + '\xff')
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  };
  for (const auto& [name, value] : labels) {
    add(name);
    add(value);
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace

Result<Trials> ParseTrials(const std::string& data) {
  return Parse(data, [](const Json& json) {
    return Trials{List(json, "alerts", &ToTrial), ToPerson(json), Whole(json, "leftOut")};
  });
}

Result<LivePlan> ParseLivePlan(const std::string& data) {
  std::string plan_text;
  auto live = Parse(data, [&](const Json& json) {
    LivePlan one;
    plan_text = Needed(json, "plan").dump();
    one.gates = List(json, "gates", &ToLiveGate);
    one.hosts = List(json, "hosts", &ToLiveHost);
    one.locks = List(json, "locks", &ToLock);
    one.cooldowns = List(json, "cooldowns", &ToCooldown);
    one.mode = NeededText(json, "mode");
    one.start = ToStart(At(json, "start"));
    one.person = ToPerson(json);
    one.questions = ToQuestions(json);
    one.obstacles = List(json, "obstacles", &ToFinding);
    one.unknowns = List(json, "unknowns", &ToFinding);
    return one;
  });
  if (!live) return live;
  auto plan = ParsePlan(plan_text);
  if (!plan) return Fail(plan.error());
  live->plan = *std::move(plan);
  return live;
}

std::string NotificationJson(const std::map<std::string, std::string>& labels, bool firing,
                             const std::string& now) {
  const Json alert = {{"status", firing ? "firing" : "resolved"},
                      {"labels", labels},
                      {"startsAt", now},
                      {"fingerprint", FingerprintOf(labels)}};
  return Json({{"version", "4"}, {"alerts", Json::array({alert})}})
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mailhub::ctl
