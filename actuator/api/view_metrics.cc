// Two unfinished runs may share runbook and host; then the one that needs attention is shown.
#include "actuator/api/view_metrics.h"

#include <algorithm>
#include <map>

namespace mailhub::api {
namespace {

using engine::RunState;

constexpr metrics::Metric kGateOpen{
    "mailhub_actuator_gate_open", "Whether the condition being waited for held at the last look."};
constexpr metrics::Metric kPersonAsked{
    "mailhub_actuator_person_asked",
    "1 for each run that waits for a person: for a confirmation, at a hold, or paused."};
constexpr metrics::Metric kDeadMen{"mailhub_actuator_dead_men",
                                   "Dead men of unfinished runs, by host and state."};
constexpr metrics::Metric kDeadMenUnconfirmed{
    "mailhub_actuator_dead_men_unconfirmed",
    "Dead men that their hosts have not confirmed in time."};
constexpr metrics::Metric kAlertsUnanswered{
    "mailhub_actuator_alerts_unanswered",
    "Alerts that were heard again after the run for them had finished."};
constexpr metrics::Metric kAlertsStillFiring{
    "mailhub_actuator_alerts_still_firing",
    "Alerts that go on firing although every run that may answer them has succeeded."};
constexpr metrics::Metric kHostInRun{"mailhub_actuator_host_in_run",
                                     "1 for each host that an acting run touches."};
constexpr metrics::Metric kRunHeld{"mailhub_actuator_run_held",
                                   "1 for each run that waits for a person."};
constexpr metrics::Metric kRunInProgress{"mailhub_actuator_run_in_progress",
                                         "Whether such a run has started and not ended."};
constexpr metrics::Metric kRunOverdue{"mailhub_actuator_run_overdue",
                                      "Whether such a run takes longer than it should."};
constexpr metrics::Metric kRunEta{"mailhub_actuator_run_eta_timestamp_seconds",
                                  "When the run is expected to end."};
constexpr metrics::Metric kQueueLength{"mailhub_actuator_queue_length",
                                       "Runs that have not started."};
constexpr metrics::Metric kQueueBlocked{
    "mailhub_actuator_queue_blocked_by_hold",
    "Whether a run cannot start because a held one keeps its lock."};
constexpr metrics::Metric kMode{"mailhub_actuator_mode", "The mode in force is 1, the others 0."};

bool InProgress(const engine::RunView& run) {
  return run.state != RunState::kQueued && run.state != RunState::kFinished;
}

std::string NameOfStep(const engine::RunView& run, const std::string& path) {
  for (const engine::StepView& step : run.steps)
    if (step.path == path) return step.name;
  return path;
}

void AddGates(const engine::RunView& run, metrics::Families* page) {
  for (const engine::StepView& step : run.steps) {
    if (step.phase != engine::StepPhase::kGate) continue;
    const bool open = step.gate && step.gate->state == engine::GateState::kOpen;
    page->Add(kGateOpen, {{"host", run.target}, {"runbook", run.runbook}, {"step", step.name}},
              open ? 1 : 0);
  }
}

void AddQuestions(const engine::RunView& run, metrics::Families* page) {
  const auto ask = [&](const char* kind) {
    page->Add(kPersonAsked, {{"kind", kind}, {"runbook", run.runbook}, {"target", run.target}}, 1);
  };
  if (!run.asks.empty()) ask("confirm");
  if (!run.holds.empty()) ask("hold");
  if (run.pause) ask("pause");
}

// All states for each host with a dead man, so that a falling count is visible.
void AddDeadMen(const engine::View& view, metrics::Families* page) {
  std::map<std::string, std::map<engine::DeadManPhase, int>> hosts;
  int unconfirmed = 0;
  for (const engine::RunView& run : view.unfinished) {
    for (const engine::DeadManView& dead_man : run.dead_men) {
      ++hosts[dead_man.host][dead_man.phase];
      unconfirmed += dead_man.phase == engine::DeadManPhase::kUnconfirmed ? 1 : 0;
    }
  }
  for (auto& [host, phases] : hosts)
    for (const auto phase : All<engine::DeadManPhase>())
      page->Add(kDeadMen, {{"host", host}, {"state", Name(phase)}}, phases[phase]);
  page->Add(kDeadMenUnconfirmed, {}, unconfirmed);
}

void AddEpisodes(const engine::View& view, metrics::Families* page) {
  const auto unanswered = std::count_if(view.episodes.begin(), view.episodes.end(),
                                        [](const engine::EpisodeView& episode) {
                                          return episode.state == engine::EpisodeState::kUnanswered;
                                        });
  page->Add(kAlertsUnanswered, {}, static_cast<double>(unanswered));
  page->Add(kAlertsStillFiring, {}, static_cast<double>(view.still_firing_episodes));
}

}  // namespace

void AddViewMetrics(const engine::View& view,
                    const std::set<std::pair<std::string, std::string>>& known,
                    metrics::Families* page) {
  using Key = std::pair<std::string, std::string>;
  std::map<Key, bool> in_progress;
  std::map<Key, bool> overdue;
  std::map<Key, double> eta_s;
  for (const Key& key : known) in_progress[key] = overdue[key] = false;
  size_t queued = 0;
  for (const engine::RunView& run : view.unfinished) {
    const Key key{run.runbook, run.target};
    queued += run.state == RunState::kQueued ? 1 : 0;
    in_progress[key] |= InProgress(run);
    overdue[key] |= run.overdue;
    if (run.eta && InProgress(run)) eta_s[key] = std::max(eta_s[key], ToUnixSeconds(*run.eta));
    if (run.acting)
      for (const std::string& host : run.hosts)
        page->Add(kHostInRun, {{"instance", host}, {"runbook", run.runbook}}, 1);
    for (const engine::HoldView& hold : run.holds)
      page->Add(
          kRunHeld,
          {{"host", run.target}, {"runbook", run.runbook}, {"step", NameOfStep(run, hold.path)}},
          1);
    AddGates(run, page);
    AddQuestions(run, page);
  }
  AddDeadMen(view, page);
  AddEpisodes(view, page);
  for (const auto& [key, value] : in_progress)
    page->Add(kRunInProgress, {{"host", key.second}, {"runbook", key.first}}, value ? 1 : 0);
  for (const auto& [key, value] : overdue)
    page->Add(kRunOverdue, {{"host", key.second}, {"runbook", key.first}}, value ? 1 : 0);
  for (const auto& [key, value] : eta_s)
    page->Add(kRunEta, {{"host", key.second}, {"runbook", key.first}}, value);
  page->Add(kQueueLength, {}, static_cast<double>(queued));
  page->Add(kQueueBlocked, {}, view.queue_blocked_by_hold ? 1 : 0);
  for (const auto mode : All<engine::Mode>())
    page->Add(kMode, {{"mode", Name(mode)}}, view.mode == mode ? 1 : 0);
}

}  // namespace mailhub::api
