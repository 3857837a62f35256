// The real engine in a simulated world: commits before effects, crashes between any two seam calls,
// and after every event the invariants that docs/execution_model.md promises.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/run.h"
#include "tests/sim/world.h"

namespace mailhub::sim {

// A rebuild in miniature, shaped as the shipped one: a directory restart with regclients gated one
// by one, a stop with a dead man, a job, checks, and a restart again.
class SimPlans final : public engine::PlanSource {
 public:
  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override;
};

struct SimOptions {
  uint64_t seed = 1;
  Faults faults;                          // while `safe` lasts
  double crash = 0;                       // chance at each seam call
  std::optional<uint64_t> crash_at_call;  // exactly there, once
  int64_t away_ms = 60'000;               // at most so long until it is back after a crash
  bool away_at_most = true;               // false: exactly so long
  int64_t safe_ms = 600'000;              // how long faults rain
  int64_t live_ms = 7'200'000;            // how long it may then take to come to rest
};

class Simulation {
 public:
  explicit Simulation(const SimOptions& options);

  // Both phases. The first broken invariant, as a sentence; nothing when all held and every run
  // came to rest.
  std::optional<std::string> RunAll();

  uint64_t seam_calls() const { return seam_calls_; }
  bool crashed() const { return crashes_ > 0; }
  const engine::View& view() const { return view_; }
  const std::vector<engine::Event>& journal() const { return journal_; }
  World& world() { return world_; }
  // What happened, one line an event: printed for a failing seed.
  std::string Story() const;

 private:
  void Boot();
  void Crash();
  void Feed(const engine::Input& input);
  void Take(engine::Output output);
  bool Commit(const std::vector<engine::Event>& events);
  void Perform(const engine::Effect& effect);
  bool SeamCall();  // false: the actuator died here
  void Notify(bool firing);
  void ActAsOperator();
  void Step(int64_t until_ms);
  bool AtRest() const;
  void Check();
  void Break(const std::string& what);

  const SimOptions options_;
  World world_;
  SimPlans plans_;
  std::unique_ptr<engine::Engine> engine_;
  uint64_t life_ = 0;  // answers to an earlier life are dropped
  uint64_t seam_calls_ = 0;
  uint64_t crashes_ = 0;
  uint64_t next_id_ = 1;
  uint64_t notifications_ = 0;
  std::set<std::string> acknowledged_;
  std::vector<engine::Event> journal_;
  engine::View view_;
  size_t judged_deeds_ = 0;
  std::optional<std::string> broken_;
};

// What the journal and the world say together; the first broken invariant, or nothing. Separate
// from the driver so that a test can show each one biting.
std::optional<std::string> CheckInvariants(const std::vector<engine::Event>& journal,
                                           const std::vector<Deed>& deeds,
                                           const std::vector<GatePassed>& gates,
                                           const std::set<std::string>& acknowledged);

}  // namespace mailhub::sim
