// A rebuild and a directory restart in a simulated site, driven through two phases: first faults
// rain, then they stop and everything must come to rest. Alertmanager repeats itself, a person acts
// on holds, the actuator dies and comes back, is deposed, or has a rival.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/actuator.h"
#include "tests/sim/invariants.h"
#include "tests/sim/plans.h"

namespace mailhub::sim {

struct SimOptions {
  uint64_t seed = 1;
  Faults faults;  // while `safe_ms` lasts
  Mutation mutation = Mutation::kNone;
  std::optional<uint64_t> at_call;  // at exactly this seam call, once,
  Fate fate = Fate::kCrash;         // ... this happens
  int64_t away_ms = 60'000;         // at most so long until it is back after a crash
  bool away_at_most = true;         // false: exactly so long
  int64_t safe_ms = 900'000;        // how long faults rain and alerts come
  int64_t live_ms = 14'400'000;     // how long it may then take to come to rest
};

// Confined to one thread.
class Simulation {
 public:
  explicit Simulation(const SimOptions& options);
  ~Simulation();

  // Both phases. The first broken promise, as a sentence; nothing when all held and every run came
  // to rest.
  std::optional<std::string> RunAll();

  uint64_t seam_calls() const { return seam_calls_; }
  const History& history() const { return history_; }
  const std::map<std::string, engine::Run>& runs() const { return invariants_.runs(); }
  // For a failing seed: what happened, one line an observation.
  std::string Story() const;

 private:
  class Plans;

  void Observe(Observation observation);
  std::shared_ptr<Actuator> Make(Journal* journal, bool is_main);
  void Boot();
  void Lose(Fate how);  // the main actuator has died or stalled
  Fate FateAt(Seam seam);
  void Settle();  // after each step: somebody may have died
  void BadWeather();
  void NotifyAll();
  engine::Notification MakeNotification();
  void ActAsOperator();
  engine::Verb WhatToDo(const engine::Run& run);
  bool AtRest() const;
  bool Safe() const { return world_.now_ms() < options_.safe_ms; }
  WallTime Wall() const;

  const SimOptions options_;
  Invariants invariants_;
  History history_;
  std::optional<std::string> broken_;
  World world_;
  std::unique_ptr<Plans> plans_;
  Journal journal_{"main", {}};
  Journal foreign_journal_{"foreign", {}};
  std::shared_ptr<Actuator> main_;
  std::shared_ptr<Actuator> foreign_;
  std::vector<std::shared_ptr<Actuator>> deposed_;
  Fate lost_ = Fate::kGoOn;  // how the main actuator was lost in this step
  uint64_t seam_calls_ = 0;
  uint64_t next_id_ = 1;
  uint64_t notifications_ = 0;
  int64_t recording_lag_ms_ = 0;
  int64_t wall_offset_ms_ = 0;
};

}  // namespace mailhub::sim
