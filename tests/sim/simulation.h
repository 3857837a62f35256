// One simulated site in two phases: first faults occur, then they stop and everything must come to
// rest. Alertmanager repeats itself, people act on what they saw, the actuator dies and returns,
// stops for a while, is deposed, or has a rival.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/actuator.h"
#include "tests/sim/alertmanager.h"
#include "tests/sim/invariants.h"
#include "tests/sim/people.h"
#include "tests/sim/plans.h"

namespace mailhub::sim {

struct SimOptions {
  uint64_t seed = 1;
  Faults faults;         // while `safe_ms` lasts
  bool made_up = false;  // made-up runbooks from the seed; else the shipped ones
  Mutation mutation = Mutation::kNone;
  std::string complaint;            // not empty: only complaints with these words count
  std::optional<uint64_t> at_call;  // at exactly this seam call, once,
  Fate fate = Fate::kCrash;         // ... this happens
  int64_t away_ms = 60'000;         // longest absence after a crash
  bool away_at_most = true;         // false: exactly so long
  int64_t safe_ms = 900'000;        // duration of faults and alerts
  int64_t live_ms = 28'800'000;     // longest time until rest after that
};

// Confined to one thread.
class Simulation {
 public:
  explicit Simulation(const SimOptions& options);
  ~Simulation();

  // Runs both phases. Returns the first broken promise as a sentence; nothing when all held and
  // every run came to rest.
  std::optional<std::string> RunAll();

  uint64_t seam_calls() const { return seam_calls_; }
  const History& history() const { return history_; }
  const std::map<std::string, engine::Run>& runs() const { return invariants_.known().runs; }
  std::shared_ptr<const Playbook> playbook() const { return playbook_; }
  // For a failing seed: the history, one line per observation.
  std::string Story() const;

 private:
  class Plans;

  void Observe(Observation observation);
  std::shared_ptr<Actuator> Make(JournalFile* journal, bool is_main);
  void Boot();
  Fate FateAt(Seam seam);
  Fate DrawFate(bool commit);
  void StandStill();
  void Settle();  // after each step: an actuator may have died
  void NoteWhetherUp();
  void LookAtMetrics();
  void BadWeather();
  void TroubleTheJournal();
  void NotifyAll();
  void BringToRest();
  bool AtRest() const;
  bool Safe() const { return world_.now_ms() < options_.safe_ms; }
  WallTime Wall() const;

  const SimOptions options_;
  const std::shared_ptr<const Playbook> playbook_;
  Invariants invariants_;
  History history_;
  std::optional<std::string> broken_;
  World world_;
  std::unique_ptr<Plans> plans_;
  Alertmanager alertmanager_;
  People people_;
  JournalFile journal_{"main", {}};
  JournalFile foreign_journal_{"foreign", {}};
  std::shared_ptr<Actuator> main_;
  std::shared_ptr<Actuator> foreign_;
  std::vector<std::shared_ptr<Actuator>> deposed_;
  Fate lost_ = Fate::kGoOn;  // how the main actuator was lost in this step
  bool was_up_ = false;
  uint64_t seam_calls_ = 0;
  uint64_t next_id_ = 1;
  int64_t wall_offset_ms_ = 0;
  int64_t disk_full_until_ms_ = 0;
};

}  // namespace mailhub::sim
