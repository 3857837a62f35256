#include "actuator/engine/attempt.h"

#include "actuator/engine/testing_machine.h"

namespace mailhub::engine {
namespace {

class AttemptTest : public Machine {
 protected:
  // The intent of the second step, which has no dead man of its own, is recorded.
  void Start(StepKind kind = StepKind::kRun) {
    plan_.steps[0].dead_man.reset();
    plan_.steps[1].kind = kind;
    Begin();
    Emit(StepDone{"1", StepResult::kDone, Milliseconds(1), ""});
    Emit(StepStarted{"2", 1, "d1"});
  }
  RemoteRequest Work() {
    attempt_.Work(StepAt("2"));
    return OnlyRequest();
  }
  void Hear(const RemoteDone& done) { EXPECT_TRUE(attempt_.Hear(StepAt("2"), done)); }
  const StepState& State() const { return run_.steps.at("2"); }

  Leases leases_{&context_, &run_, &directories_};
  Attempt attempt_{&context_, &run_, &directories_, &leases_};
};

TEST_F(AttemptTest, AsksUnderTheSameKeyUntilTheReceiptIsIn) {
  Start();
  const std::string key = Work().key;
  EXPECT_EQ(key, "run-1/2/1");
  Hear(Failure(ErrorKind::kOutcomeUnknown));
  Pass(config_.remote_retry);
  EXPECT_EQ(Work().key, key);
  Hear(Answer(Says(ReceiptState::kFinished)));
  EXPECT_TRUE(State().settled);
}

TEST_F(AttemptTest, AnAnswerThatIsNotAwaitedIsNotHeard) {
  Start();
  Work();
  EXPECT_FALSE(attempt_.Hear(StepAt("2"), {last_ + 1, Says(ReceiptState::kFinished)}));
  EXPECT_FALSE(State().settled);
}

TEST_F(AttemptTest, ACommandIsNotSentLaterThanHalfAMinuteAfterItWasDecided) {
  Start();
  EXPECT_EQ(Work().begin_before, clock_.In(Milliseconds(30'000)));
}

TEST_F(AttemptTest, ARunningCommandIsOnlyLookedAt) {
  Start(StepKind::kJob);
  EXPECT_EQ(Work().verb, RemoteVerb::kLaunch);
  Hear(Answer(Says(ReceiptState::kRunning)));
  EXPECT_TRUE(attempt_.Running());
  Pass(config_.poll_job);
  EXPECT_EQ(Work().verb, RemoteVerb::kStatus);
}

TEST_F(AttemptTest, NothingBeginsInAnotherModeNorInAHeldRun) {
  Start();
  mode_.mode = Mode::kHalted;
  EXPECT_EQ(Work().verb, RemoteVerb::kStatus);
  Hear(Answer(Says(ReceiptState::kNone)));
  mode_.mode = Mode::kActive;
  Emit(RunHeld{"2", HoldReason::kTimedOut, ""});
  Pass(config_.poll_step);
  EXPECT_EQ(Work().verb, RemoteVerb::kStatus);
}

TEST_F(AttemptTest, ACommandPastItsTimeIsAHoldAndIsStillAwaited) {
  Start();
  Work();
  Hear(Answer(Says(ReceiptState::kRunning)));
  Pass(StepAt("2").timeout);
  EXPECT_EQ(Work().verb, RemoteVerb::kStatus);
  EXPECT_TRUE(IsHeld(HoldReason::kTimedOut));
  EXPECT_EQ(run_.holds[0].detail, "after 1m it still runs");
  Hear(Answer(Says(ReceiptState::kFinished)));
  EXPECT_TRUE(State().settled);
}

TEST_F(AttemptTest, AHostThatNeverAnswersIsNotWaitedForLonger) {
  Start();
  Work();
  Pass(StepAt("2").timeout);
  attempt_.Work(StepAt("2"));
  EXPECT_TRUE(IsHeld(HoldReason::kTimedOut));
  EXPECT_EQ(run_.holds[0].detail, "x500 does not answer");
}

TEST_F(AttemptTest, AReceiptThatHasGoneIsNeverTakenForNotBegun) {
  Start();
  Work();
  Hear(Answer(Says(ReceiptState::kRunning)));
  Pass(config_.poll_step);
  Work();
  Hear(Answer(Says(ReceiptState::kNone)));
  EXPECT_TRUE(State().Unknown());
}

TEST_F(AttemptTest, OtherReceiptsThanRecordedLeaveTheOutcomeUnknown) {
  Start();
  Work();
  RemoteReply reply = Says(ReceiptState::kFinished);
  reply.directory_id = "another";
  Hear(Answer(reply));
  EXPECT_TRUE(State().Unknown());
  EXPECT_FALSE(directories_.contains("x500"));
}

TEST_F(AttemptTest, ARefusalIsAHold) {
  Start();
  Work();
  Hear(Failure(ErrorKind::kRefused));
  EXPECT_TRUE(IsHeld(HoldReason::kRefused));
}

TEST_F(AttemptTest, ACancelledRunEndsItsJobOnce) {
  Start(StepKind::kJob);
  Work();
  Hear(Answer(Says(ReceiptState::kRunning)));
  Emit(OperatorActed{Verb::kCancel, "2", "ann", "", kAllHolds});
  Pass(config_.poll_job);
  EXPECT_EQ(Work().verb, RemoteVerb::kCancel);
  Hear(Answer(Says(ReceiptState::kRunning)));
  Pass(config_.poll_step);
  EXPECT_EQ(Work().verb, RemoteVerb::kVoid) << "or its receipt, as it was claimed";
}

TEST_F(AttemptTest, ACancelledRunWaitsForAShortCommand) {
  Start();
  Work();
  Hear(Answer(Says(ReceiptState::kRunning)));
  Emit(OperatorActed{Verb::kCancel, "2", "ann", "", kAllHolds});
  Pass(config_.poll_step);
  EXPECT_EQ(Work().verb, RemoteVerb::kVoid);
}

}  // namespace
}  // namespace mailhub::engine
