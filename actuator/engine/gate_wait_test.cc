#include "actuator/engine/gate_wait.h"

#include "actuator/engine/testing_machine.h"

namespace mailhub::engine {
namespace {

class GateWaitTest : public Machine {
 protected:
  GateWaitTest() {
    plan_.steps[1].gate = Gate{.expr = "x == 1", .about = {"x500"}};
    Begin();
    Emit(StepStarted{"2", 1, ""});
  }
  GateVerdict Work() { return gate_.Work(StepAt("2")); }
  // The host gives a mark, and Prometheus is asked.
  GateQuestion Mark(double uptime) {
    EXPECT_EQ(Work(), GateVerdict::kWaits);
    EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kHello);
    RemoteReply reply;
    reply.mark = {"boot", uptime};
    EXPECT_EQ(gate_.Hear(Answer(reply)), GateVerdict::kWaits);
    return Question();
  }
  GateQuestion Question() {
    EXPECT_EQ(Work(), GateVerdict::kWaits);
    const std::vector<Effect> asked = Asked();
    EXPECT_EQ(asked.size(), 1U);
    last_ = asked.at(0).id;
    return std::get<GateQuestion>(asked[0].what);
  }
  std::optional<GateVerdict> Read(GateState state) {
    GateReading reading;
    reading.state = state;
    return gate_.Hear(GateDone{last_, reading});
  }
  GateWait gate_{&context_, &run_};
};

TEST_F(GateWaitTest, AsksEachHostForAFreshMarkBeforePrometheus) {
  EXPECT_EQ(Mark(7).marks.at("x500").uptime_s, 7);
  EXPECT_EQ(Read(GateState::kOpen), GateVerdict::kOpen);
}

TEST_F(GateWaitTest, AsksAgainUntilItIsOpen) {
  Mark(7);
  EXPECT_EQ(Read(GateState::kFalse), GateVerdict::kWaits);
  EXPECT_EQ(gate_.NextDeadline(), clock_.In(config_.poll_gate));
  Pass(config_.poll_gate);
  EXPECT_EQ(Question().waited, config_.poll_gate);
  EXPECT_EQ(Read(GateState::kOpen), GateVerdict::kOpen);
}

TEST_F(GateWaitTest, AfterARebootTheMarksAreTakenAnew) {
  Mark(7);
  EXPECT_EQ(Read(GateState::kRebooted), GateVerdict::kWaits);
  Pass(config_.poll_gate);
  EXPECT_EQ(Mark(1).marks.at("x500").uptime_s, 1);
}

TEST_F(GateWaitTest, AnExpressionThatPrometheusRefusesOpensNever) {
  Mark(7);
  EXPECT_EQ(Read(GateState::kInvalid), GateVerdict::kInvalid);
}

TEST_F(GateWaitTest, AHeldRunsGateOpensOnlyAfterThePersonsAnswer) {
  Mark(7);
  Emit(RunHeld{"2", HoldReason::kGateShut, ""});
  EXPECT_EQ(Read(GateState::kOpen), GateVerdict::kWaits);
}

TEST_F(GateWaitTest, WhatDoesNotOpenInTimeIsGivenUp) {
  Mark(7);
  for (Milliseconds waited{0}; waited < StepAt("2").gate->timeout; waited += Seconds(10)) {
    ASSERT_EQ(Read(GateState::kFalse), GateVerdict::kWaits);
    Pass(Seconds(10));
    if (waited + Seconds(10) < StepAt("2").gate->timeout) Question();
  }
  EXPECT_EQ(Work(), GateVerdict::kTimedOut);
  EXPECT_EQ(gate_.Detail(), "false");
}

TEST_F(GateWaitTest, APrometheusThatNeverAnswersIsNotWaitedForLonger) {
  Mark(7);
  Pass(StepAt("2").gate->timeout);
  EXPECT_EQ(Work(), GateVerdict::kTimedOut);
  EXPECT_EQ(gate_.Detail(), "Prometheus does not answer");
}

TEST_F(GateWaitTest, AHostThatRefusesItsMarkIsForAPerson) {
  Work();
  OnlyRequest();
  EXPECT_EQ(gate_.Hear(Failure(ErrorKind::kRefused)), GateVerdict::kRefused);
  EXPECT_EQ(gate_.Trouble(), "x500: x500: no");
}

}  // namespace
}  // namespace mailhub::engine
