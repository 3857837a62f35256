// Parses JSON into structs. A null or missing field is empty, unless it is essential. A missing
// essential field, or one of a wrong type, makes the whole answer an error.
#include "actuator/ctl/model.h"

#include "actuator/ctl/json_fields.h"
#include "lib/base/nesting.h"

namespace mailhub::ctl {
namespace {

Step ToStep(const Json& json) {
  Step step;
  step.path = NeededText(json, "path");
  step.name = Text(json, "name");
  step.kind = Text(json, "kind");
  step.host = Text(json, "host");
  step.always = Bool(json, "always");
  step.phase = NeededText(json, "phase");
  step.result = Text(json, "result");
  step.attempt = Int(json, "attempt");
  step.elapsed_s = Number(json, "elapsedSeconds");
  step.detail = Text(json, "detail");
  step.expr = Text(json, "expr");
  step.command = Text(json, "command");
  step.output = Text(json, "output");
  if (!At(json, "exitStatus").is_null()) step.exit_status = Int(json, "exitStatus");
  const Json& gate = At(json, "gate");
  if (!gate.is_null())
    step.gate = Gate{NeededText(gate, "state"), Number(gate, "value"), Number(gate, "threshold"),
                     Text(gate, "comparison"), Text(gate, "why")};
  return step;
}

Hold ToHold(const Json& json) {
  return {NeededNumber<int>(json, "number"),
          Text(json, "path"),
          Text(json, "step"),
          Text(json, "reason"),
          Text(json, "detail"),
          Text(json, "since"),
          Strings(json, "answers"),
          Bool(json, "deadMan")};
}

DeadMan ToDeadMan(const Json& json) {
  return {Text(json, "path"),
          Text(json, "step"),
          NeededText(json, "host"),
          NeededText(json, "state"),
          Number(json, "afterSeconds").value_or(0),
          Number(json, "confirmedSecondsAgo"),
          Text(json, "trouble")};
}

Run ToRun(const Json& json) {
  Run run;
  run.id = NeededText(json, "id");
  run.runbook = NeededText(json, "runbook");
  run.summary = Text(json, "summary");
  run.target = Text(json, "target");
  for (const auto& [name, value] : At(json, "parameters").items())
    run.parameters[name] = value.get<std::string>();
  run.by = Text(json, "by");
  run.trigger = Text(json, "trigger");
  run.state = NeededText(json, "state");
  run.waiting_for = Text(json, "waitingFor");
  run.starts_at = Text(json, "startsAt");
  run.unsuitable = Text(json, "unsuitable");
  run.at_once = Text(json, "atOnce");
  for (const Json& hold : NeededList(json, "holds")) run.holds.push_back(ToHold(hold));
  const Json& pause = At(json, "pause");
  if (!pause.is_null())
    run.pause = Pause{NeededNumber<int>(pause, "number"), Text(pause, "by"), Text(pause, "reason"),
                      Text(pause, "since")};
  const Json& asks = At(json, "asks");
  if (!asks.is_null())
    run.asks = Question{NeededText(asks, "path"), NeededNumber<int>(asks, "attempt"),
                        Text(asks, "step"),       Text(asks, "question"),
                        Text(asks, "whom"),       Text(asks, "until"),
                        Text(asks, "since")};
  run.result = run.state == "finished" ? NeededText(json, "result") : Text(json, "result");
  run.result_detail = Text(json, "resultDetail");
  run.queued_at = Text(json, "queuedAt");
  run.started_at = Text(json, "startedAt");
  run.finished_at = Text(json, "finishedAt");
  run.elapsed_s = Number(json, "elapsedSeconds");
  run.eta = Text(json, "eta");
  run.remaining_s = Number(json, "remainingSeconds");
  run.eta_passed_s = Number(json, "etaPassedSeconds");
  run.overdue = Bool(json, "overdue");
  run.steps_done = NeededNumber<int>(json, "stepsDone");
  run.steps_total = NeededNumber<int>(json, "stepsTotal");
  if (!At(json, "currentStep").is_null()) run.current = ToStep(At(json, "currentStep"));
  for (const Json& step : At(json, "steps")) run.steps.push_back(ToStep(step));
  for (const Json& dead_man : At(json, "deadMen")) run.dead_men.push_back(ToDeadMan(dead_man));
  return run;
}

PastRun ToPastRun(const Json& json) {
  return {NeededText(json, "id"),     NeededText(json, "runbook"),
          Text(json, "target"),       Text(json, "by"),
          NeededText(json, "result"), Text(json, "detail"),
          Text(json, "queuedAt"),     Text(json, "startedAt"),
          Text(json, "finishedAt"),   Number(json, "durationSeconds")};
}

ReportedRun ToReportedRun(const Json& json) {
  ReportedRun run{.past = ToPastRun(json),
                  .waited_s = Number(json, "waitedSeconds"),
                  .worked_s = Number(json, "workedSeconds"),
                  .holds = {},
                  .acted = {},
                  .acted_more = Int(json, "actedMore")};
  run.past.finished_at = NeededText(json, "finishedAt");
  const Json& holds = Needed(json, "holds");
  for (const auto& [reason, times] : holds.items()) run.holds[reason] = times.get<int>();
  for (const Json& act : NeededList(json, "acted"))
    run.acted.push_back(
        {Text(act, "by"), NeededText(act, "verb"), NeededNumber<int>(act, "times")});
  return run;
}

AlertRecord ToAlert(const Json& json) {
  AlertRecord alert{NeededNumber<uint64_t>(json, "seq"),
                    NeededText(json, "at"),
                    Text(json, "notification"),
                    Text(json, "fingerprint"),
                    Text(json, "alertname"),
                    Text(json, "status"),
                    Text(json, "startsAt"),
                    Text(json, "trigger"),
                    NeededText(json, "decision"),
                    Text(json, "detail"),
                    Text(json, "run"),
                    {}};
  for (const auto& [label, value] : At(json, "labels").items())
    alert.labels[label] = value.get<std::string>();
  return alert;
}

Episode ToEpisode(const Json& json) {
  return {NeededText(json, "fingerprint"),
          Text(json, "alertname"),
          Text(json, "trigger"),
          Text(json, "run"),
          NeededText(json, "state"),
          Text(json, "decidedAt"),
          Text(json, "detail")};
}

ReceiverRow ToReceiver(const Json& json) {
  ReceiverRow row;
  row.name = NeededText(json, "name");
  row.format = NeededText(json, "format");
  row.where = Text(json, "where");
  row.trouble = Text(json, "trouble");
  row.last_success = Text(json, "lastSuccessAt");
  row.events = Strings(json, "events");
  if (!At(json, "up").is_null()) row.up = Bool(json, "up");
  row.pending = NeededNumber<uint64_t>(json, "pending");
  row.sent = NeededNumber<uint64_t>(json, "sent");
  for (const auto& [reason, count] : Needed(json, "dropped").items())
    row.dropped += count.get<uint64_t>();
  return row;
}

ReceiverReply ToReceiverReply(const Json& json) {
  ReceiverReply reply;
  reply.receiver = NeededText(json, "receiver");
  reply.body = Text(json, "body");
  reply.taken = Needed(json, "taken").get<bool>();
  reply.status = NeededNumber<int>(json, "status");
  reply.seconds = Number(json, "seconds").value_or(0);
  return reply;
}

Overview ToOverview(const Json& json) {
  Overview overview;
  overview.version = NeededText(json, "version");
  overview.mode = NeededText(json, "mode");
  overview.epoch = Whole(json, "epoch");
  overview.ready = Needed(json, "ready").get<bool>();
  overview.queue_blocked_by_hold = Needed(json, "queueBlockedByHold").get<bool>();
  overview.unfinished_runs = NeededNumber<int>(json, "unfinishedRuns");
  overview.holds = NeededNumber<int>(json, "holds");
  overview.questions = NeededNumber<int>(json, "questions");
  overview.pauses = NeededNumber<int>(json, "pauses");
  overview.open_episodes = NeededNumber<int>(json, "openEpisodes");
  overview.unanswered_alerts = NeededNumber<int>(json, "unansweredAlerts");
  overview.still_firing_alerts = Int(json, "stillFiringAlerts");
  for (const auto& [state, count] : Needed(json, "deadMen").items())
    overview.dead_men.emplace_back(state, count.get<int>());
  overview.configuration_since = Text(json, "configurationSince");
  overview.reload_refused_at = Text(json, "reloadRefusedAt");
  overview.reload_refused_why = Text(json, "reloadRefusedWhy");
  return overview;
}

PlannedStep ToPlannedStep(const Json& json) {
  PlannedStep step;
  step.path = NeededText(json, "path");
  step.name = Text(json, "name");
  step.kind = NeededText(json, "kind");
  step.host = Text(json, "host");
  step.command = Text(json, "command");
  step.on_failure = Text(json, "onFailure");
  step.since = Text(json, "since");
  step.until = Text(json, "until");
  step.timeout_s = Number(json, "timeoutSeconds").value_or(0);
  step.attempts = Int(json, "attempts");
  const Json& gate = At(json, "gate");
  if (!gate.is_null()) {
    step.expr = Text(gate, "expr");
    step.about = Strings(gate, "about");
    step.window_s = Number(gate, "windowSeconds").value_or(0);
    step.for_s = Number(gate, "forSeconds").value_or(0);
    step.gate_timeout_s = Number(gate, "timeoutSeconds").value_or(0);
  }
  const Json& dead_man = At(json, "deadMan");
  if (!dead_man.is_null()) {
    step.restore = Text(dead_man, "restore");
    step.restore_after_s = Number(dead_man, "afterSeconds").value_or(0);
  }
  return step;
}

Plan ToPlan(const Json& json) {
  Plan plan;
  plan.runbook = NeededText(json, "runbook");
  plan.summary = Text(json, "summary");
  plan.target = Text(json, "target");
  plan.commit = Text(json, "commit");
  plan.locks = Strings(json, "locks");
  plan.expected_s = Number(json, "expectedSeconds").value_or(0);
  plan.windows = Strings(json, "windows");
  plan.blackouts = Strings(json, "blackouts");
  plan.start = ToStart(At(json, "start"));
  for (const Json& step : NeededList(json, "steps")) plan.steps.push_back(ToPlannedStep(step));
  for (const Json& step : NeededList(json, "always")) plan.always.push_back(ToPlannedStep(step));
  return plan;
}

LogEntry ToLogEntry(const Json& json) {
  LogEntry entry{NeededNumber<uint64_t>(json, "seq"),
                 NeededText(json, "at"),
                 NeededText(json, "kind"),
                 {},
                 Text(json, "output")};
  for (const auto& [key, value] : json.items()) {
    if (key == "at" || key == "kind" || key == "seq" || key == "run" || key == "output") continue;
    if (value.is_null() || value.is_object() || value == Json("") || value == false) continue;
    entry.fields.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return entry;
}

ErrorKind KindOf(const std::string& error_type, int status) {
  if (const auto kind = Named<ErrorKind>(error_type)) return *kind;
  return status == 401 || status == 403 ? ErrorKind::kRefused : ErrorKind::kInternal;
}

}  // namespace

Result<std::vector<Run>> ParseRuns(const std::string& data) {
  return ParseList(data, "runs", &ToRun);
}
Result<Run> ParseRun(const std::string& data) {
  return Parse(data, [](const Json& json) {
    // Lists of runs have none of these.
    NeededList(json, "steps");
    NeededList(json, "deadMen");
    return ToRun(json);
  });
}
Result<std::vector<PastRun>> ParseHistory(const std::string& data) {
  return ParseList(data, "runs", &ToPastRun);
}
Result<std::vector<ReportedRun>> ParseReport(const std::string& data) {
  return ParseList(data, "runs", &ToReportedRun);
}
Result<std::optional<std::string>> ParseWholeFrom(const std::string& data) {
  return Parse(data, [](const Json& json) {
    std::optional<std::string> from;
    if (json.contains("wholeFrom")) from = Text(json, "wholeFrom");
    return from;
  });
}
Result<std::vector<AlertRecord>> ParseAlerts(const std::string& data) {
  return ParseList(data, "alerts", &ToAlert);
}
Result<std::vector<Episode>> ParseEpisodes(const std::string& data) {
  return ParseList(data, "episodes", &ToEpisode);
}
Result<std::vector<ReceiverRow>> ParseReceivers(const std::string& data) {
  return ParseList(data, "receivers", &ToReceiver);
}
Result<ReceiverReply> ParseReceiverReply(const std::string& data) {
  return Parse(data, &ToReceiverReply);
}
Result<Overview> ParseOverview(const std::string& data) {
  return Parse(data, &ToOverview);
}
Result<Plan> ParsePlan(const std::string& data) {
  return Parse(data, &ToPlan);
}
Result<std::vector<LogEntry>> ParseEvents(const std::string& data) {
  return ParseList(data, "events", &ToLogEntry);
}
Result<Page> ParsePage(const std::string& data, const char* key) {
  return Parse(data, [&](const Json& json) {
    Page page{.items = NeededList(json, key).size()};
    const Json& next = At(json, "next");
    if (next.is_string()) {
      page.next = next.get<std::string>();
    } else if (!next.is_null()) {
      page.next = std::to_string(NeededNumber<uint64_t>(json, "next"));
    }
    return page;
  });
}
Result<std::string> JoinPages(const std::vector<std::string>& pages, const char* key) {
  Json all;
  for (const std::string& text : pages) {
    auto page = Parse(text, [](const Json& json) { return json; });
    if (!page) return Fail(page.error());
    if (all.is_null()) {
      all = std::move(*page);
      continue;
    }
    for (Json& item : (*page)[key]) all[key].push_back(std::move(item));
    for (const auto& [name, value] : page->items()) {
      if (name != key) all[name] = value;
    }
  }
  return all.dump();
}
Result<std::vector<std::string>> ItemsOf(const std::string& data, const char* key) {
  return Parse(data, [&](const Json& json) {
    std::vector<std::string> lines;
    for (const Json& item : NeededList(json, key))
      lines.push_back(item.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace));
    return lines;
  });
}
Result<std::string> ParseField(const std::string& data, const std::string& field) {
  return Parse(data, [&](const Json& json) { return NeededText(json, field.c_str()); });
}

Result<std::string> OpenEnvelope(int status, std::string_view body) {
  if (IsNestedDeeperThan(body, kDeepestJson))
    return Fail(ErrorKind::kInvalid, "the answer is nested deeper than any that is understood");
  const Json json = HasSignsOutsideJson(body) ? Json() : Json::parse(body, nullptr, false);
  const bool shaped = json.is_object() && At(json, "status").is_string();
  if (shaped && json["status"] == "success" && status < 300) return At(json, "data").dump();
  if (shaped && At(json, "error").is_string() && At(json, "errorType").is_string())
    return Fail(KindOf(json["errorType"].get<std::string>(), status),
                json["error"].get<std::string>());
  if (status == 401) return Fail(ErrorKind::kRefused, "a login is needed (HTTP 401)");
  return Fail(ErrorKind::kInvalid,
              "this is no actuator's answer (HTTP " + std::to_string(status) + ")");
}

std::string ListOf(const std::vector<WaitingJson>& waiting) {
  Json list = Json::array();
  for (const WaitingJson& one : waiting) {
    Json json = Json::object();
    for (const auto& [name, text] : one.texts) json[name] = text.empty() ? Json() : Json(text);
    json["commands"] = one.commands;
    list.push_back(std::move(json));
  }
  return Json{{"waiting", std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> PrettyJson(const std::string& data) {
  return Parse(data, [](const Json& json) {
    return json.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
  });
}

std::string BodyJson(const std::vector<std::pair<std::string, std::string>>& fields,
                     const std::map<std::string, std::string>* parameters,
                     const std::vector<std::pair<std::string, int>>& numbers,
                     const std::vector<std::string>& set) {
  Json json = Json::object();
  for (const auto& [key, value] : fields)
    if (!value.empty()) json[key] = value;
  for (const auto& [key, value] : numbers)
    if (value != 0) json[key] = value;
  for (const std::string& key : set) json[key] = true;
  if (parameters) json["parameters"] = *parameters;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mailhub::ctl
