// The shipped rebuild in a simulated world: undisturbed, disturbed once at every seam call, and
// with many faults for many seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/sim/seeds.h"

namespace mailhub::sim {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* wanted = std::getenv(name);
  return wanted == nullptr || *wanted == '\0' ? otherwise : std::strtoull(wanted, nullptr, 10);
}

std::vector<std::string> CommandsDone(const History& history) {
  std::vector<std::string> commands;
  for (const Observation& observation : history) {
    const auto* deed = std::get_if<DeedBegan>(&observation.what);
    if (deed != nullptr) commands.push_back(deed->host + ": " + deed->command);
  }
  return commands;
}

bool Held(const Simulation& simulation, std::optional<engine::HoldReason> reason = {}) {
  const auto& history = simulation.history();
  return std::any_of(history.begin(), history.end(), [&](const Observation& observation) {
    const auto* recorded = std::get_if<Recorded>(&observation.what);
    const auto* held =
        recorded == nullptr ? nullptr : std::get_if<engine::RunHeld>(&recorded->event.body);
    return held != nullptr && (!reason || held->reason == *reason);
  });
}

// One rebuild and nothing else, to be disturbed below.
SimOptions OneRebuild() {
  SimOptions options;
  options.seed = 2;
  options.safe_ms = 120'000;
  return options;
}

// Whether the simulation's actions on the hosts equal those of an undisturbed one.
std::optional<std::string> StoryIfDifferent(const SimOptions& options,
                                            const std::vector<std::string>& commands) {
  Simulation simulation(options);
  const bool broken = simulation.RunAll().has_value();
  if (!broken && !Held(simulation) && CommandsDone(simulation.history()) == commands) return {};
  return simulation.Story();
}

TEST(Simulation, CarriesOutThePageOnceWhenNothingGoesWrong) {
  Simulation simulation(OneRebuild());
  const auto broken = simulation.RunAll();
  ASSERT_FALSE(broken) << simulation.Story();
  ASSERT_EQ(simulation.runs().size(), 1u) << simulation.Story();
  const engine::Run& run = simulation.runs().begin()->second;
  EXPECT_EQ(run.result, engine::RunResult::kSucceeded);
  EXPECT_EQ(run.plan().steps.size(), 36u);
  EXPECT_FALSE(Held(simulation)) << simulation.Story();
  const auto actions =
      std::count_if(run.plan().steps.begin(), run.plan().steps.end(),
                    [](const engine::Step& step) { return !step.command.empty(); });
  EXPECT_EQ(CommandsDone(simulation.history()).size(), static_cast<size_t>(actions))
      << simulation.Story();
}

class OnceAtEverySeamCall : public testing::TestWithParam<std::pair<const char*, Fate>> {};

TEST_P(OnceAtEverySeamCall, ChangesNothingThatHappensOnTheHosts) {
  Simulation undisturbed(OneRebuild());
  ASSERT_FALSE(undisturbed.RunAll());
  ASSERT_GT(undisturbed.seam_calls(), 400u);
  const auto commands = CommandsDone(undisturbed.history());
  const auto failure = ForEach(1, undisturbed.seam_calls(), [&](uint64_t call) {
    SimOptions options = OneRebuild();
    options.at_call = call;
    options.fate = GetParam().second;
    return StoryIfDifferent(options, commands);
  });
  ASSERT_FALSE(failure) << "at seam call " << failure->number << "\n" << failure->story;
  std::cout << undisturbed.seam_calls() << " seam calls\n";
}

INSTANTIATE_TEST_SUITE_P(
    Simulation, OnceAtEverySeamCall,
    testing::Values(std::pair("ACrash", Fate::kCrash), std::pair("BeingDeposed", Fate::kStall),
                    std::pair("AFailedCommit", Fate::kCommitFails),
                    std::pair("ACommitThatSeemsToFail", Fate::kCommitSeemsToFail)),
    [](const auto& test) { return test.param.first; });

// Away for longer than any dead man waits: hosts act by themselves, and the run reports it instead
// of going on blindly.
TEST(Simulation, HoldsWhereverItIsAwayForLongerThanItsDeadMenWait) {
  Simulation undisturbed(OneRebuild());
  ASSERT_FALSE(undisturbed.RunAll());
  std::atomic<int> restored = 0;
  const auto failure = ForEach(1, undisturbed.seam_calls(), [&](uint64_t call) {
    SimOptions options = OneRebuild();
    options.at_call = call;
    options.away_at_most = false;
    options.away_ms = 1'900'000;
    options.safe_ms = 2'500'000;  // alerts come until it is back
    Simulation simulation(options);
    const bool broken = simulation.RunAll().has_value();
    const auto& history = simulation.history();
    const bool acted = std::any_of(history.begin(), history.end(), [](const auto& observation) {
      const auto* deed = std::get_if<DeedBegan>(&observation.what);
      return deed != nullptr && deed->by_dead_man;
    });
    restored += acted ? 1 : 0;
    const bool right = !broken && Held(simulation, engine::HoldReason::kDeadManRestored) == acted;
    return right ? std::nullopt : std::optional(simulation.Story());
  });
  ASSERT_FALSE(failure) << "away from seam call " << failure->number << "\n" << failure->story;
  EXPECT_GT(restored, 10);
}

// MAILHUB_SIM_SEEDS: how many; MAILHUB_SIM_SEED=N replays one and prints its story;
// MAILHUB_SIM_CENSUS=1 continues after a failure and counts all kinds. See also seeds.h.
TEST(Simulation, KeepsItsPromisesInBadWeatherForEverySeed) {
  const uint64_t only = FromEnvironment("MAILHUB_SIM_SEED", 0);
  const uint64_t first = only != 0 ? only : FromEnvironment("MAILHUB_SIM_FIRST_SEED", 1);
  const uint64_t seeds = only != 0 ? 1 : FromEnvironment("MAILHUB_SIM_SEEDS", 2000);
  const bool counting = FromEnvironment("MAILHUB_SIM_CENSUS", 0) != 0;
  const auto began = std::chrono::steady_clock::now();
  Census census;
  const auto failure = ForEach(first, first + seeds - 1, [&](uint64_t seed) {
    Simulation simulation(OptionsFor(seed));
    const auto broken = simulation.RunAll();
    if (only != 0 && !broken) std::cout << simulation.Story();
    if (broken && counting) census.Count(seed, *broken);
    return broken && !counting ? std::optional(simulation.Story()) : std::nullopt;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << seeds << " seeds, " << static_cast<double>(seeds) / took.count()
            << " seeds per second\n";
  ASSERT_FALSE(failure) << failure->story << "again: MAILHUB_SIM_SEED=" << failure->number;
  EXPECT_EQ(census.Table(), "");
}

}  // namespace
}  // namespace mailhub::sim
