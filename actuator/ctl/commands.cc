// Each command sends a request, parses the answer and prints it.
#include "actuator/ctl/commands.h"

#include <cstdio>

#include "actuator/ctl/model.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/run_text.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

QueryPairs Query(const Filters& filters) {
  QueryPairs query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) query.emplace_back(name, value);
  };
  add("state", filters.state);
  add("runbook", filters.runbook);
  add("target", filters.target);
  add("result", filters.result);
  add("alertname", filters.alertname);
  add("fingerprint", filters.fingerprint);
  add("decision", filters.decision);
  add("run", filters.run);
  if (filters.before > 0) add("before", std::to_string(filters.before));
  return query;
}

PagedList Alerts(const Filters& filters) {
  return {.key = "alerts", .cursor = "before", .limit = filters.limit};
}

std::string Progress(const Run& run) {
  std::string holds;
  for (const Hold& hold : run.holds)
    holds += (holds.empty() ? "hold " : "; hold ") + std::to_string(hold.number) + ": " +
             hold.step + ": " + hold.detail;
  if (!holds.empty()) return holds;
  if (run.asks) return "asks: " + run.asks->text;
  return run.state == "finished" ? run.result_detail : Standing(run);
}

void ShowRuns(const std::vector<Run>& runs) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(runs.size());
  for (const Run& run : runs)
    rows.push_back({ShortId(run.id), run.runbook, run.target,
                    run.state == "finished" ? run.result : run.state,
                    std::to_string(run.steps_done) + "/" + std::to_string(run.steps_total),
                    ElapsedText(run.elapsed_s),
                    run.finished_at.empty() && !run.eta.empty() ? LocalTime(run.eta) : "-", run.by,
                    Progress(run), ParametersText(run, kListedParameter)});
  OutTable({"ID", "RUNBOOK", "TARGET", "STATE", "STEPS", "ELAPSED", "EXPECTED END", "BY", "AT",
            "PARAMETERS"},
           rows);
}

void ShowPlannedStep(const PlannedStep& step) {
  Out(Printable(step.path) + "  " + Printable(step.name) + "  [" + Printable(step.kind) + "]\n");
  for (const std::string& line : PrintableLines(step.command))
    Out("      " + Printable(step.host) + "$ " + line + "\n");
  if (!step.expr.empty()) {
    Out("      until " + Printable(step.expr) + "\n");
    std::string about;
    for (const std::string& host : step.about) about += " " + Printable(host);
    Out("      evidence after the action on" + (about.empty() ? " -" : about) +
        (step.window_s > 0 ? ", over " + ElapsedText(step.window_s) : ", the newest sample") +
        (step.for_s > 0 ? ", holding for " + ElapsedText(step.for_s) : "") + ", at most " +
        ElapsedText(step.gate_timeout_s) + "\n");
  }
  if (!step.restore.empty())
    Out("      dead man after " + ElapsedText(step.restore_after_s) + ": " +
        Printable(step.restore) + "\n");
  if (!step.command.empty())
    Out("      held after " + ElapsedText(step.timeout_s) + ", attempts " +
        std::to_string(step.attempts) + ", on failure: " + Printable(step.on_failure) + "\n");
}

std::string NamesText(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Printable(name);
  return text;
}

void ShowAlerts(const std::vector<AlertRecord>& alerts) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(alerts.size());
  for (const AlertRecord& alert : alerts)
    rows.push_back({LocalTime(alert.at), alert.alertname, alert.fingerprint, alert.status,
                    alert.decision, ShortId(alert.run), alert.detail});
  OutTable({"DECIDED", "ALERT", "FINGERPRINT", "STATUS", "DECISION", "RUN", "WHY"}, rows);
}

void ExplainAlerts(const std::vector<AlertRecord>& alerts) {
  for (const AlertRecord& alert : alerts) {
    Out(LocalTime(alert.at) + "  " + Printable(alert.alertname) + " " + Printable(alert.status) +
        ": " + Printable(alert.decision) + "\n");
    if (!alert.detail.empty()) Out("    " + Printable(alert.detail) + "\n");
    std::string labels;
    for (const auto& [name, value] : alert.labels)
      labels += " " + Printable(name) + "=" + Printable(value);
    Out("    labels:" + labels + "\n");
    Out("    fingerprint " + Printable(alert.fingerprint) + ", since " +
        LocalTime(alert.starts_at) + ", trigger " +
        (alert.trigger.empty() ? "none" : Printable(alert.trigger)) + "\n");
    if (!alert.run.empty()) Out("    run " + Printable(alert.run) + "\n");
  }
}

void ShowHistory(const std::vector<PastRun>& runs, Format format) {
  std::vector<std::vector<std::string>> rows;
  if (format == Format::kCsv) {
    for (const PastRun& run : runs)
      rows.push_back({run.started_at, run.finished_at, run.runbook, run.target, run.result,
                      run.duration_s ? std::to_string(*run.duration_s) : "", run.by, run.id,
                      run.detail});
    Out(Csv({"started", "finished", "runbook", "target", "result", "duration_seconds", "by", "run",
             "detail"},
            rows));
    return;
  }
  for (const PastRun& run : runs)
    rows.push_back({LocalTime(run.started_at), run.runbook, run.target, run.result,
                    ElapsedText(run.duration_s), run.by, ShortId(run.id), run.detail});
  OutTable({"STARTED", "RUNBOOK", "TARGET", "RESULT", "DURATION", "BY", "RUN", "DETAIL"}, rows);
}

std::string RunPath(const std::string& run) {
  return "/api/v1/runs/" + http::UrlEncode(run);
}

}  // namespace

void ShowPlan(const Plan& plan) {
  Out(Printable(plan.runbook) + (plan.target.empty() ? "" : " " + Printable(plan.target)) + ": " +
      Printable(plan.summary) + "\n");
  std::string locks;
  for (const std::string& lock : plan.locks) locks += " " + Printable(lock);
  Out("locks:" + (locks.empty() ? " none" : locks) + "; expected duration " +
      (plan.expected_s > 0 ? ElapsedText(plan.expected_s) : "unknown") + "\n");
  if (!plan.windows.empty()) Out("starts only in: " + NamesText(plan.windows) + "\n");
  if (!plan.blackouts.empty()) Out("starts never in: " + NamesText(plan.blackouts) + "\n");
  Out("\n");
  for (const PlannedStep& step : plan.steps) ShowPlannedStep(step);
  for (const PlannedStep& step : plan.always) {
    Out("\nowed in any case once step " + Printable(step.since) + " has begun" +
        (step.until.empty() ? "" : ", until step " + Printable(step.until) + " is done") + ":\n");
    ShowPlannedStep(step);
  }
}

int RunList(ApiClient& api, Format format, const Filters& filters) {
  const PagedList list = {.key = "runs", .cursor = "after", .limit = filters.limit};
  QueryPairs query = Query(filters);
  if (!filters.after.empty()) query.emplace_back(list.cursor, filters.after);
  const auto data = GetPages(api, "/api/v1/runs", query, list);
  return Print(data, format, ParseRuns, [&](const std::vector<Run>& runs) {
    ShowRuns(runs);
    Out(MoreText(*data, list, "more"));
  });
}

int RunShow(ApiClient& api, Format format, const std::string& run) {
  return Print(api.Get(RunPath(run)), format, ParseRun,
               [](const Run& parsed) { OutLines(RunLines(parsed, true)); });
}

int RunPlan(ApiClient& api, Format format, const std::string& runbook,
            const Parameters& parameters) {
  QueryPairs query = {{"runbook", runbook}};
  for (const auto& [name, value] : parameters)
    query.emplace_back("parameter", std::string(name).append("=").append(value));
  return Print(api.Get("/api/v1/plan", query), format, ParsePlan, [](const Plan& plan) {
    ShowPlan(plan);
    Out("\n");
    OutLines(StartLines(plan.start));
    Out("\nNothing was changed.\n");
  });
}

int RunStart(ApiClient& api, Format format, const std::string& runbook,
             const Parameters& parameters, const std::string& reason, bool now, std::string* run) {
  std::vector<std::string> set;
  if (now) set.emplace_back("now");
  const auto data = api.Post(
      "/api/v1/runs",
      BodyJson({{"runbook", runbook}, {"reason", reason}, {"by", api.by()}}, &parameters, {}, set));
  if (!data) return Complain(data.error());
  const auto id = ParseField(*data, "run");
  if (!id) return Complain(id.error());
  *run = *id;
  if (format == Format::kJson) return OutJson(*data);
  Out("run " + Printable(*id) + "\n");
  return 0;
}

int AlertList(ApiClient& api, Format format, const Filters& filters) {
  const auto data = GetPages(api, "/api/v1/alerts", Query(filters), Alerts(filters));
  return Print(data, format, ParseAlerts, [&](const std::vector<AlertRecord>& alerts) {
    ShowAlerts(alerts);
    Out(MoreText(*data, Alerts(filters), "older ones"));
  });
}

int AlertExplain(ApiClient& api, Format format, const std::string& which, const Filters& filters) {
  for (const char* field : {"alertname", "fingerprint", "run"}) {
    QueryPairs query = {{field, which}};
    if (filters.before > 0) query.emplace_back("before", std::to_string(filters.before));
    const auto data = GetPages(api, "/api/v1/alerts", query, Alerts(filters));
    if (!data) return Complain(data.error());
    const auto alerts = ParseAlerts(*data);
    if (!alerts) return Complain(alerts.error());
    if (alerts->empty()) continue;
    return Print(data, format, ParseAlerts, [&](const std::vector<AlertRecord>& found) {
      ExplainAlerts(found);
      Out(MoreText(*data, Alerts(filters), "older ones"));
    });
  }
  return Complain({ErrorKind::kNotFound,
                   "no decision is recorded about an alert, fingerprint or run '" + which + "'"});
}

int History(ApiClient& api, Format format, const Filters& filters) {
  const PagedList list = {.key = "runs", .cursor = "before", .limit = filters.limit};
  const auto data = GetPages(api, "/api/v1/history", Query(filters), list);
  return Print(data, format, ParseHistory, [&](const std::vector<PastRun>& runs) {
    ShowHistory(runs, format);
    const std::string more = MoreText(*data, list, "older ones");
    if (format == Format::kCsv) {
      std::fputs(more.c_str(), stderr);  // no row of the table
    } else {
      Out(more);
    }
  });
}

int Takeover(ApiClient& api, Format format, const std::string& host, const std::string& reason) {
  return Print(
      api.Post("/api/v1/hosts/" + http::UrlEncode(host) + "/takeover",
               BodyJson({{"reason", reason}, {"by", api.by()}})),
      format, [](const std::string& data) { return ParseField(data, "host"); },
      [](const std::string& taken) { Out(Printable(taken) + " obeys this actuator now\n"); });
}

int ModeGet(ApiClient& api, Format format) {
  return Print(
      api.Get("/api/v1/mode"), format,
      [](const std::string& data) { return ParseField(data, "mode"); },
      [](const std::string& mode) { Out(Printable(mode) + "\n"); });
}

int ModeSet(ApiClient& api, Format format, const std::string& mode) {
  return Print(
      api.Post("/api/v1/mode", BodyJson({{"mode", mode}, {"by", api.by()}})), format,
      [](const std::string& data) { return ParseField(data, "mode"); },
      [](const std::string& set) { Out("mode " + Printable(set) + "\n"); });
}

}  // namespace mailhub::ctl
