// Two unfinished runs may share runbook and host; where they do, the one that needs attention wins.
#include "actuator/api/view_metrics.h"

#include <algorithm>
#include <map>

namespace mailhub::api {
namespace {

using engine::RunState;

bool InProgress(const engine::RunView& run) {
  return run.state != RunState::kQueued && run.state != RunState::kFinished;
}

std::string NameOfStep(const engine::RunView& run, const std::string& path) {
  for (const engine::StepView& step : run.steps)
    if (step.path == path) return step.name;
  return path;
}

void AddGates(Exposition& page, const engine::RunView& run) {
  for (const engine::StepView& step : run.steps) {
    if (step.phase != engine::StepPhase::kGate) continue;
    const bool open = step.gate && step.gate->state == engine::GateState::kOpen;
    page.Gauge("mailhub_actuator_gate_open",
               "Whether the condition being waited for held at the last look.",
               {{"runbook", run.runbook}, {"host", run.target}, {"step", step.name}}, open ? 1 : 0);
  }
}

void AddQuestions(Exposition& page, const engine::RunView& run) {
  const auto ask = [&](const char* kind) {
    page.Gauge("mailhub_actuator_person_asked",
               "1 for each run that waits for a person: for a confirmation, at a hold, or paused.",
               {{"runbook", run.runbook}, {"target", run.target}, {"kind", kind}}, 1);
  };
  if (!run.asks.empty()) ask("confirm");
  if (!run.holds.empty()) ask("hold");
  if (run.pause) ask("pause");
}

// Of a host that has one, every state, so that a count is seen to fall.
void AddDeadMen(Exposition& page, const engine::View& view) {
  std::map<std::string, std::map<engine::LeasePhase, int>> hosts;
  int unconfirmed = 0;
  for (const engine::RunView& run : view.unfinished) {
    for (const engine::LeaseView& lease : run.leases) {
      ++hosts[lease.host][lease.phase];
      unconfirmed += lease.phase == engine::LeasePhase::kUnconfirmed ? 1 : 0;
    }
  }
  for (auto& [host, phases] : hosts)
    for (const engine::LeasePhase phase :
         {engine::LeasePhase::kUnconfirmed, engine::LeasePhase::kArmed,
          engine::LeasePhase::kDisarming, engine::LeasePhase::kRestored, engine::LeasePhase::kLost})
      page.Gauge("mailhub_actuator_dead_men", "Dead men of unfinished runs, by host and state.",
                 {{"host", host}, {"state", Name(phase)}}, phases[phase]);
  page.Gauge("mailhub_actuator_dead_men_unconfirmed",
             "Dead men that their hosts have not confirmed in time.", {}, unconfirmed);
}

void AddEpisodes(Exposition& page, const engine::View& view) {
  const auto unanswered = std::count_if(view.episodes.begin(), view.episodes.end(),
                                        [](const engine::EpisodeView& episode) {
                                          return episode.state == engine::EpisodeState::kUnanswered;
                                        });
  page.Gauge("mailhub_actuator_alerts_unanswered",
             "Alerts that were heard again after the run for them had finished.", {},
             static_cast<double>(unanswered));
}

}  // namespace

void AddViewMetrics(Exposition& page, const engine::View& view,
                    const std::set<std::pair<std::string, std::string>>& known) {
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
        page.Gauge("mailhub_actuator_host_in_run", "1 for each host that an acting run touches.",
                   {{"instance", host}, {"runbook", run.runbook}}, 1);
    for (const engine::HoldView& hold : run.holds)
      page.Gauge(
          "mailhub_actuator_run_held", "1 for each run that waits for a person.",
          {{"runbook", run.runbook}, {"host", run.target}, {"step", NameOfStep(run, hold.path)}},
          1);
    AddGates(page, run);
    AddQuestions(page, run);
  }
  AddDeadMen(page, view);
  AddEpisodes(page, view);
  for (const auto& [key, value] : in_progress)
    page.Gauge("mailhub_actuator_run_in_progress", "Whether such a run has started and not ended.",
               {{"runbook", key.first}, {"host", key.second}}, value ? 1 : 0);
  for (const auto& [key, value] : overdue)
    page.Gauge("mailhub_actuator_run_overdue", "Whether such a run takes longer than it should.",
               {{"runbook", key.first}, {"host", key.second}}, value ? 1 : 0);
  for (const auto& [key, value] : eta_s)
    page.Gauge("mailhub_actuator_run_eta_timestamp_seconds", "When the run is expected to end.",
               {{"runbook", key.first}, {"host", key.second}}, value);
  page.Gauge("mailhub_actuator_queue_length", "Runs that have not started.", {},
             static_cast<double>(queued));
  page.Gauge("mailhub_actuator_queue_blocked_by_hold",
             "Whether a run cannot start because a held one keeps its lock.", {},
             view.queue_blocked_by_hold ? 1 : 0);
  for (const engine::Mode mode :
       {engine::Mode::kActive, engine::Mode::kObserve, engine::Mode::kHalted})
    page.Gauge("mailhub_actuator_mode", "The mode in force is 1, the others 0.",
               {{"mode", Name(mode)}}, view.mode == mode ? 1 : 0);
}

}  // namespace mailhub::api
