// Renders views as JSON. Names are in camelCase with their unit, times in RFC 3339. A missing value
// is null, so that it cannot be taken for a forgotten field.
#include "actuator/api/render.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <optional>

#include "actuator/api/start_json.h"

namespace mailhub::api {
namespace {

using engine::RunView;
using engine::StepView;

Json ToJson(const engine::GateReading& gate) {
  return {{"state", Name(gate.state)},
          {"value", NumberOf(gate.value)},
          {"threshold", NumberOf(gate.threshold)},
          {"comparison", gate.comparison},
          {"why", gate.why}};
}

bool UnderWay(const StepView& step) {
  return !step.result && step.phase != engine::StepPhase::kPending &&
         step.phase != engine::StepPhase::kDone && step.phase != engine::StepPhase::kLeft;
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

Json NamesOf(const std::vector<engine::Verb>& verbs) {
  Json names = Json::array();
  for (const engine::Verb verb : verbs) names.push_back(Name(verb));
  return names;
}

Json ToJson(const RunView& run, const engine::HoldView& hold) {
  return {{"number", hold.number},
          {"path", hold.path},
          {"step", hold.step_name.empty() ? StepName(run, hold.path) : hold.step_name},
          {"reason", Name(hold.reason)},
          {"detail", hold.detail},
          {"since", Time(hold.since)},
          {"answers", NamesOf(hold.answers)},
          {"deadMan", hold.dead_man}};
}

Json PauseJson(const RunView& run) {
  if (!run.pause) return nullptr;
  return {{"number", run.pause->number},
          {"by", run.pause->by},
          {"reason", run.pause->reason},
          {"since", Time(run.pause->since)}};
}

Json HoldsJson(const RunView& run) {
  Json holds = Json::array();
  for (const engine::HoldView& hold : run.holds) holds.push_back(ToJson(run, hold));
  return holds;
}

// The question of the step that waits for a person, with the fields of an answer.
Json AsksJson(const RunView& run) {
  if (run.asks.empty()) return nullptr;
  for (const StepView& step : run.steps) {
    if (step.phase != engine::StepPhase::kConfirm) continue;
    return {{"path", step.path},
            {"attempt", step.attempt},
            {"step", step.name},
            {"question", run.asks},
            {"whom", run.asks_whom},
            {"since", Time(run.asks_since)},
            {"until", Time(run.asks_until)}};
  }
  return nullptr;
}

Json DeadMenJson(const RunView& run) {
  Json dead_men = Json::array();
  for (const engine::DeadManView& dead_man : run.dead_men)
    dead_men.push_back({{"path", dead_man.path},
                        {"step", StepName(run, dead_man.path)},
                        {"host", dead_man.host},
                        {"state", Name(dead_man.phase)},
                        {"afterSeconds", ToSeconds(dead_man.after)},
                        {"confirmedSecondsAgo", SecondsOf(dead_man.confirmed_ago)},
                        {"trouble", dead_man.trouble}});
  return dead_men;
}

size_t CountOf(const engine::View& view, engine::EpisodeState state) {
  return static_cast<size_t>(
      std::count_if(view.episodes.begin(), view.episodes.end(),
                    [&](const engine::EpisodeView& episode) { return episode.state == state; }));
}

// The step to show for a run in one line: its current one, unless it has not begun or is over.
Json CurrentStep(const RunView& run, WallTime now) {
  const bool active =
      run.state != engine::RunState::kQueued && run.state != engine::RunState::kFinished;
  if (!active || run.current >= run.steps.size()) return nullptr;
  return StepSummary(run.steps[run.current], now);
}

Json RunJson(const RunView& run, WallTime now) {
  const WallTime until = run.finished.value_or(now);
  std::optional<Milliseconds> remaining;
  std::optional<Milliseconds> eta_passed;
  if (run.eta && !run.finished) {
    remaining = Between(now, *run.eta);
    if (now > *run.eta) eta_passed = now - *run.eta;
  }
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
          {"startsAt", Time(run.starts_at)},
          {"reservedSeconds", ReservedJson(run.needed)},
          {"reservedFrom", run.needed.from},
          {"endsAt", Time(run.ends_at)},
          {"endUnknown", run.end_unknown},
          {"unsuitable", run.unsuitable},
          {"atOnce", run.at_once},
          {"windows", run.suitable.windows},
          {"blackouts", run.suitable.blackouts},
          {"acting", run.acting},
          {"hold", run.holds.empty() ? Json(nullptr) : ToJson(run, run.holds.front())},
          {"holds", HoldsJson(run)},
          {"pause", PauseJson(run)},
          {"asks", AsksJson(run)},
          {"result", NameOf(run.result)},
          {"resultDetail", run.result_detail},
          {"queuedAt", Time(run.queued)},
          {"startedAt", Time(run.started)},
          {"finishedAt", Time(run.finished)},
          {"elapsedSeconds", SecondsOf(Between(run.started, until))},
          {"eta", Time(run.eta)},
          {"remainingSeconds", SecondsOf(remaining)},
          {"etaPassedSeconds", SecondsOf(eta_passed)},
          {"overdue", run.overdue},
          {"locks", run.locks},
          {"hosts", run.hosts},
          {"stepsDone", done},
          {"stepsTotal", all},
          {"currentStep", CurrentStep(run, now)}};
}

}  // namespace

std::string RunSummary(const RunView& run, WallTime now) {
  return Dump(RunJson(run, now));
}

std::string RunData(const RunView& run, WallTime now) {
  Json json = RunJson(run, now);
  json["deadMen"] = DeadMenJson(run);
  json["leases"] = json["deadMen"];  // their earlier name, for older clients
  json["steps"] = Json::array();
  for (const StepView& step : run.steps) json["steps"].push_back(StepJson(step, now));
  return Dump(json);
}

std::string ModeData(engine::Mode mode) {
  return Dump({{"mode", Name(mode)}});
}

std::string TakeoverData(const std::string& host) {
  return Dump({{"host", host}});
}

std::string ClosedData(const std::string& fingerprint) {
  return Dump({{"fingerprint", fingerprint}});
}

std::string EpisodesData(const std::vector<const engine::EpisodeView*>& episodes, size_t open) {
  std::string text = R"({"episodes":[)";
  for (const engine::EpisodeView* episode : episodes)
    text.append(episode == episodes.front() ? "" : ",")
        .append(Dump({{"fingerprint", episode->fingerprint},
                      {"alertname", episode->alertname},
                      {"trigger", episode->trigger},
                      {"run", episode->run},
                      {"state", Name(episode->state)},
                      {"decidedAt", Time(episode->decided)},
                      {"tries", episode->tries},
                      {"detail", episode->detail}}));
  return text + R"(],"open":)" + std::to_string(open) + "}";
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

std::string StatusData(const std::string& version, const engine::View& view,
                       const ConfigurationState& configuration, bool ready, WallTime now) {
  size_t holds = 0;
  size_t questions = 0;
  size_t pauses = 0;
  Json dead_men;
  for (const auto phase : All<engine::DeadManPhase>()) dead_men[Name(phase)] = 0;
  for (const RunView& run : view.unfinished) {
    holds += run.holds.size();
    questions += run.asks.empty() ? 0 : 1;
    pauses += run.pause ? 1 : 0;
    for (const engine::DeadManView& dead_man : run.dead_men) {
      Json& count = dead_men[Name(dead_man.phase)];
      count = count.get<int>() + 1;
    }
  }
  return Dump({{"version", version},
               {"ready", ready},
               {"time", Time(now)},
               {"mode", Name(view.mode)},
               {"epoch", view.epoch},
               {"openEpisodes", view.open_episodes},
               {"unansweredAlerts", CountOf(view, engine::EpisodeState::kUnanswered)},
               {"stillFiringAlerts", view.still_firing_episodes},
               {"queueBlockedByHold", view.queue_blocked_by_hold},
               {"unfinishedRuns", view.unfinished.size()},
               {"holds", holds},
               {"questions", questions},
               {"pauses", pauses},
               {"deadMen", dead_men},
               {"configurationSince", Time(configuration.since)},
               {"reloadRefusedAt", Time(configuration.refused)},
               {"reloadRefusedWhy", configuration.why}});
}

std::string StartedData(const std::string& run) {
  return Dump({{"run", run}});
}

std::string Success(std::string data) {
  data.insert(0, R"({"status":"success","data":)");
  return std::move(data.append("}\n"));
}

std::string Failure(const std::string& error_type, const std::string& message) {
  return Dump({{"status", "error"}, {"errorType", error_type}, {"error", message}}) + "\n";
}

std::string FormatUtc(WallTime time) {
  const auto whole = std::chrono::floor<Seconds>(time);
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const auto ms = static_cast<int>((time - whole).count());
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, ms);
  return text.data();
}

}  // namespace mailhub::api
