// See testing_backend.h.
#include "actuator/api/testing_backend.h"

#include <thread>
#include <utility>

namespace mailhub::api::testing {

using engine::StepPhase;
using engine::StepView;

FakeBackend::FakeBackend() = default;

std::shared_ptr<const engine::View> FakeBackend::Look() const {
  return state_.With([](const State& state) { return state.view; });
}

Result<std::string> FakeBackend::Submit(Ask what) {
  return state_.With([&](State& state) {
    if (const auto* command = std::get_if<engine::Command>(&what))
      state.commands.push_back(*command);
    if (const auto* mode = std::get_if<engine::SetMode>(&what)) state.modes.push_back(mode->mode);
    if (const auto* take = std::get_if<engine::TakeOver>(&what)) state.takeovers.push_back(*take);
    if (const auto* close = std::get_if<engine::CloseEpisode>(&what))
      state.closed.push_back(*close);
    return state.answer;
  });
}

Result<engine::Plan> FakeBackend::MakePlan(const std::string& runbook,
                                           const std::map<std::string, std::string>& parameters) {
  engine::Plan plan = RebuildPlan();
  if (runbook != plan.runbook) return Fail(ErrorKind::kNotFound, "no runbook '" + runbook + "'");
  plan.parameters = parameters;
  return plan;
}

Result<std::vector<engine::AlertTrial>> FakeBackend::Try(engine::Notification notification) {
  return state_.With([&](State& state) {
    state.tried.push_back(std::move(notification));
    return state.trials;
  });
}

engine::QueryReading FakeBackend::AskPrometheus(const std::string& /*expr*/) {
  return {state_.With([](const State& state) { return state.holds; })};
}

Result<engine::LivePlan> FakeBackend::CheckPlan(
    const std::string& runbook, const std::map<std::string, std::string>& parameters) {
  if (const auto plan = MakePlan(runbook, parameters); !plan) return Fail(plan.error());
  state_.With([](State& state) { ++state.checks; });
  while (state_.With([](const State& state) { return state.blocked; })) {
    std::this_thread::yield();
  }
  return state_.With([](const State& state) { return state.live; });
}

Result<std::optional<WallTime>> FakeBackend::RunsWholeFrom() {
  return state_.Copy().whole_from;
}
Result<engine::StartView> FakeBackend::ForeseeStart(const engine::Plan& /*plan*/) {
  return state_.Copy().start;
}

void FakeBackend::ForeseeWith(Result<engine::StartView> start) {
  state_.With([&](State& state) { state.start = std::move(start); });
}
void FakeBackend::WholeFrom(std::optional<WallTime> from) {
  state_.With([&](State& state) { state.whole_from = from; });
}
void FakeBackend::TryWith(Result<std::vector<engine::AlertTrial>> trials) {
  state_.With([&](State& state) { state.trials = std::move(trials); });
}
void FakeBackend::HoldsIs(Result<bool> holds) {
  state_.With([&](State& state) { state.holds = std::move(holds); });
}
void FakeBackend::CheckWith(Result<engine::LivePlan> live) {
  state_.With([&](State& state) { state.live = std::move(live); });
}
void FakeBackend::BlockChecks(bool blocked) {
  state_.With([&](State& state) { state.blocked = blocked; });
}
std::vector<engine::Notification> FakeBackend::Tried() const {
  return state_.With([](const State& state) { return state.tried; });
}
int FakeBackend::Checks() const {
  return state_.With([](const State& state) { return state.checks; });
}

void FakeBackend::Lengthen(size_t bytes) {
  state_.With([&](State& state) { state.longer = bytes; });
}

void FakeBackend::LookAtMost(size_t many) {
  state_.With([&](State& state) { state.most_looked_at = many; });
}

namespace {

// `rows` are all there are, newest first.
template <typename T, typename Wanted>
Result<uint64_t> Search(const std::vector<T>& rows, uint64_t before, size_t most, Wanted wanted,
                        const std::function<bool(const T&)>& each) {
  size_t looked_at = 0;
  for (const T& row : rows) {
    if (before > 0 && row.seq >= before) continue;
    if (looked_at++ == most) return row.seq + 1;
    if (wanted(row) && !each(row)) return 0;
  }
  return 0;
}

bool Fits(const std::string& filter, const std::string& value) {
  return filter.empty() || filter == value;
}

}  // namespace

Result<uint64_t> FakeBackend::History(const engine::RunFilter& filter,
                                      const std::function<bool(const engine::PastRun&)>& each) {
  const State state = state_.Copy();
  const std::string more(state.longer, 'x');
  std::vector<engine::PastRun> runs;
  for (int i = 0; i < 3; ++i) {
    engine::PastRun run;
    run.seq = static_cast<uint64_t>(40 - i);
    run.id = std::string(31, 'a') + static_cast<char>('0' + i);
    run.runbook = i == 2 ? "directory-restart" : "mailhub-rebuild";
    run.target = i == 2 ? "" : "mailhub" + std::to_string(i + 1);
    run.by = "alertmanager";
    run.result = i == 1 ? engine::RunResult::kFailed : engine::RunResult::kSucceeded;
    run.detail = (i == 1 ? "=cmd|'/c calc'!A1, \"quoted\"" : "") + more;
    run.queued = kStart - Seconds(60) - Seconds(86'400 * i);
    run.started = kStart - Seconds(86'400 * i);
    run.finished = *run.started + Seconds(14'400 + i);
    runs.push_back(run);
  }
  const auto wanted = [&](const engine::PastRun& run) {
    return Fits(filter.runbook, run.runbook) && (!filter.target || *filter.target == run.target) &&
           Fits(filter.result, Name(run.result)) &&
           (!filter.since || run.finished >= *filter.since) &&
           (!filter.until || run.finished < *filter.until);
  };
  return Search(runs, filter.before, state.most_looked_at, wanted, each);
}

Result<uint64_t> FakeBackend::Report(const engine::RunFilter& filter,
                                     const std::function<bool(const engine::ReportedRun&)>& each) {
  return History(filter, [&each](const engine::PastRun& run) {
    engine::ReportedRun report{.run = run, .worked = run.finished - *run.started};
    if (run.result == engine::RunResult::kFailed) {
      *report.worked -= Seconds(600);
      report.holds = {{engine::HoldReason::kGateShut, 2}, {engine::HoldReason::kStepFailed, 1}};
      report.acted = {{"anna", engine::Verb::kRetry, 2}, {"=bob", engine::Verb::kCancel, 1}};
      report.acted_more = 3;
    }
    return each(report);
  });
}

Result<uint64_t> FakeBackend::Alerts(const engine::AlertFilter& filter,
                                     const std::function<bool(const engine::PastAlert&)>& each) {
  const State state = state_.Copy();
  const std::string more(state.longer, 'x');
  std::vector<engine::PastAlert> alerts;
  for (int i = 0; i < 2; ++i) {
    engine::PastAlert alert;
    alert.seq = i == 0 ? 9 : 7;
    alert.at = kStart - Seconds(i);
    alert.decided.notification = "n1";
    alert.decided.fingerprint = i == 0 ? "f00d" : "beef";
    alert.decided.alertname = "TablesStale";
    alert.decided.labels = {{"alertname", "TablesStale"}, {"instance", "mailhub2\x1b[2J"}};
    alert.decided.starts_at = kStart - Seconds(300);
    alert.decided.trigger = "stale tables";
    alert.decided.decision = i == 0 ? engine::Decision::kStartedRun : engine::Decision::kRejected;
    alert.decided.detail =
        (i == 0 ? "started a rebuild" : "the site file has no host mailhub9") + more;
    alert.decided.run = i == 0 ? kRunId : "";
    alerts.push_back(alert);
  }
  const auto wanted = [&](const engine::PastAlert& alert) {
    const engine::AlertDecided& decided = alert.decided;
    return Fits(filter.alertname, decided.alertname) &&
           Fits(filter.decision, Name(decided.decision)) &&
           decided.fingerprint.starts_with(filter.fingerprint) &&
           decided.run.starts_with(filter.run);
  };
  return Search(alerts, filter.before, state.most_looked_at, wanted, each);
}

Status FakeBackend::RunEvents(const std::string& run, uint64_t after,
                              const std::function<bool(const engine::Event&)>& each) {
  const State state = state_.Copy();
  if (state.events.empty()) return Fail(ErrorKind::kNotFound, "no run '" + run + "'");
  for (engine::Event event : state.events) {
    if (auto* settled = std::get_if<engine::StepSettled>(&event.body))
      settled->receipt.output += std::string(state.longer, 'x');
    if (event.seq > after && !each(event)) break;
  }
  return {};
}

Status FakeBackend::Reload() {
  state_.With([](State& state) { ++state.reloads; });
  return {};
}

ConfigurationState FakeBackend::Configuration() const {
  return state_.Copy().configuration;
}

void FakeBackend::SetConfiguration(ConfigurationState configuration) {
  state_.With([&](State& state) { state.configuration = std::move(configuration); });
}

bool FakeBackend::Ready() const {
  return state_.With([](const State& state) { return state.ready; });
}

void FakeBackend::Show(engine::View view) {
  auto shared = std::make_shared<const engine::View>(std::move(view));
  state_.With([&](State& state) { state.view = std::move(shared); });
}
void FakeBackend::AnswerWith(Result<std::string> answer) {
  state_.With([&](State& state) { state.answer = std::move(answer); });
}
void FakeBackend::SetReady(bool ready) {
  state_.With([&](State& state) { state.ready = ready; });
}
void FakeBackend::SetEvents(std::vector<engine::Event> events) {
  state_.With([&](State& state) { state.events = std::move(events); });
}
std::vector<engine::Command> FakeBackend::Commands() const {
  return state_.With([](const State& state) { return state.commands; });
}
std::vector<engine::Mode> FakeBackend::Modes() const {
  return state_.With([](const State& state) { return state.modes; });
}
std::vector<engine::TakeOver> FakeBackend::Takeovers() const {
  return state_.With([](const State& state) { return state.takeovers; });
}
std::vector<engine::CloseEpisode> FakeBackend::Closed() const {
  return state_.With([](const State& state) { return state.closed; });
}
int FakeBackend::Reloads() const {
  return state_.With([](const State& state) { return state.reloads; });
}

engine::RunView RunAtItsGate() {
  engine::RunView run;
  run.id = kRunId;
  run.runbook = "mailhub-rebuild";
  run.summary = "Rebuild the tables of one mailhub";
  run.target = "mailhub2";
  run.parameters = {{"target", "mailhub2"}};
  run.locks = {"directory"};
  run.hosts = {"mailhub2", "x500"};
  run.trigger = "stale tables";
  run.fingerprint = "f00d";
  run.by = "alertmanager";
  run.state = engine::RunState::kRunning;
  run.acting = true;
  run.queued = kStart - Seconds(5);
  run.started = kStart;
  run.eta = kStart + Seconds(14'400);
  for (const engine::Step& step : RebuildPlan().steps) {
    StepView view;
    view.path = step.path;
    view.name = step.name;
    view.kind = step.kind;
    view.host = step.host;
    view.command = step.command;
    if (step.gate) view.expr = step.gate->expr;
    run.steps.push_back(view);
  }
  run.steps[0].phase = StepPhase::kDone;
  run.steps[0].result = engine::StepResult::kDone;
  run.steps[0].took = Milliseconds(2'500);
  run.steps[0].started = kStart;
  run.steps[0].attempt = 1;
  run.steps[0].exit_status = 0;
  run.steps[0].output = "stopped\x1b]0;owned\x07\x1b[2J\n\xff\n";
  run.steps[1].phase = StepPhase::kDone;
  run.steps[1].result = engine::StepResult::kSkipped;
  run.steps[1].took = Milliseconds(0);
  run.steps[1].detail = "done by hand";
  run.steps[2].phase = StepPhase::kGate;
  run.steps[2].started = kStart + Seconds(3);
  run.steps[2].attempt = 1;
  run.steps[2].gate =
      engine::GateReading{engine::GateState::kFalse, 0.72, 0.9, ">=", "x500 is busy"};
  run.current = 2;
  StepView always;
  always.path = "always.1";
  always.name = "Start regclient on mailhub2";
  always.host = "mailhub2";
  always.always = true;
  run.steps.push_back(always);
  return run;
}

engine::RunView HeldRun() {
  engine::RunView run = RunAtItsGate();
  run.state = engine::RunState::kHeld;
  run.acting = false;
  run.holds.push_back(
      {1, "3", "", engine::HoldReason::kGateShut, "the gate did not open within 1h", run.queued});
  return run;
}

engine::RunView FinishedRun(engine::RunResult result) {
  engine::RunView run = RunAtItsGate();
  run.state = engine::RunState::kFinished;
  run.acting = false;
  run.result = result;
  run.finished = kStart + Seconds(14'000);
  for (StepView& step : run.steps) {
    step.phase = StepPhase::kDone;
    if (!step.result) step.result = engine::StepResult::kDone;
    if (!step.took) step.took = Milliseconds(1'000);
  }
  return run;
}

engine::Plan RebuildPlan() {
  engine::Plan plan;
  plan.runbook = "mailhub-rebuild";
  plan.summary = "Rebuild the tables of one mailhub";
  plan.parameters = {{"target", "mailhub2"}};
  plan.target = "mailhub2";
  plan.locks = {"directory"};
  plan.expected = Milliseconds(14'400'000);
  const auto add = [&](engine::StepKind kind, const char* name, const char* host,
                       const char* command, const char* expr) {
    engine::Step step;
    step.path = std::to_string(plan.steps.size() + 1);
    step.kind = kind;
    step.name = name;
    step.host = host;
    step.command = command;
    if (*expr != '\0') step.gate = engine::Gate{.expr = expr, .about = {"x500"}};
    plan.steps.push_back(step);
  };
  using engine::StepKind;
  add(StepKind::kRun, "Stop the main directory process", "x500", "/etc/rc2.d/S81eddy stop",
      "mailhub_process_running{process=\"eddy\"} == 0");
  add(StepKind::kRun, "Stop regclient on mailhub2", "mailhub2", "systemctl stop regclient", "");
  add(StepKind::kWaitFor, "Wait for a quiet directory server", "", "", "idle >= 0.9");
  add(StepKind::kJob, "Rebuild the tables", "mailhub2", "/home/exim/scripts/rebuild", "");
  engine::DeadMan dead_man;
  dead_man.restore = "/etc/rc2.d/S81eddy start";
  dead_man.after = Milliseconds(900'000);
  plan.steps[0].dead_man = dead_man;
  return plan;
}

std::vector<engine::Event> EventsOfASuccess(const std::string& run) {
  std::vector<engine::Event> events;
  const auto at = [&](int second, engine::EventBody body) {
    events.push_back({events.size() + 1, kStart + Seconds(second), run, std::move(body)});
  };
  engine::Receipt receipt;
  receipt.state = engine::ReceiptState::kFinished;
  receipt.output = "fine\n";
  at(-5, engine::RunQueued{RebuildPlan(), "stale tables", "f00d", "alertmanager", ""});
  at(0, engine::RunStarted{});
  at(0, engine::StepStarted{"1", 1, "d1"});
  at(2, engine::StepSettled{"1", 1, receipt});
  at(7, engine::StepDone{"1", engine::StepResult::kDone, Milliseconds(7'000), ""});
  at(7, engine::StepStarted{"2", 1, "d2"});
  at(8, engine::StepSettled{"2", 1, receipt});
  at(8, engine::StepDone{"2", engine::StepResult::kDone, Milliseconds(1'000), ""});
  at(8, engine::StepStarted{"3", 1, ""});
  at(98, engine::StepDone{"3", engine::StepResult::kDone, Milliseconds(90'000), "0.93 >= 0.9"});
  at(98, engine::StepStarted{"4", 1, "d2"});
  at(14'000, engine::StepSettled{"4", 1, receipt});
  at(14'000, engine::StepDone{"4", engine::StepResult::kDone, Milliseconds(13'902'000), ""});
  at(14'000, engine::RunEnding{});
  at(14'001, engine::RunFinished{});
  return events;
}

}  // namespace mailhub::api::testing
