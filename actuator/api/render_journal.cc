// What the journal holds, as JSON: plans, events, decisions, finished runs.
#include "actuator/api/json_values.h"
#include "actuator/api/render.h"

namespace mailhub::api {
namespace {

Json ToJson(const engine::Gate& gate) {
  return {{"expr", gate.expr},
          {"about", gate.about},
          {"windowSeconds", ToSeconds(gate.window)},
          {"forSeconds", ToSeconds(gate.hold_for)},
          {"expect", gate.expect},
          {"timeoutSeconds", ToSeconds(gate.timeout)}};
}

Json ToJson(const engine::Step& step) {
  Json dead_man = nullptr;
  if (step.dead_man)
    dead_man = {{"restore", step.dead_man->restore},
                {"afterSeconds", ToSeconds(step.dead_man->after)},
                {"until", step.dead_man->until}};
  return {{"path", step.path},
          {"name", step.name},
          {"kind", Name(step.kind)},
          {"host", step.host},
          {"command", step.command},
          {"timeoutSeconds", ToSeconds(step.timeout)},
          {"attempts", step.attempts},
          {"idempotent", step.idempotent},
          {"gate", step.gate ? ToJson(*step.gate) : Json(nullptr)},
          {"deadMan", dead_man},
          {"onFailure", Name(step.on_failure)}};
}

Json PlanJson(const engine::Plan& plan) {
  Json steps = Json::array();
  for (const engine::Step& step : plan.steps) steps.push_back(ToJson(step));
  Json always = Json::array();
  for (const engine::AlwaysStep& owed : plan.always) {
    Json json = ToJson(owed.step);
    json["since"] = owed.since;
    json["until"] = owed.until;
    always.push_back(std::move(json));
  }
  return {{"runbook", plan.runbook},
          {"summary", plan.summary},
          {"parameters", plan.parameters},
          {"target", plan.target},
          {"locks", plan.locks},
          {"commit", plan.commit},
          {"expectedSeconds", ToSeconds(plan.expected)},
          {"steps", steps},
          {"always", always}};
}

Json ToJson(const engine::AlertDecided& body) {
  return {{"notification", body.notification},
          {"fingerprint", body.fingerprint},
          {"alertname", body.alertname},
          {"labels", body.labels},
          {"status", body.firing ? "firing" : "resolved"},
          {"startsAt", Time(body.starts_at)},
          {"trigger", body.trigger},
          {"decision", Name(body.decision)},
          {"detail", body.detail},
          {"run", body.run}};
}

// What an event says beyond its kind, time and run.
struct Fields {
  Json operator()(const engine::ActuatorStarted& body) const {
    return {{"epoch", body.epoch}, {"version", body.version}};
  }
  Json operator()(const engine::ModeChanged& body) const {
    return {{"mode", Name(body.mode)}, {"by", body.by}};
  }
  Json operator()(const engine::AlertDecided& body) const { return ToJson(body); }
  Json operator()(const engine::RunQueued& body) const {
    return {{"plan", PlanJson(body.plan)},
            {"trigger", body.trigger},
            {"fingerprint", body.fingerprint},
            {"by", body.by},
            {"onlyIf", body.only_if}};
  }
  Json operator()(const engine::RunStarted&) const { return Json::object(); }
  Json operator()(const engine::RunDropped& body) const { return {{"detail", body.why}}; }
  Json operator()(const engine::StepStarted& body) const {
    return {{"path", body.path}, {"attempt", body.attempt}, {"receiptsAt", body.directory_id}};
  }
  Json operator()(const engine::StepSettled& body) const {
    const bool finished = body.receipt.state == engine::ReceiptState::kFinished;
    return {{"path", body.path},
            {"attempt", body.attempt},
            {"receipt", Name(body.receipt.state)},
            {"exitStatus", finished ? Json(body.receipt.exit_status) : Json(nullptr)},
            {"tookSeconds", finished ? Json(ToSeconds(body.receipt.duration)) : Json(nullptr)},
            {"output", body.receipt.output},
            {"outputTruncated", body.receipt.truncated},
            {"receiptsLost", body.receipts_lost}};
  }
  Json operator()(const engine::StepDone& body) const {
    return {{"path", body.path},
            {"result", Name(body.result)},
            {"tookSeconds", ToSeconds(body.took)},
            {"detail", body.detail}};
  }
  Json operator()(const engine::DeadManArmed& body) const {
    return {{"path", body.path}, {"host", body.host}, {"afterSeconds", ToSeconds(body.after)}};
  }
  Json operator()(const engine::DeadManDisarmed& body) const { return {{"path", body.path}}; }
  Json operator()(const engine::DeadManRestored& body) const {
    return {{"path", body.path}, {"detail", body.detail}};
  }
  Json operator()(const engine::RunHeld& body) const {
    return {{"path", body.path}, {"reason", Name(body.reason)}, {"detail", body.detail}};
  }
  Json operator()(const engine::OperatorActed& body) const {
    Json json = {
        {"verb", Name(body.verb)}, {"path", body.path}, {"by", body.by}, {"detail", body.detail}};
    if (body.hold > engine::kNoHold) json["hold"] = body.hold;
    return json;
  }
  Json operator()(const engine::RunEnding& body) const {
    return {{"result", Name(body.result)}, {"detail", body.detail}};
  }
  Json operator()(const engine::RunFinished& body) const {
    return {{"result", Name(body.result)}, {"detail", body.detail}};
  }
  Json operator()(const engine::RunSwept&) const { return Json::object(); }
  Json operator()(const engine::EpisodeClosed& body) const {
    return {{"fingerprint", body.fingerprint}, {"by", body.by}, {"detail", body.detail}};
  }
  Json operator()(const engine::HostTakeover& body) const {
    return {{"host", body.host}, {"by", body.by}, {"detail", body.detail}};
  }
};

}  // namespace

std::string EventsData(const std::vector<engine::Event>& events) {
  Json list = Json::array();
  for (const engine::Event& event : events) {
    Json json = {{"seq", event.seq},
                 {"at", Time(event.at)},
                 {"run", event.run},
                 {"kind", engine::Name(event.body)}};
    json.update(std::visit(Fields(), event.body));
    list.push_back(std::move(json));
  }
  return Dump({{"events", list}});
}

std::string AlertsData(const std::vector<PastAlert>& alerts) {
  Json list = Json::array();
  for (const PastAlert& alert : alerts) {
    Json json = {{"seq", alert.seq}, {"at", Time(alert.at)}};
    json.update(ToJson(alert.decided));
    list.push_back(std::move(json));
  }
  return Dump({{"alerts", list}});
}

std::string HistoryData(const std::vector<PastRun>& runs) {
  Json list = Json::array();
  for (const PastRun& run : runs) {
    const bool started = run.started != WallTime();
    list.push_back({{"id", run.id},
                    {"runbook", run.runbook},
                    {"target", run.target},
                    {"by", run.by},
                    {"result", Name(run.result)},
                    {"detail", run.detail},
                    {"queuedAt", Time(run.queued)},
                    {"startedAt", Time(run.started)},
                    {"finishedAt", Time(run.finished)},
                    {"durationSeconds",
                     started ? SecondsOf(Between(run.started, run.finished)) : Json(nullptr)}});
  }
  return Dump({{"runs", list}});
}

std::string PlanData(const engine::Plan& plan) {
  return Dump(PlanJson(plan));
}

}  // namespace mailhub::api
