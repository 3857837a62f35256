// Counts committed events; the rest of the page comes from the view at each request.
#include "actuator/api/metrics.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "actuator/api/receiver_metrics.h"
#include "actuator/api/view_metrics.h"
#include "lib/metrics/histogram.h"
#include "lib/metrics/process.h"
#include "lib/metrics/text.h"

namespace mailhub::api {
namespace {

using engine::Event;

using metrics::Metric;
using metrics::Type;

constexpr Metric kRuns{"mailhub_actuator_runs_total", "Runs that ended, by how.", Type::Counter};
constexpr Metric kRunDuration{"mailhub_actuator_run_duration_seconds",
                              "From a run's start to its end, holds included.", Type::Histogram};
constexpr Metric kStepDuration{"mailhub_actuator_step_duration_seconds",
                               "How long steps took that nobody skipped or resolved.",
                               Type::Histogram};
constexpr Metric kGateWait{"mailhub_actuator_gate_wait_seconds",
                           "How long conditions were waited for that came true.", Type::Histogram};
constexpr Metric kLastDuration{
    "mailhub_actuator_last_run_duration_seconds",
    "Duration of the last run that started and ended, whatever its result."};
constexpr Metric kLastSuccess{"mailhub_actuator_last_run_success_timestamp_seconds",
                              "End of the last run that succeeded."};
constexpr Metric kAlerts{"mailhub_actuator_alerts_total",
                         "Alerts received, by what was decided about each.", Type::Counter};
constexpr Metric kNotifications{"mailhub_actuator_notifications_total",
                                "Deliveries to the webhook, by what became of each.",
                                Type::Counter};
constexpr Metric kNotificationsRefused{
    "mailhub_actuator_notifications_refused_total",
    "Deliveries to the webhook that sending again does not mend, by what is wrong.", Type::Counter};
constexpr Metric kWebhookRequests{"mailhub_actuator_webhook_requests_total",
                                  "Webhook requests by HTTP status.", Type::Counter};
constexpr Metric kCommitSeconds{"mailhub_actuator_journal_commit_seconds",
                                "Time a commit to the journal took.", Type::Histogram};
constexpr Metric kJournalErrors{"mailhub_actuator_journal_errors_total",
                                "Commits to the journal that failed.", Type::Counter};
constexpr Metric kConfigLoaded{
    "mailhub_actuator_config_last_reload_successful",
    "1 while the configuration in force is the one on disk as last read."};
constexpr Metric kBuildInfo{"mailhub_actuator_build_info", "What is running."};

constexpr size_t kMostSeries = 2'000;
constexpr size_t kMostRuns = 1'000;
const std::vector<double> kRunBuckets = {10,    30,    60,    120,   300,   600,   900,
                                         1800,  3600,  7200,  10800, 12600, 14400, 16200,
                                         18000, 21600, 28800, 36000, 43200};
const std::vector<double> kStepBuckets = {0.1,   0.5,   1,     2.5,   5,     10,    30,    60,
                                          120,   300,   600,   1800,  3600,  7200,  10800, 12600,
                                          14400, 16200, 18000, 21600, 28800, 36000, 43200};
const std::vector<double> kCommitBuckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                            0.025,  0.05,    0.1,    0.25,  0.5,    1,     5};

using Pair = std::pair<std::string, std::string>;

// The entry for `key`; null when it is new and the limit is reached.
template <typename Map>
typename Map::mapped_type* Room(Map& map, const typename Map::key_type& key,
                                typename Map::mapped_type fresh) {
  const auto found = map.find(key);
  if (found != map.end()) return &found->second;
  if (map.size() >= kMostSeries) return nullptr;
  return &map.emplace(key, std::move(fresh)).first->second;
}

void Observe(std::map<Pair, metrics::Histogram>& histograms, const Pair& key,
             const std::vector<double>& bounds, double value) {
  if (metrics::Histogram* histogram = Room(histograms, key, metrics::Histogram(bounds)))
    histogram->Observe(value);
}

// Wall time may step back; a duration is never negative.
double SecondsBetween(WallTime from, WallTime to) {
  return std::max(0.0, ToSeconds(to - from));
}

struct StepFacts {
  std::string name;
  bool has_gate = false;
  bool is_gate = false;  // wait_for, check: all its time is waiting
  std::optional<WallTime> gate_began;
};

struct RunFacts {
  std::string runbook;
  std::string target;
  std::optional<WallTime> started;
  std::map<std::string, StepFacts> steps;  // by path
};

StepFacts FactsOf(const engine::Step& step) {
  const bool is_gate =
      step.kind == engine::StepKind::kWaitFor || step.kind == engine::StepKind::kCheck;
  return {step.name, step.gate.has_value(), is_gate, std::nullopt};
}

struct State {
  std::map<std::string, RunFacts> runs;  // unfinished ones, by id
  std::map<Pair, double> last_duration_s;
  std::map<Pair, double> last_success_s;
  std::map<Pair, double> runs_total;  // by runbook and result
  std::map<std::string, metrics::Histogram> run_seconds;
  std::map<Pair, metrics::Histogram> step_seconds;
  std::map<Pair, metrics::Histogram> gate_seconds;
  std::map<std::string, double> alerts_total;
  std::map<std::string, double> notifications_total;
  std::map<std::string, double> refused_total;
  std::map<int, double> webhook_total;
  metrics::Histogram commit_seconds{kCommitBuckets};
  double journal_errors = 0;
  bool config_loaded = true;

  void KnowRunbook(const std::string& runbook) {
    for (const auto result : All<engine::RunResult>()) Room(runs_total, {runbook, Name(result)}, 0);
    Room(run_seconds, runbook, metrics::Histogram(kRunBuckets));
  }
  void Finished(const RunFacts& run, engine::RunResult result, WallTime at);
};

void State::Finished(const RunFacts& run, engine::RunResult result, WallTime at) {
  KnowRunbook(run.runbook);
  if (double* total = Room(runs_total, {run.runbook, Name(result)}, 0)) *total += 1;
  if (!run.started) return;
  const double took_s = SecondsBetween(*run.started, at);
  if (metrics::Histogram* histogram =
          Room(run_seconds, run.runbook, metrics::Histogram(kRunBuckets)))
    histogram->Observe(took_s);
  const Pair key{run.runbook, run.target};
  if (double* last = Room(last_duration_s, key, 0)) *last = took_s;
  if (result != engine::RunResult::kSucceeded) return;
  if (double* last = Room(last_success_s, key, 0)) *last = ToUnixSeconds(at);
}

// Processes one committed event.
class Follower {
 public:
  Follower(State& state, const Event& event) : state_(state), event_(event) {}

  void operator()(const engine::AlertDecided& body) { ++state_.alerts_total[Name(body.decision)]; }
  void operator()(const engine::RunQueued& body) {
    state_.KnowRunbook(body.plan.runbook);
    if (state_.runs.size() >= kMostRuns) return;
    RunFacts run{body.plan.runbook, body.plan.target, std::nullopt, {}};
    for (const engine::Step& step : body.plan.steps) run.steps[step.path] = FactsOf(step);
    for (const engine::AlwaysStep& always : body.plan.always)
      run.steps[always.step.path] = FactsOf(always.step);
    state_.runs[event_.run] = std::move(run);
  }
  void operator()(const engine::RunStarted&) {
    if (RunFacts* run = Run()) run->started = event_.at;
  }
  void operator()(const engine::RunDropped&) { End(engine::RunResult::kDropped); }
  void operator()(const engine::RunFinished& body) { End(body.result); }
  void operator()(const engine::StepSettled& body) {
    if (StepFacts* step = Step(body.path)) step->gate_began = event_.at;
  }
  void operator()(const engine::StepDone& body) {
    StepFacts* step = Step(body.path);
    if (!step || body.result == engine::StepResult::kSkipped ||
        body.result == engine::StepResult::kResolved)
      return;  // a person's time is no measure of the step
    const Pair key{Run()->runbook, step->name};
    Observe(state_.step_seconds, key, kStepBuckets, ToSeconds(body.took));
    if (body.result != engine::StepResult::kDone || !step->has_gate) return;
    if (step->is_gate) {
      Observe(state_.gate_seconds, key, kStepBuckets, ToSeconds(body.took));
    } else if (step->gate_began) {
      Observe(state_.gate_seconds, key, kStepBuckets, SecondsBetween(*step->gate_began, event_.at));
    }
  }
  template <typename Other>
  void operator()(const Other&) {}

 private:
  RunFacts* Run() {
    const auto found = state_.runs.find(event_.run);
    return found == state_.runs.end() ? nullptr : &found->second;
  }
  StepFacts* Step(const std::string& path) {
    RunFacts* run = Run();
    if (!run) return nullptr;
    const auto found = run->steps.find(path);
    return found == run->steps.end() ? nullptr : &found->second;
  }
  void End(engine::RunResult result) {
    if (RunFacts* run = Run()) {
      state_.Finished(*run, result, event_.at);
      state_.runs.erase(event_.run);
    }
  }

  State& state_;
  const Event& event_;
};

}  // namespace

struct ActuatorMetrics::Impl {
  const std::string version;  // constant after construction

  mutable std::mutex mutex;
  State state;  // protected by mutex
};

ActuatorMetrics::ActuatorMetrics(std::string version)
    : impl_(new Impl{std::move(version), {}, {}}) {
  State& state = impl_->state;
  // All series exist from the start, so that the first increase is visible.
  for (const auto decision : All<engine::Decision>()) state.alerts_total[Name(decision)] = 0;
  for (const auto decision : All<NotificationDecision>())
    state.notifications_total[Name(decision)] = 0;
  for (const auto reason : All<NotificationRefusal>()) state.refused_total[Name(reason)] = 0;
  for (const int code : {200, 400, 401, 503}) state.webhook_total[code] = 0;
}
ActuatorMetrics::~ActuatorMetrics() = default;

void ActuatorMetrics::Restore(const std::vector<engine::PastRun>& history,
                              const engine::View& view) {
  std::lock_guard lock(impl_->mutex);
  State& state = impl_->state;
  for (const engine::PastRun& past : history) {  // newest first: the first of each kind counts
    state.KnowRunbook(past.runbook);
    if (!past.started) continue;  // dropped or cancelled before it began
    const Pair key{past.runbook, past.target};
    Room(state.last_duration_s, key, SecondsBetween(*past.started, past.finished));
    if (past.result == engine::RunResult::kSucceeded)
      Room(state.last_success_s, key, ToUnixSeconds(past.finished));
  }
  for (const engine::RunView& run : view.unfinished) {
    state.KnowRunbook(run.runbook);
    RunFacts facts{run.runbook, run.target, run.started, {}};
    for (const engine::StepView& step : run.steps) {
      const bool is_gate =
          step.kind == engine::StepKind::kWaitFor || step.kind == engine::StepKind::kCheck;
      facts.steps[step.path] = {step.name, !step.expr.empty(), is_gate, std::nullopt};
    }
    state.runs[run.id] = std::move(facts);
  }
}

void ActuatorMetrics::EventCommitted(const Event& event) {
  std::lock_guard lock(impl_->mutex);
  std::visit(Follower(impl_->state, event), event.body);
}

void ActuatorMetrics::JournalCommitted(PreciseSeconds took) {
  std::lock_guard lock(impl_->mutex);
  impl_->state.commit_seconds.Observe(took.count());
}
void ActuatorMetrics::JournalFailed() {
  std::lock_guard lock(impl_->mutex);
  impl_->state.journal_errors += 1;
}
void ActuatorMetrics::NotificationDecided(NotificationDecision decision) {
  std::lock_guard lock(impl_->mutex);
  impl_->state.notifications_total[Name(decision)] += 1;
}
void ActuatorMetrics::NotificationRefused(NotificationRefusal reason) {
  std::lock_guard lock(impl_->mutex);
  impl_->state.refused_total[Name(reason)] += 1;
}
void ActuatorMetrics::WebhookAnswered(int code) {
  std::lock_guard lock(impl_->mutex);
  if (code < 100 || code > 599) code = 0;
  impl_->state.webhook_total[code] += 1;
}
void ActuatorMetrics::ConfigReloaded(bool successfully) {
  std::lock_guard lock(impl_->mutex);
  impl_->state.config_loaded = successfully;
}

std::string ActuatorMetrics::Render(const engine::View& view,
                                    const std::vector<ReceiverStatus>& receivers) const {
  metrics::Families page = Collect(view, receivers);
  metrics::AddProcessMetrics(&page);
  return metrics::ToText(page);
}

metrics::Families ActuatorMetrics::Collect(const engine::View& view,
                                           const std::vector<ReceiverStatus>& receivers) const {
  std::unique_lock lock(impl_->mutex);
  const State state = impl_->state;  // so that no caller waits while text is made
  lock.unlock();

  metrics::Families page;
  for (const auto& [key, value] : state.runs_total)
    page.Add(kRuns, {{"result", key.second}, {"runbook", key.first}}, value);
  for (const auto& [runbook, histogram] : state.run_seconds)
    page.Add(kRunDuration, {{"runbook", runbook}}, histogram.Collect());
  for (const auto& [key, histogram] : state.step_seconds)
    page.Add(kStepDuration, {{"runbook", key.first}, {"step", key.second}}, histogram.Collect());
  for (const auto& [key, histogram] : state.gate_seconds)
    page.Add(kGateWait, {{"runbook", key.first}, {"step", key.second}}, histogram.Collect());
  for (const auto& [key, value] : state.last_duration_s)
    page.Add(kLastDuration, {{"host", key.second}, {"runbook", key.first}}, value);
  for (const auto& [key, value] : state.last_success_s)
    page.Add(kLastSuccess, {{"host", key.second}, {"runbook", key.first}}, value);
  for (const auto& [decision, value] : state.alerts_total)
    page.Add(kAlerts, {{"decision", decision}}, value);
  for (const auto& [decision, value] : state.notifications_total)
    page.Add(kNotifications, {{"decision", decision}}, value);
  for (const auto& [reason, value] : state.refused_total)
    page.Add(kNotificationsRefused, {{"reason", reason}}, value);
  for (const auto& [code, value] : state.webhook_total)
    page.Add(kWebhookRequests, {{"code", code == 0 ? "other" : std::to_string(code)}}, value);
  page.Add(kCommitSeconds, {}, state.commit_seconds.Collect());
  page.Add(kJournalErrors, {}, state.journal_errors);
  page.Add(kConfigLoaded, {}, state.config_loaded ? 1 : 0);
  page.Add(kBuildInfo, {{"version", impl_->version}}, 1);

  std::set<Pair> known;
  for (const auto& [key, unused] : state.last_duration_s) known.insert(key);
  AddViewMetrics(view, known, &page);
  AddReceiverMetrics(receivers, &page);
  return page;
}

}  // namespace mailhub::api
