// What is against a run, and what is not known.
#include "actuator/engine/live_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Plan Cycle() {
  Plan plan;
  plan.runbook = "cycle";
  plan.parameters = {{"on", "x500"}};
  plan.locks = {"directory", "tables"};
  Step stop{.path = "1", .name = "Stop", .host = "x500", .command = "@stop"};
  stop.dead_man = DeadMan{.restore = "@start", .after = Milliseconds(1'000), .until = "3"};
  stop.gate = Gate{.expr = "mailhub_process_count{instance=\"x500\"} == 0", .about = {"x500"}};
  Step wait{.path = "2", .name = "Wait", .kind = StepKind::kWaitFor};
  wait.gate = Gate{.expr = "mailhub_host_load1{instance=\"hub1\"} < 1", .about = {"hub1"}};
  Step start{.path = "3", .name = "Start", .host = "x500", .command = "@start"};
  plan.steps = {stop, wait, start};
  plan.always = {{.step = {.path = "a1", .name = "Owed", .host = "hub2", .command = "@note"},
                  .since = "1",
                  .until = "3"}};
  return plan;
}

GateReading Reading(GateState state, bool needs_change = false) {
  GateReading reading;
  reading.state = state;
  reading.why = "w";
  reading.needs_change = needs_change;
  return reading;
}

// All is well.
LivePlan Asked(const View& view = {}) {
  LivePlan live = BeginLivePlan(Cycle(), view);
  for (LiveGate& gate : live.gates) gate.reading = Reading(GateState::kOpen);
  for (HostReport& report : live.hosts) {
    for (const auto& [question, word] : WordsOf(HostQuestion())) {
      report.facts.push_back({question, Known::kYes, ""});
    }
  }
  return live;
}

RunView Other(const std::string& id, const std::vector<std::string>& locks, RunState state) {
  RunView run;
  run.id = id;
  run.runbook = "other";
  run.locks = locks;
  run.state = state;
  run.started = WallTime(Seconds(1));
  return run;
}

TEST(LivePlan, HasTheGatesHostsAndCommandsOfThePlan) {
  const LivePlan live = BeginLivePlan(Cycle(), {});
  ASSERT_EQ(live.gates.size(), 2U);
  EXPECT_EQ(live.gates[0].path, "1");
  EXPECT_EQ(live.gates[1].path, "2");
  ASSERT_EQ(live.hosts.size(), 3U);
  EXPECT_EQ(live.hosts[0].host, "hub1") << "it is asked for a mark";
  EXPECT_THAT(CommandsOn(live.plan, "x500"), ElementsAre("@stop", "@start"));
  EXPECT_THAT(CommandsOn(live.plan, "hub2"), ElementsAre("@note"));
  EXPECT_THAT(CommandsOn(live.plan, "hub1"), IsEmpty());
}

TEST(LivePlan, HasNoObstacleWhereAllIsWellOrAConditionIsOnlyFalse) {
  LivePlan live = Asked();
  live.gates[0].reading->state = GateState::kFalse;
  JudgeLivePlan(&live);
  EXPECT_THAT(live.obstacles, IsEmpty());
  EXPECT_THAT(live.unknowns, IsEmpty());
}

TEST(LivePlan, TellsWhatNeedsAChangeFromWhatIsNotKnownYet) {
  const auto judged = [](GateState state, bool needs_change) {
    LivePlan live = Asked();
    live.gates[1].reading = Reading(state, needs_change);
    JudgeLivePlan(&live);
    return std::pair(live.obstacles.size(), live.unknowns.size());
  };
  EXPECT_EQ(judged(GateState::kUnreachable, false), std::pair(1UL, 0UL));
  EXPECT_EQ(judged(GateState::kInvalid, false), std::pair(1UL, 0UL));
  EXPECT_EQ(judged(GateState::kStale, true), std::pair(1UL, 0UL));
  EXPECT_EQ(judged(GateState::kStale, false), std::pair(0UL, 1UL));
  LivePlan live = BeginLivePlan(Cycle(), {});
  JudgeLivePlan(&live);
  ASSERT_EQ(live.unknowns.size(), 2U) << "what was not asked is not known";
  EXPECT_EQ(live.unknowns[0].about, "step 1");
}

TEST(LivePlan, NamesTheFirstThingThatKeepsAHostFromItsSteps) {
  LivePlan live = Asked();
  for (HostFact& fact : live.hosts[0].facts) {
    if (fact.about == HostQuestion::kReachable) continue;
    fact.known = fact.about == HostQuestion::kHostKey ? Known::kNo : Known::kUnknown;
    fact.why = "its key is another one";
  }
  live.hosts[1].facts[5] = {HostQuestion::kFence, Known::kNo, "it obeys journal b"};
  live.hosts[1].facts[6] = {HostQuestion::kCommands, Known::kNo, "it lists no command stop"};
  live.hosts[2].facts[4] = {HostQuestion::kReceipts, Known::kUnknown, "not there yet"};
  JudgeLivePlan(&live);
  ASSERT_EQ(live.obstacles.size(), 3U);
  EXPECT_EQ(live.obstacles[0].about, "hub1");
  EXPECT_THAT(live.obstacles[0].what, HasSubstr("host_key: its key is another one"));
  EXPECT_THAT(live.obstacles[1].what, HasSubstr("it obeys journal b"));
  EXPECT_THAT(live.obstacles[2].what, HasSubstr("it lists no command stop"));
  ASSERT_EQ(live.unknowns.size(), 1U);
  EXPECT_EQ(live.unknowns[0].about, "x500");
}

TEST(LivePlan, NamesWhatCannotWorkBeforeWhatIsNotKnown) {
  LivePlan live = Asked();
  live.hosts[1].facts[0] = {HostQuestion::kReachable, Known::kUnknown, "the host was not asked"};
  live.hosts[1].facts[2] = {HostQuestion::kLogin, Known::kNo, "our key cannot be read"};
  JudgeLivePlan(&live);
  ASSERT_EQ(live.obstacles.size(), 1U);
  EXPECT_THAT(live.obstacles[0].what, HasSubstr("our key cannot be read"));
  EXPECT_THAT(live.unknowns, IsEmpty());
}

TEST(LivePlan, NamesACalendarThatHasNoTimeForIt) {
  LivePlan live = Asked({});
  live.start.why = "window «never» is closed";
  live.start.begin = WallTime(Seconds(9));
  JudgeLivePlan(&live);
  EXPECT_THAT(live.obstacles, IsEmpty()) << "waiting mends it";
  live.start.begin.reset();
  live.start.never = true;
  JudgeLivePlan(&live);
  ASSERT_EQ(live.obstacles.size(), 1U);
  EXPECT_EQ(live.obstacles[0].what, "there is no suitable time: window «never» is closed");
}

TEST(LivePlan, NamesModeSameRunAndTheRunThatHasALock) {
  View view;
  view.mode = Mode::kObserve;
  RunView same = Other("same00", {}, RunState::kQueued);
  same.runbook = "cycle";
  same.parameters = {{"on", "x500"}};
  RunView pausing = Other("paused", {"tables"}, RunState::kPaused);
  pausing.started.reset();
  view.unfinished = {Other("works0", {"directory"}, RunState::kRunning), pausing,
                     Other("holds0", {"tables"}, RunState::kHeld), same};
  LivePlan live = Asked(view);
  JudgeLivePlan(&live);
  EXPECT_EQ(live.locks[0].run, "works0") << "it will end: no obstacle";
  EXPECT_EQ(live.locks[1].run, "holds0") << "a queued run that is paused lets others pass";
  ASSERT_EQ(live.obstacles.size(), 3U);
  EXPECT_EQ(live.obstacles[0].about, "mode");
  EXPECT_EQ(live.obstacles[1].about, "run same00");
  EXPECT_EQ(live.obstacles[2].about, "lock tables");
}

}  // namespace
}  // namespace mailhub::engine
