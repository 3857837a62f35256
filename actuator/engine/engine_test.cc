#include <gtest/gtest.h>

#include "actuator/engine/testing_one_step.h"

namespace mailhub::engine {
namespace {

Moment At(Milliseconds since_start) {
  return {.wall = WallTime(Seconds(1'000'000'000)) + since_start,
          .steady = SteadyTime(Seconds(1000)) + since_start};
}

TEST(Engine, ADeadlineThatPassesWhileSomebodyLooksIsNotForgotten) {
  const OneStep plans;
  Engine engine(EngineConfig(), &plans, [] { return std::string("run"); });
  engine.Start(At(Milliseconds(0)), "test");
  Command start;
  start.verb = Verb::kStart;
  start.by = "alice";
  start.runbook = "touch";
  const Output begun = engine.Handle(start, At(Milliseconds(1)));
  ASSERT_EQ(begun.effects.size(), 1U);

  RemoteReply unreachable;
  unreachable.receipt = Fail(ErrorKind::kUnreachable, "h: no route");
  engine.Handle(RemoteDone{.id = begun.effects[0].id, .reply = unreachable}, At(Milliseconds(2)));
  const std::optional<SteadyTime> again = engine.NextDeadline();
  ASSERT_TRUE(again);

  // As after a full disk, when a view is made before the engine's turn.
  const Moment later = At(Milliseconds(30'000));
  engine.Look(later);
  engine.RenewWhilePending(later);
  EXPECT_EQ(engine.NextDeadline(), again);
  EXPECT_EQ(engine.Advance(later).effects.size(), 1U) << "the host is asked again";
}

}  // namespace
}  // namespace mailhub::engine
