// A run's debts at its end: a stopped service is restarted, or is guarded, or a person is asked.
#include <gmock/gmock.h>

#include "actuator/engine/testing_script.h"

namespace mailhub::engine {
namespace {

using std::chrono::minutes;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Ending : public Script {};

TEST_F(Ending, AStoppedServiceIsOwedThoughThePersonSkipsItsStart) {
  exits_["start"] = 1;
  Begin();
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  EXPECT_TRUE(Confirm("4"));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  Pass(minutes(10));
  EXPECT_THAT(disarmed_, IsEmpty()) << "its dead man goes on guarding it";
  EXPECT_THAT(Say(Verb::kRetry, 2).error().message, HasSubstr("no step of this run"));
  EXPECT_TRUE(Say(Verb::kResolve, 2));
  EXPECT_THAT(disarmed_, ElementsAre("run-id/1"));
  EXPECT_EQ(Look().result, RunResult::kSucceeded);
}

TEST_F(Ending, AStoppedServiceIsOwedThoughTheRunIsCancelledOrAborted) {
  exits_["work"] = 1;
  StepAt("2").on_failure = OnFailure::kAbort;
  Begin();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_EQ(Look().result, RunResult::kFailed);
}

TEST_F(Ending, AStepThatBringsItBackInAnyCasePaysForIt) {
  exits_["work"] = 1;
  StepAt("2").on_failure = OnFailure::kAbort;
  Step back{.path = "a1", .name = "Bring it back", .host = "x500", .command = "start"};
  plan_.always.push_back({.step = back, .since = "1", .until = "3"});
  exits_["start"] = 1;
  Begin();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kAlwaysFailed));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped)) << "skipping does not";
  exits_["start"] = 0;
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_THAT(Reasons(), IsEmpty());
  EXPECT_EQ(Look().result, RunResult::kFailed);
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(Ending, AHostThatIsAwayAtTheEndHoldsItAfterAWhile) {
  GuardUntilTheEnd();
  Begin();
  away_["x500"] = true;
  EXPECT_TRUE(Confirm("4"));
  Pass(minutes(9));
  EXPECT_EQ(Look().state, RunState::kEnding);
  EXPECT_FALSE(Look().acting) << "its alerts are heard meanwhile";
  Pass(minutes(2));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kHostAway));
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(minutes(11));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kHostAway));
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(Ending, AHostThatIsFrozenAtTheEndHoldsItAfterThatWhileToo) {
  GuardUntilTheEnd();
  Begin();
  away_["x500"] = true;
  late_ = true;
  EXPECT_TRUE(Confirm("4"));
  // Each look lasts until the host's time-out.
  for (int looks = 0; looks < 16; ++looks) {
    EXPECT_THAT(Reasons(), IsEmpty());
    Pass(Seconds(36));
    late_ = false;
    Settle();
    Pass(Milliseconds(1));
    late_ = true;
    Pass(Seconds(2));
  }
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kHostAway));
}

TEST_F(Ending, AHostThatWasGivenUpIsAskedOnAfterTheEndOfTheRun) {
  GuardUntilTheEnd();
  Begin();
  away_["x500"] = true;
  EXPECT_TRUE(Confirm("4"));
  Pass(minutes(11));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kHostAway));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  ASSERT_EQ(Look().state, RunState::kFinished);
  disarmed_.clear();
  away_["x500"] = false;
  Pass(minutes(1));
  EXPECT_THAT(disarmed_, ElementsAre("run-id/1"));
}

TEST_F(Ending, ALostLeaseIsTakenAwayOnceItsDirectoryIsSeenAgain) {
  WaitAtTheSecondStep();
  other_receipts_["x500"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kLeaseLost));
  EXPECT_TRUE(Say(Verb::kResolve, 1));
  Pass(minutes(1));
  EXPECT_THAT(disarmed_, IsEmpty());
  other_receipts_["x500"] = false;
  Pass(minutes(1));
  EXPECT_THAT(disarmed_, ElementsAre("run-id/1"));
  EXPECT_THAT(Reasons(), IsEmpty());
}

TEST_F(Ending, ALostLeaseThatHasActedAllTheSameIsAHold) {
  WaitAtTheSecondStep();
  other_receipts_["x500"] = true;
  Pass(Seconds(30));
  EXPECT_TRUE(Say(Verb::kResolve, 1));
  restored_ = true;
  other_receipts_["x500"] = false;
  Pass(minutes(1));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
}

TEST_F(Ending, AStopThatIsPassedOverWhileItRunsIsAwaitedAtTheEndAndThenBroughtBack) {
  plan_.always.push_back(
      {.step = {.path = "a1", .name = "Bring back", .host = "x500", .command = "start"},
       .since = "1",
       .until = "3"});
  endless_ = {"stop"};
  Begin();
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("not begun: the command of \"Step 1\""));
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  EXPECT_TRUE(Confirm("4"));
  Pass(Seconds(30));
  EXPECT_THAT(disarmed_, IsEmpty());
  EXPECT_THAT(Reasons(), IsEmpty()) << "its time-out counts anew";
  EXPECT_EQ(Times("start"), 0U);
  endless_.clear();
  finished_late_ = true;
  Pass(Seconds(30));
  EXPECT_EQ(Times("start"), 1U) << "owed, after the stop has ended";
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(Ending, AStopThatIsPassedOverAndNeverEndsIsAHoldThatSaysSo) {
  endless_ = {"stop"};
  Begin();
  Pass(minutes(2));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  Pass(minutes(2));
  EXPECT_TRUE(Say(Verb::kSkip, 2)) << "its start";
  EXPECT_TRUE(Confirm("4"));
  Pass(minutes(5));
  EXPECT_THAT(disarmed_, IsEmpty());
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("and it still runs"));
  EXPECT_THAT(Look().holds[0].answers, Not(Contains(Verb::kResolve)));
  EXPECT_THAT(Say(Verb::kResolve, 3).error().message, HasSubstr("its command may still run"));
  endless_.clear();
  finished_late_ = true;
  Pass(Seconds(5));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped)) << "another one";
  EXPECT_THAT(Say(Verb::kRetry, 3).error().message, HasSubstr("hold 3 is over; it is held now"));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("no step has run what brings back"));
  EXPECT_TRUE(Say(Verb::kResolve, 4));
  Pass(Seconds(30));
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(Ending, ACancelledRunWhoseHostWasAwayGoesOnOnceTheHostHasAnswered) {
  plan_.always.push_back(
      {.step = {.path = "a1", .name = "Bring back", .host = "x500", .command = "start"},
       .since = "1",
       .until = "3"});
  endless_ = {"work"};
  Begin();
  away_["mailhub1"] = true;
  EXPECT_TRUE(Cancel());
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  endless_.clear();
  finished_late_ = true;
  away_["mailhub1"] = false;
  Pass(Seconds(5));
  EXPECT_THAT(Reasons(), IsEmpty()) << "nobody has to say it twice";
  EXPECT_EQ(Times("start"), 1U);
  EXPECT_EQ(Look().result, RunResult::kCancelled);
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(Ending, AnOwedStepWaitsForNoOtherHostsDeadMan) {
  exits_["work"] = 1;
  Step tidy{.path = "a1", .name = "Tidy up", .host = "mailhub1", .command = "tidy"};
  plan_.always.push_back({.step = tidy, .since = "1", .until = "4"});
  Begin();
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
  away_["x500"] = true;
  Pass(minutes(2));
  EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
  EXPECT_EQ(Times("tidy"), 1U);
  EXPECT_EQ(Times("start"), 0U);
}

TEST_F(Ending, ADeadManThatFailedBringsNothingBack) {
  for (const std::optional<int> exit : {std::optional(1), std::optional<int>(), std::optional(0)}) {
    StepAt("1").dead_man->until = "";
    StepAt("2") = {.path = "2", .name = "Go on?", .kind = StepKind::kConfirm};
    restore_exit_ = exit;
    Begin();
    restored_ = true;
    Pass(Seconds(30));
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
    EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
    Pass(Seconds(5));
    if (exit == 0) {
      EXPECT_EQ(Look().state, RunState::kFinished);
      continue;
    }
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
    EXPECT_THAT(Look().holds[0].detail,
                HasSubstr(exit ? "exit status was 1" : "nobody knows how that ended"));
    EXPECT_TRUE(Say(Verb::kResolve, 2));
    Pass(Seconds(5));
    EXPECT_EQ(Look().state, RunState::kFinished);
  }
}

TEST_F(Ending, ADeadManThatWasGivenUpBringsNothingBack) {
  StepAt("1").dead_man->until = "";
  StepAt("2") = {.path = "2", .name = "Go on?", .kind = StepKind::kConfirm};
  Begin();
  refuses_["x500"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kRefused));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
  Pass(Seconds(5));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("nobody knows whether its dead man has"));
}

TEST_F(Ending, ALostDeadManIsLookedForLongAfterItsRunsEnd) {
  exits_["work"] = 1;
  Begin();
  other_receipts_["x500"] = true;
  Pass(Seconds(30));
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  EXPECT_TRUE(Confirm("4"));
  Pass(minutes(30));
  EXPECT_EQ(Look().state, RunState::kFinished);
  const size_t before = disarmed_.size();
  other_receipts_["x500"] = false;
  Pass(minutes(2));
  EXPECT_EQ(disarmed_.size(), before + 1);
}

TEST_F(Ending, ADeadManThatBringsItBackAtTheEndEndsTheQuestionWhetherItIs) {
  StepAt("1").dead_man->until = "";
  StepAt("2").on_failure = OnFailure::kContinue;
  StepAt("3").command = "something else";
  exits_["work"] = 1;
  Begin();
  EXPECT_TRUE(Confirm("4"));
  Pass(Seconds(5));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  restored_ = true;
  Pass(Seconds(30));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
}

TEST_F(Ending, WithoutUntilTheRestoringCommandOfALaterStepIsEnough) {
  StepAt("1").dead_man = DeadMan{"start", Milliseconds(60'000), ""};
  StepAt("2").on_failure = OnFailure::kContinue;
  exits_["work"] = 1;
  Begin();
  EXPECT_TRUE(Confirm("4"));
  Pass(Seconds(5));
  EXPECT_EQ(Look().state, RunState::kFinished);
  StepAt("3").command = "something else";
  Begin();
  EXPECT_TRUE(Confirm("4"));
  Pass(Seconds(5));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
}

}  // namespace
}  // namespace mailhub::engine
