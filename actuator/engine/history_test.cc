#include "actuator/engine/history.h"

#include <gtest/gtest.h>

namespace mailhub::engine {
namespace {

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() { clock_.Start({WallTime(Seconds(1'000'000)), SteadyTime(Seconds(1'000))}); }
  static engine::Run RunOf(const std::string& target, RunResult result = RunResult::kSucceeded) {
    engine::Run run;
    run.id = "run";
    run.queued.plan.runbook = "rebuild";
    run.queued.plan.target = target;
    run.queued.plan.parameters = {{"on", target}};
    run.started_at = WallTime(Seconds(999'000));
    run.result = result;
    return run;
  }
  void Add(const engine::Run& run, Milliseconds worked = Seconds(60)) {
    history_.Add(run, clock_.wall(), worked);
  }
  EngineClock clock_;
  History history_{&clock_};
};

TEST_F(HistoryTest, ACooldownGoesBySteadyTime) {
  const engine::Run run = RunOf("x500");
  Add(run);
  const SteadyTime later = clock_.In(Seconds(10));
  clock_.Advance({clock_.wall() - Seconds(100'000), later}, later);  // the wall clock has stepped
  const LastRun* last = history_.LastOf(run.plan());
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(history_.CooldownLeft(*last, Seconds(30)), Seconds(20));
  EXPECT_FALSE(history_.CooldownLeft(*last, Seconds(10)));
}

TEST_F(HistoryTest, ACancelledRunStartsNoCooldown) {
  const engine::Run run = RunOf("x500", RunResult::kCancelled);
  Add(run);
  EXPECT_EQ(history_.LastOf(run.plan()), nullptr);
}

TEST_F(HistoryTest, OtherParametersAreAnotherKind) {
  Add(RunOf("x500"));
  EXPECT_EQ(history_.LastOf(RunOf("x501").plan()), nullptr);
}

TEST_F(HistoryTest, ExpectsWhatNineRunsInTenTookOnThisTarget) {
  for (int i = 1; i <= 10; ++i) Add(RunOf("x500"), Seconds(i));
  EXPECT_EQ(history_.Expected(RunOf("x500").plan()), Seconds(9));
  EXPECT_EQ(history_.Expected(RunOf("x501").plan()), Seconds(9)) << "else on any";
}

TEST_F(HistoryTest, WithoutHistoryTheRunbooksOwnExpectationCounts) {
  Plan plan = RunOf("x500").plan();
  EXPECT_FALSE(history_.Expected(plan));
  plan.expected = Seconds(5);
  EXPECT_EQ(history_.Expected(plan), Seconds(5));
}

TEST_F(HistoryTest, AFailedRunsTimeSaysNothing) {
  Add(RunOf("x500", RunResult::kFailed));
  EXPECT_FALSE(history_.Expected(RunOf("x500").plan()));
}

}  // namespace
}  // namespace mailhub::engine
