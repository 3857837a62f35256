#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/sim/simulation.h"

namespace mailhub::sim {
namespace {

Faults BadWeather() {
  Faults faults;
  faults.refuse = 0.05;
  faults.lose_reply = 0.05;
  faults.delay = 0.01;
  faults.reboot = 0.005;
  faults.wipe_receipts = 0.2;
  faults.fail_command = 0.03;
  faults.drop_sample = 0.05;
  faults.prometheus_away = 0.05;
  return faults;
}

uint64_t SeedsWanted() {
  const char* wanted = std::getenv("MAILHUB_SIM_SEEDS");
  return wanted == nullptr ? 2000 : std::strtoull(wanted, nullptr, 10);
}

uint64_t FirstSeed() {
  const char* wanted = std::getenv("MAILHUB_SIM_FIRST_SEED");
  return wanted == nullptr ? 1 : std::strtoull(wanted, nullptr, 10);
}

TEST(Simulation, CarriesOutThePageOnceWhenNothingGoesWrong) {
  Simulation simulation({});
  const auto broken = simulation.RunAll();
  ASSERT_FALSE(broken) << *broken << "\n" << simulation.Story();
  ASSERT_EQ(simulation.view().finished.size(), 1u);
  EXPECT_EQ(simulation.view().finished[0].result, engine::RunResult::kSucceeded);
  for (const engine::Event& event : simulation.journal()) {
    EXPECT_FALSE(std::holds_alternative<engine::RunHeld>(event.body)) << simulation.Story();
  }
  EXPECT_EQ(simulation.world().deeds.size(), 9u) << simulation.Story();
}

TEST(Simulation, ACrashAtAnySeamCallChangesNothingThatHappensOnTheHosts) {
  Simulation undisturbed({});
  ASSERT_FALSE(undisturbed.RunAll());
  const uint64_t calls = undisturbed.seam_calls();
  ASSERT_GT(calls, 100u);
  for (uint64_t call = 1; call <= calls; ++call) {
    SimOptions options;
    options.crash_at_call = call;
    Simulation simulation(options);
    const auto broken = simulation.RunAll();
    ASSERT_FALSE(broken) << "crash at call " << call << ": " << *broken << "\n"
                         << simulation.Story();
    ASSERT_EQ(simulation.world().deeds.size(), undisturbed.world().deeds.size())
        << "crash at call " << call << "\n"
        << simulation.Story();
    ASSERT_EQ(simulation.view().finished.at(0).result, engine::RunResult::kSucceeded);
  }
}

// Away for longer than any dead man waits: hosts act by themselves, and the run says so instead of
// going on blindly.
TEST(Simulation, ComesToRestWhereverItIsAwayForLongerThanItsDeadMenWait) {
  Simulation undisturbed({});
  ASSERT_FALSE(undisturbed.RunAll());
  int restored = 0;
  for (uint64_t call = 1; call <= undisturbed.seam_calls(); ++call) {
    SimOptions options;
    options.crash_at_call = call;
    options.away_at_most = false;
    options.away_ms = 1'900'000;
    options.safe_ms = 2'500'000;  // alerts come until it is back
    options.live_ms = 5 * 3'600'000;
    Simulation simulation(options);
    const auto broken = simulation.RunAll();
    ASSERT_FALSE(broken) << "away from call " << call << ": " << *broken << "\n"
                         << simulation.Story();
    bool held = false;
    for (const engine::Event& event : simulation.journal()) {
      const auto* hold = std::get_if<engine::RunHeld>(&event.body);
      held = held || (hold != nullptr && hold->reason == engine::HoldReason::kDeadManRestored);
    }
    const auto& deeds = simulation.world().deeds;
    const bool acted =
        std::any_of(deeds.begin(), deeds.end(), [](const Deed& deed) { return deed.by_dead_man; });
    restored += acted ? 1 : 0;
    EXPECT_TRUE(!acted || held) << "away from call " << call << "\n" << simulation.Story();
  }
  EXPECT_GT(restored, 10);
}

TEST(Simulation, KeepsItsPromisesInBadWeatherForEverySeed) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + SeedsWanted(); ++seed) {
    SimOptions options;
    options.seed = seed;
    options.faults = BadWeather();
    options.crash = 0.01;
    Simulation simulation(options);
    const auto broken = simulation.RunAll();
    ASSERT_FALSE(broken) << *broken << "\n" << simulation.Story();
  }
}

}  // namespace
}  // namespace mailhub::sim
