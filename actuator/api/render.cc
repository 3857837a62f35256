// Views to JSON. Names are in camelCase with their unit, times in RFC 3339, what is not there is
// null: a reader never has to guess whether a field was forgotten.
#include "actuator/api/render.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

namespace mailhub::api {
namespace {

using Json = nlohmann::ordered_json;
using engine::RunView;
using engine::StepView;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Time(const std::optional<WallTime>& time) {
  return time && *time != WallTime() ? Json(FormatUtc(*time)) : Json(nullptr);
}
Json SecondsOf(const std::optional<Milliseconds>& duration) {
  return duration ? Json(ToSeconds(*duration)) : Json(nullptr);
}
Json NumberOf(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? Json(*number) : Json(nullptr);
}
template <typename Enum>
Json NameOf(const std::optional<Enum>& value) {
  return value ? Json(Name(*value)) : Json(nullptr);
}

// Never negative: wall time may step.
std::optional<Milliseconds> Between(const std::optional<WallTime>& from, WallTime to) {
  if (!from) return std::nullopt;
  return std::max(Milliseconds(0), to - *from);
}

Json ToJson(const engine::GateReading& gate) {
  return {{"state", Name(gate.state)},
          {"value", NumberOf(gate.value)},
          {"threshold", NumberOf(gate.threshold)},
          {"comparison", gate.comparison},
          {"why", gate.why}};
}

bool UnderWay(const StepView& step) {
  return !step.result && step.phase != engine::StepPhase::kPending &&
         step.phase != engine::StepPhase::kDone;
}

Json StepSummary(const StepView& step, WallTime now) {
  std::optional<Milliseconds> elapsed = step.took;
  if (!elapsed && UnderWay(step)) elapsed = Between(step.started, now);
  return {{"path", step.path},
          {"name", step.name},
          {"kind", Name(step.kind)},
          {"host", step.host},
          {"always", step.always},
          {"phase", Name(step.phase)},
          {"result", NameOf(step.result)},
          {"attempt", step.attempt},
          {"startedAt", Time(step.started)},
          {"elapsedSeconds", SecondsOf(elapsed)},
          {"gate", step.gate ? ToJson(*step.gate) : Json(nullptr)},
          {"detail", step.detail}};
}

Json StepJson(const StepView& step, WallTime now) {
  Json json = StepSummary(step, now);
  json["expr"] = step.expr;
  json["command"] = step.command;
  json["output"] = step.output;
  json["exitStatus"] = step.exit_status ? Json(*step.exit_status) : Json(nullptr);
  return json;
}

std::string StepName(const RunView& run, const std::string& path) {
  for (const StepView& step : run.steps)
    if (step.path == path) return step.name;
  return path;
}

Json HoldJson(const RunView& run) {
  if (run.holds.empty()) return nullptr;
  const engine::HoldView& hold = run.holds.front();
  return {{"reason", Name(hold.reason)},
          {"path", hold.path},
          {"step", StepName(run, hold.path)},
          {"detail", hold.detail}};
}

// The step to show for a run in one line: the one it is at, unless it has not begun or is over.
Json CurrentStep(const RunView& run, WallTime now) {
  const bool active =
      run.state != engine::RunState::kQueued && run.state != engine::RunState::kFinished;
  if (!active || run.current >= run.steps.size()) return nullptr;
  return StepSummary(run.steps[run.current], now);
}

Json RunJson(const RunView& run, WallTime now) {
  const WallTime until = run.finished.value_or(now);
  std::optional<Milliseconds> remaining;
  if (run.eta && !run.finished) remaining = Between(now, *run.eta);
  const auto done = std::count_if(run.steps.begin(), run.steps.end(), [](const StepView& step) {
    return step.result.has_value() && !step.always;
  });
  const auto all = std::count_if(run.steps.begin(), run.steps.end(),
                                 [](const StepView& step) { return !step.always; });
  return {{"id", run.id},
          {"runbook", run.runbook},
          {"summary", run.summary},
          {"target", run.target},
          {"parameters", run.parameters},
          {"by", run.by},
          {"trigger", run.trigger},
          {"fingerprint", run.fingerprint},
          {"state", Name(run.state)},
          {"waitingFor", run.waiting_for},
          {"hold", HoldJson(run)},
          {"result", NameOf(run.result)},
          {"resultDetail", run.result_detail},
          {"queuedAt", Time(run.queued)},
          {"startedAt", Time(run.started)},
          {"finishedAt", Time(run.finished)},
          {"elapsedSeconds", SecondsOf(Between(run.started, until))},
          {"eta", Time(run.eta)},
          {"remainingSeconds", SecondsOf(remaining)},
          {"overdue", run.overdue},
          {"locks", run.locks},
          {"hosts", run.hosts},
          {"stepsDone", done},
          {"stepsTotal", all},
          {"currentStep", CurrentStep(run, now)}};
}

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
  Json operator()(const engine::HostTakeover& body) const {
    return {{"host", body.host}, {"by", body.by}, {"detail", body.detail}};
  }
  Json operator()(const engine::EpisodeClosed& body) const {
    return {{"fingerprint", body.fingerprint}, {"by", body.by}, {"detail", body.detail}};
  }
};

}  // namespace

std::string RunsData(const std::vector<const RunView*>& runs, WallTime now) {
  Json list = Json::array();
  for (const RunView* run : runs) list.push_back(RunJson(*run, now));
  return Dump({{"runs", list}});
}

std::string RunSummary(const RunView& run, WallTime now) {
  return Dump(RunJson(run, now));
}

std::string RunData(const RunView& run, WallTime now) {
  Json json = RunJson(run, now);
  json["steps"] = Json::array();
  for (const StepView& step : run.steps) json["steps"].push_back(StepJson(step, now));
  return Dump(json);
}

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
    Json json = {{"at", Time(alert.at)}};
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

std::string ModeData(engine::Mode mode) {
  return Dump({{"mode", Name(mode)}});
}

std::string TakeoverData(const std::string& host) {
  return Dump({{"host", host}});
}

std::string ViewSummary(const engine::View& view) {
  Json runs = Json::array();
  for (const RunView& run : view.unfinished) runs.push_back(run.id);
  return Dump({{"mode", Name(view.mode)},
               {"epoch", view.epoch},
               {"openEpisodes", view.open_episodes},
               {"queueBlockedByHold", view.queue_blocked_by_hold},
               {"unfinishedRuns", runs}});
}

std::string StatusData(const std::string& version, const engine::View& view, bool ready,
                       WallTime now) {
  return Dump({{"version", version},
               {"ready", ready},
               {"time", Time(now)},
               {"mode", Name(view.mode)},
               {"epoch", view.epoch},
               {"openEpisodes", view.open_episodes},
               {"queueBlockedByHold", view.queue_blocked_by_hold},
               {"unfinishedRuns", view.unfinished.size()}});
}

std::string StartedData(const std::string& run) {
  return Dump({{"run", run}});
}

std::string Success(const std::string& data) {
  return "{\"status\":\"success\",\"data\":" + data + "}\n";
}

std::string Failure(const std::string& error_type, const std::string& message) {
  return Dump({{"status", "error"}, {"errorType", error_type}, {"error", message}}) + "\n";
}

std::string FormatUtc(WallTime time) {
  const auto whole = std::chrono::floor<Seconds>(time);
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 48> text{};
  const size_t length = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const auto ms = (time - whole).count();
  std::string out(text.data(), length);
  out += '.';
  out += static_cast<char>('0' + ms / 100);
  out += static_cast<char>('0' + ms / 10 % 10);
  out += static_cast<char>('0' + ms % 10);
  return out + 'Z';
}

}  // namespace mailhub::api
