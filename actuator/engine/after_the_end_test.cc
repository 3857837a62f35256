// Work after a run's end: receipts are swept; hosts are asked about lost dead men and passed-over
// commands.
#include "actuator/engine/lost_leases.h"
#include "actuator/engine/passed_over.h"
#include "actuator/engine/sweep.h"
#include "actuator/engine/testing_machine.h"

namespace mailhub::engine {
namespace {

class AfterTheEnd : public Machine {
 protected:
  AfterTheEnd() {
    Begin();
    Emit(DeadManArmed{"1", "x500", Milliseconds(60'000), "d1"});
    Emit(StepStarted{"1", 1, "d1"});
  }
  void LoseLease() {
    Emit(RunHeld{"1", HoldReason::kLeaseLost, ""});
    Emit(StepSettled{"1", 1, Finished(), false});
    Emit(OperatorActed{Verb::kResolve, "1", "ann", "", 1});
    ASSERT_EQ(run_.given_up.size(), 1U);
  }
  Leases leases_{&context_, &run_, &directories_};
  LostLeases lost_{&context_, &run_};
  PassedOver given_up_{&context_, &run_, &directories_, &leases_};
  Sweep sweep_{&context_, &run_};
};

TEST_F(AfterTheEnd, EachHostIsSweptOnceAndThatIsRecorded) {
  sweep_.Work();
  EXPECT_EQ(OnlyRequest().key, "run-1");
  sweep_.Work();
  EXPECT_TRUE(Asked().empty());
  EXPECT_TRUE(sweep_.Hear(Answer({})));
  sweep_.Work();
  EXPECT_TRUE(run_.swept);
}

TEST_F(AfterTheEnd, AHostThatIsAwayIsSweptLater) {
  sweep_.Work();
  OnlyRequest();
  EXPECT_TRUE(sweep_.Hear(Failure(ErrorKind::kUnreachable)));
  EXPECT_FALSE(sweep_.Due());
  Pass(config_.AfterTheEnd());
  EXPECT_TRUE(sweep_.Due());
  sweep_.Work();
  EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kSweep);
}

TEST_F(AfterTheEnd, AHostThatIsListedNoMoreIsNotWaitedFor) {
  sweep_.Work();
  OnlyRequest();
  EXPECT_TRUE(sweep_.Hear(Failure(ErrorKind::kInvalid)));
  sweep_.Work();
  EXPECT_TRUE(run_.swept);
}

TEST_F(AfterTheEnd, ALostDeadManThatIsSeenAgainIsRenewedBeforeItIsTakenAway) {
  LoseLease();
  EXPECT_TRUE(lost_.Work());
  EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kRenew) << "to take it away would acknowledge its act";
  EXPECT_TRUE(lost_.Hear(Answer(Says(LeaseState::kArmed))));
  lost_.Work();
  EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kDisarm);
  EXPECT_TRUE(lost_.Hear(Answer(Says(LeaseState::kNone))));
  EXPECT_TRUE(run_.given_up.empty());
  EXPECT_FALSE(lost_.Work());
}

TEST_F(AfterTheEnd, ALostDeadManThatHasActedIsAHold) {
  LoseLease();
  lost_.Work();
  OnlyRequest();
  EXPECT_TRUE(lost_.Hear(Answer(Says(LeaseState::kRestored))));
  EXPECT_TRUE(IsHeld(HoldReason::kDeadManRestored));
}

TEST_F(AfterTheEnd, ALostDeadManIsAskedForADayAndNoLonger) {
  LoseLease();
  lost_.Work();
  OnlyRequest();
  EXPECT_TRUE(lost_.Hear(Failure(ErrorKind::kCorrupt)));
  EXPECT_TRUE(lost_.Work()) << "it is awaited";
  Pass(config_.lost_for);
  lost_.Work();
  OnlyRequest();
  EXPECT_TRUE(lost_.Hear(Failure(ErrorKind::kCorrupt)));
  EXPECT_FALSE(lost_.Work());
}

TEST_F(AfterTheEnd, ACommandThatWasPassedOverIsMadeVoid) {
  Emit(RunHeld{"1", HoldReason::kTimedOut, ""});
  Emit(OperatorActed{Verb::kSkip, "1", "ann", "", 1});
  Emit(StepDone{"1", StepResult::kSkipped, Milliseconds(1), ""});
  ASSERT_TRUE(run_.passed_over.contains("1"));
  EXPECT_EQ(given_up_.MayStillBegin("x500", ""), &StepAt("1"));
  EXPECT_EQ(given_up_.MayStillBegin("mailhub1", ""), nullptr) << "other hosts do not wait";
  EXPECT_TRUE(given_up_.Work());
  EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kVoid);
  EXPECT_TRUE(given_up_.Hear(Answer(Says(ReceiptState::kVoid))));
  EXPECT_EQ(given_up_.MayStillBegin("x500", ""), nullptr);
  EXPECT_FALSE(given_up_.Work());
}

}  // namespace
}  // namespace mailhub::engine
