#include "actuator/engine/preparation.h"

#include "actuator/engine/testing_machine.h"

namespace mailhub::engine {
namespace {

class PreparationTest : public Machine {
 protected:
  Readiness Work(const std::string& path = "1") { return preparation_.Work(StepAt(path)); }

  Leases leases_{&context_, &run_, &directories_};
  PassedOver given_up_{&context_, &run_, &directories_, &leases_};
  Preparation preparation_{&context_, &run_, &directories_, &leases_, &given_up_};
};

TEST_F(PreparationTest, AsksForTheReceiptsDirectoryThenForTheDeadMan) {
  Begin();
  directories_.clear();
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kHello);
  RemoteReply reply;
  reply.directory_id = "d1";
  EXPECT_EQ(preparation_.Hear(StepAt("1"), Answer(reply)), Readiness::kWaits);
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kArm);
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(preparation_.Trouble(), "x500 has not confirmed its dead man's lease");
  leases_.Hear(Answer(Says(LeaseState::kArmed)));
  EXPECT_EQ(Work(), Readiness::kReady);
}

TEST_F(PreparationTest, NothingBeginsInAnotherModeNorInAPause) {
  Begin();
  mode_.mode = Mode::kObserve;
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(preparation_.Trouble(), "the mode is observe: no run starts and no step begins");
  mode_.mode = Mode::kActive;
  Emit(OperatorActed{Verb::kPause, "", "ann", "", kNoHold});
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(preparation_.Trouble(), "paused by ann");
}

TEST_F(PreparationTest, InAPauseNoHostIsAwaited) {
  Begin();
  directories_.clear();
  Work();
  OnlyRequest();
  preparation_.Hear(StepAt("1"), Failure(ErrorKind::kUnreachable));
  Emit(OperatorActed{Verb::kPause, "", "ann", "", kNoHold});
  Pass(StepAt("1").timeout * 10);
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(Work(), Readiness::kWaits);
}

TEST_F(PreparationTest, NothingBeginsWhereACommandThatWasPassedOverMayStillBegin) {
  Begin();
  passed_over_ = "x500 has not said yet whether ...";
  EXPECT_EQ(Work(), Readiness::kWaits);
  EXPECT_EQ(preparation_.Trouble(), passed_over_);
}

TEST_F(PreparationTest, AHostThatIsAwayIsWaitedForAsLongAsAllAttemptsMayTake) {
  plan_.steps[0].attempts = 2;
  Begin();
  directories_.clear();
  Work();
  OnlyRequest();
  EXPECT_EQ(preparation_.Hear(StepAt("1"), Failure(ErrorKind::kUnreachable)), Readiness::kWaits);
  Pass(StepAt("1").timeout * 2 - Milliseconds(1));
  EXPECT_EQ(Work(), Readiness::kWaits);
  OnlyRequest();
  EXPECT_EQ(preparation_.Hear(StepAt("1"), Failure(ErrorKind::kUnreachable)), Readiness::kWaits);
  Pass(config_.remote_retry);
  EXPECT_EQ(Work(), Readiness::kTimedOut);
  EXPECT_EQ(preparation_.WhyNot(StepAt("1")), "not begun: x500: no");
}

TEST_F(PreparationTest, AHostThatNeverAnswersIsNotWaitedForLonger) {
  Begin();
  directories_.clear();
  Work();
  OnlyRequest();
  Pass(StepAt("1").timeout);
  EXPECT_EQ(Work(), Readiness::kTimedOut);
  EXPECT_EQ(preparation_.WhyNot(StepAt("1")), "not begun: x500 does not answer");
}

TEST_F(PreparationTest, AHostThatRefusesIsForAPerson) {
  Begin();
  directories_.clear();
  Work();
  OnlyRequest();
  EXPECT_EQ(preparation_.Hear(StepAt("1"), Failure(ErrorKind::kRefused)), Readiness::kRefused);
}

TEST_F(PreparationTest, TheNextAttemptWaitsForItsDelay) {
  Begin();
  leases_.Arm(StepAt("1"), "d1");
  OnlyRequest();
  leases_.Hear(Answer(Says(LeaseState::kArmed)));
  preparation_.NotBefore(clock_.In(Milliseconds(5'000)));
  EXPECT_EQ(Work(), Readiness::kWaits);
  Pass(Milliseconds(5'000));
  EXPECT_EQ(Work(), Readiness::kReady);
}

}  // namespace
}  // namespace mailhub::engine
