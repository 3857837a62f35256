// Renders what would happen: trials of alerts, and plans with live values.
#include "actuator/api/json_values.h"
#include "actuator/api/render.h"
#include "actuator/api/start_json.h"
#include "actuator/engine/approval.h"

namespace mailhub::api {
namespace {

const char* Sign(engine::Matcher::Op op) {
  switch (op) {
    case engine::Matcher::Op::kEqual:
      return "=";
    case engine::Matcher::Op::kNotEqual:
      return "!=";
    case engine::Matcher::Op::kRegex:
      return "=~";
    case engine::Matcher::Op::kNotRegex:
      return "!~";
  }
  return "";
}

Json ToJson(const engine::PassedTrigger& passed) {
  return {{"trigger", passed.trigger},
          {"label", passed.matcher.label},
          {"operator", Sign(passed.matcher.op)},
          {"expected", passed.matcher.value},
          {"value", passed.label ? Json(*passed.label) : Json(nullptr)}};
}

// `holds` is null if that is not known; `why` says so then.
Json OnlyIfJson(const std::string& expr,
                const std::map<std::string, engine::QueryReading>& only_ifs) {
  if (expr.empty()) return nullptr;
  Json json = {{"expr", expr}, {"holds", nullptr}, {"why", "not asked: the alert does not fire"}};
  const auto found = only_ifs.find(expr);
  if (found == only_ifs.end()) return json;
  const Result<bool>& holds = found->second.holds;
  json["holds"] = holds ? Json(*holds) : Json(nullptr);
  json["why"] = holds ? "" : holds.error().message;
  return json;
}

Json PersonJson(const engine::Command& person) {
  return {{"name", person.by},
          {"login", person.login},
          {"mayStart", person.roles.contains(engine::Role::kOperator)}};
}

Json QuestionsJson(const std::vector<engine::Step>& questions, const engine::RunQueued& queued,
                   const engine::Command& person) {
  Json list = Json::array();
  for (const engine::AnswerRight& one : engine::AnswerRights(questions, queued, person)) {
    list.push_back({{"path", one.path},
                    {"question", one.step},
                    {"whom", one.whom},
                    {"may", one.why.empty()},
                    {"why", one.why}});
  }
  return list;
}

// Of a run that the alert would start; a person starts no such run.
Json QuestionsJson(const engine::AlertTrial& trial, const engine::Command& person) {
  engine::RunQueued queued;
  queued.trigger = trial.decided.trigger;
  return QuestionsJson(trial.questions, queued, person);
}

Json ToJson(const engine::AlertTrial& trial, const engine::Command& person,
            const std::map<std::string, engine::QueryReading>& only_ifs) {
  const engine::AlertDecided& decided = trial.decided;
  const bool has_parameters = trial.parameters && *trial.parameters;
  Json json = {{"alertname", decided.alertname},
               {"fingerprint", decided.fingerprint},
               {"labels", decided.labels},
               {"status", decided.firing ? "firing" : "resolved"},
               {"startsAt", Time(decided.starts_at)},
               {"decision", Name(decided.decision)},
               {"detail", decided.detail},
               {"trigger", decided.trigger},
               {"run", trial.new_run ? "" : decided.run},
               {"newRun", trial.new_run},
               {"parameters", has_parameters ? Json(**trial.parameters) : Json(nullptr)},
               {"onlyIf", OnlyIfJson(trial.only_if, only_ifs)},
               {"start", trial.start ? StartJson(*trial.start) : Json(nullptr)},
               {"questions", trial.new_run ? QuestionsJson(trial, person) : Json::array()},
               {"passed", Json::array()}};
  for (const engine::PassedTrigger& passed : trial.passed) json["passed"].push_back(ToJson(passed));
  return json;
}

Json ToJson(const engine::LiveGate& live) {
  Json json = {{"path", live.path},  {"step", live.step},  {"expr", live.gate.expr},
               {"state", "unknown"}, {"value", nullptr},   {"threshold", nullptr},
               {"comparison", ""},   {"why", live.why_not}};
  if (!live.reading) return json;
  json["state"] = Name(live.reading->state);
  json["value"] = NumberOf(live.reading->value);
  json["threshold"] = NumberOf(live.reading->threshold);
  json["comparison"] = live.reading->comparison;
  json["why"] = live.reading->why;
  return json;
}

Json ToJson(const engine::HostReport& report) {
  Json facts = Json::array();
  for (const engine::HostFact& fact : report.facts) {
    facts.push_back({{"about", Name(fact.about)}, {"known", Name(fact.known)}, {"why", fact.why}});
  }
  return {{"host", report.host}, {"facts", std::move(facts)}};
}

Json ToJson(const std::vector<engine::Finding>& findings) {
  Json list = Json::array();
  for (const engine::Finding& one : findings) {
    list.push_back({{"about", one.about}, {"what", one.what}, {"remedy", one.remedy}});
  }
  return list;
}

}  // namespace

std::string TrialsData(const std::vector<engine::AlertTrial>& trials,
                       const std::map<std::string, engine::QueryReading>& only_ifs,
                       uint64_t left_out, const engine::Command& person) {
  Json alerts = Json::array();
  for (const engine::AlertTrial& trial : trials) alerts.push_back(ToJson(trial, person, only_ifs));
  return Dump(
      {{"alerts", std::move(alerts)}, {"leftOut", left_out}, {"person", PersonJson(person)}});
}

std::string LivePlanData(const engine::LivePlan& live, const engine::Command& person) {
  engine::RunQueued queued;
  queued.by = person.by;
  queued.by_login = person.login;
  Json json = {{"plan", Json::parse(PlanData(live.plan))},
               {"gates", Json::array()},
               {"hosts", Json::array()},
               {"locks", Json::array()},
               {"cooldowns", Json::array()},
               {"mode", Name(live.mode)},
               {"sameRun", live.same_run},
               {"start", StartJson(live.start)},
               {"person", PersonJson(person)},
               {"questions", QuestionsJson(engine::QuestionsOf(live.plan), queued, person)},
               {"obstacles", ToJson(live.obstacles)},
               {"unknowns", ToJson(live.unknowns)}};
  for (const engine::LiveGate& gate : live.gates) json["gates"].push_back(ToJson(gate));
  for (const engine::HostReport& host : live.hosts) json["hosts"].push_back(ToJson(host));
  for (const engine::LiveLock& lock : live.locks) {
    json["locks"].push_back({{"lock", lock.lock},
                             {"run", lock.run},
                             {"runbook", lock.runbook},
                             {"state", lock.run.empty() ? "free" : Name(lock.state)}});
  }
  for (const engine::CooldownLeft& one : live.cooldowns) {
    json["cooldowns"].push_back(
        {{"trigger", one.trigger}, {"run", one.run}, {"leftSeconds", ToSeconds(one.left)}});
  }
  return Dump(json);
}

}  // namespace mailhub::api
