#include "actuator/engine/leases.h"

#include "actuator/engine/testing_machine.h"

namespace mailhub::engine {
namespace {

constexpr Milliseconds kAfter{60'000};

class LeasesTest : public Machine {
 protected:
  void Arm() {
    Begin();
    leases_.Arm(StepAt("1"), "d1");
    EXPECT_EQ(OnlyRequest().verb, RemoteVerb::kArm);
  }
  void Confirm() { EXPECT_TRUE(leases_.Hear(Answer(Says(LeaseState::kArmed)))); }
  void StopAndStart() {
    for (const std::string path : {"1", "2"}) {
      Emit(StepStarted{path, 1, "d1"});
      Emit(StepSettled{path, 1, Finished(), false});
      Emit(StepDone{path, StepResult::kDone, Milliseconds(1), ""});
    }
  }
  RemoteVerb NextVerb() {
    leases_.Work();
    return OnlyRequest().verb;
  }
  Leases leases_{&context_, &run_, &directories_};
};

TEST_F(LeasesTest, RecordsADeadManBeforeItsHostIsAsked) {
  Arm();
  EXPECT_TRUE(WasRecorded<DeadManArmed>());
  EXPECT_TRUE(run_.leases.contains("1"));
}

TEST_F(LeasesTest, NoStepBeginsWhileALeaseIsUnconfirmed) {
  Arm();
  EXPECT_FALSE(leases_.GuardOf(StepAt("1")).until);
  EXPECT_EQ(leases_.GuardOf(StepAt("1")).unconfirmed, "x500");
  Confirm();
  EXPECT_EQ(leases_.GuardOf(StepAt("1")).until, clock_.In(kAfter));
  Pass(kAfter);
  EXPECT_FALSE(leases_.GuardOf(StepAt("1")).until) << "it may have run out";
}

TEST_F(LeasesTest, ALeaseCountsFromTheQuestionNotFromTheAnswer) {
  Arm();
  Pass(Milliseconds(10'000));
  Confirm();
  EXPECT_EQ(leases_.GuardOf(StepAt("1")).until, clock_.In(kAfter - Milliseconds(10'000)));
}

TEST_F(LeasesTest, RenewsThreeTimesWithinItsTime) {
  Arm();
  Confirm();
  leases_.Work();
  EXPECT_TRUE(Asked().empty());
  Pass(kAfter / 3);
  EXPECT_EQ(NextVerb(), RemoteVerb::kRenew);
}

TEST_F(LeasesTest, ArmsAgainALeaseNotConfirmedInThisLife) {
  Begin();
  Emit(DeadManArmed{"1", "x500", kAfter, "d1"});
  EXPECT_EQ(NextVerb(), RemoteVerb::kArm);
}

TEST_F(LeasesTest, DisarmsOnlyOnceTheServiceIsBack) {
  Arm();
  Confirm();
  Pass(kAfter / 3);
  EXPECT_EQ(NextVerb(), RemoteVerb::kRenew);
  Confirm();
  StopAndStart();
  EXPECT_EQ(NextVerb(), RemoteVerb::kDisarm);
  EXPECT_TRUE(leases_.Hear(Answer(Says(LeaseState::kNone))));
  EXPECT_TRUE(WasRecorded<DeadManDisarmed>());
  EXPECT_TRUE(run_.leases.empty());
}

TEST_F(LeasesTest, AHostsOwnActIsAHoldAndIsAcknowledgedOnlyAfterAPersonsAnswer) {
  Arm();
  EXPECT_TRUE(leases_.Hear(Answer(Says(LeaseState::kRestored))));
  EXPECT_TRUE(IsHeld(HoldReason::kDeadManRestored));
  leases_.Work();
  EXPECT_TRUE(Asked().empty()) << "the host hears of it only after the answer";
  Emit(OperatorActed{Verb::kResolve, "1", "ann", "", 1});
  EXPECT_EQ(NextVerb(), RemoteVerb::kDisarm);
}

TEST_F(LeasesTest, ARefusedRenewalHoldsTheRunAtOnce) {
  Arm();
  EXPECT_TRUE(leases_.Hear(Failure(ErrorKind::kRefused)));
  EXPECT_TRUE(IsHeld(HoldReason::kRefused));
}

TEST_F(LeasesTest, AHostThatIsAwayIsAskedAgainAndHoldsNothing) {
  Arm();
  EXPECT_TRUE(leases_.Hear(Failure(ErrorKind::kUnreachable)));
  EXPECT_TRUE(run_.holds.empty());
  EXPECT_EQ(leases_.Trouble(), "x500: no");
  EXPECT_EQ(leases_.NextDeadline(), clock_.In(config_.remote_retry));
}

TEST_F(LeasesTest, OtherReceiptsThanRecordedAreALostLease) {
  Arm();
  Emit(StepStarted{"1", 1, "d1"});
  EXPECT_TRUE(leases_.Hear(Failure(ErrorKind::kCorrupt)));
  EXPECT_TRUE(IsHeld(HoldReason::kLeaseLost));
  EXPECT_FALSE(directories_.contains("x500")) << "its directory is asked for again";
}

TEST_F(LeasesTest, DoubtLetsNothingBeginBeforeTheHostIsAsked) {
  Arm();
  Confirm();
  leases_.Doubt("x500");
  EXPECT_FALSE(leases_.GuardOf(StepAt("1")).until);
  EXPECT_EQ(NextVerb(), RemoteVerb::kArm);
}

TEST_F(LeasesTest, AtTheEndAHostThatSaysNothingForTenMinutesIsAHold) {
  Arm();
  Confirm();
  StopAndStart();
  Emit(RunEnding{RunResult::kSucceeded, ""});
  for (Milliseconds waited{0}; waited < config_.patience; waited += config_.remote_retry) {
    EXPECT_EQ(NextVerb(), RemoteVerb::kDisarm);
    leases_.Hear(Failure(ErrorKind::kUnreachable));
    ASSERT_TRUE(run_.holds.empty());
    Pass(config_.remote_retry);
  }
  EXPECT_EQ(NextVerb(), RemoteVerb::kDisarm);
  leases_.Hear(Failure(ErrorKind::kUnreachable));
  EXPECT_TRUE(IsHeld(HoldReason::kHostAway));
}

TEST_F(LeasesTest, AServiceThatIsStillStoppedAtTheEndIsAHold) {
  Arm();
  Confirm();
  Emit(StepStarted{"1", 1, "d1"});
  Emit(StepSettled{"1", 1, Finished(), false});
  Emit(StepDone{"1", StepResult::kDone, Milliseconds(1), ""});
  Emit(RunEnding{RunResult::kCancelled, "cancelled by ann"});
  leases_.Work();
  EXPECT_TRUE(IsHeld(HoldReason::kStillStopped));
}

// The host's answer to the arming waits for the commit, too.
TEST_F(LeasesTest, RenewsDuringAPendingCommitALeaseThatMayBeArmed) {
  Arm();
  std::vector<Effect> effects;
  leases_.RenewWhilePending(&effects);
  EXPECT_TRUE(effects.empty()) << "it is too early";
  Pass(kAfter / 3);
  leases_.RenewWhilePending(&effects);
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(std::get<RemoteRequest>(effects[0].what).verb, RemoteVerb::kRenew);
  EXPECT_TRUE(leases_.NoteRenewal({effects[0].id, Says(LeaseState::kNone)}));
  EXPECT_FALSE(leases_.GuardOf(StepAt("1")).until) << "the host has none yet";
  Pass(kAfter / 3);
  leases_.RenewWhilePending(&effects);
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_TRUE(leases_.NoteRenewal({effects[1].id, Says(LeaseState::kArmed)}));
  EXPECT_EQ(leases_.GuardOf(StepAt("1")).until, clock_.In(kAfter));
  Confirm();
  EXPECT_EQ(leases_.GuardOf(StepAt("1")).until, clock_.In(kAfter)) << "the later one counts";
}

TEST_F(LeasesTest, RenewsDuringAPendingCommitLeasesKnownToBeArmed) {
  Arm();
  Confirm();
  Pass(kAfter / 3);
  std::vector<Effect> effects;
  leases_.RenewWhilePending(&effects);
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(std::get<RemoteRequest>(effects[0].what).verb, RemoteVerb::kRenew);
  EXPECT_TRUE(leases_.NoteRenewal({effects[0].id, Says(LeaseState::kArmed)}));
  EXPECT_EQ(leases_.GuardOf(StepAt("1")).until, clock_.In(kAfter));
  EXPECT_FALSE(leases_.NoteRenewal({effects[0].id, Says(LeaseState::kArmed)}));
}

}  // namespace
}  // namespace mailhub::engine
