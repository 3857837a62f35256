// Holds about dead men: one has acted, is refused, or is of unknown state; and what is repeated then.
#include <gmock/gmock.h>

#include "actuator/engine/testing_script.h"

namespace mailhub::engine {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DeadManHolds : public Script {};

TEST_F(DeadManHolds, ADeadMansActDuringAnotherHoldIsAHoldOfItsOwn) {
  exits_["work"] = 1;
  Begin();
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed, HoldReason::kDeadManRestored));
  exits_["work"] = 0;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(30));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
  EXPECT_EQ(Times("work"), 1U) << "nothing begins while one is unanswered";
  EXPECT_TRUE(Say(Verb::kResolve, 2));
  Pass(Seconds(30));
  EXPECT_EQ(Times("work"), 2U);
  EXPECT_EQ(Look().state, RunState::kRunning);
}

TEST_F(DeadManHolds, AnAnswerAboutADeadManChangesNothingOfTheStepThatTheRunIsAt) {
  WaitAtTheSecondStep();
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
  EXPECT_THAT(Say(Verb::kResume, 1).error().message, HasSubstr("resolve goes on with what is"));
  EXPECT_TRUE(Say(Verb::kResolve, 1));
  Pass(Seconds(30));
  EXPECT_EQ(Times("start"), 0U) << "the gate was not resolved with it";
  EXPECT_EQ(Look().state, RunState::kRunning);
  gate_.state = GateState::kOpen;
  Pass(Seconds(5));
  EXPECT_EQ(Times("start"), 1U);
}

TEST_F(DeadManHolds, RetryAfterADeadManDoesTheGuardedStepAgainAndArmsAnew) {
  exits_["work"] = 1;
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  exits_["work"] = 0;
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(30));
  EXPECT_THAT(began_, ElementsAre("stop", "work", "stop", "work", "start"));
}

TEST_F(DeadManHolds, ARepeatedStepBeginsOnlyWhenALaterCommandHasEnded) {
  endless_ = {"work"};
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(10));
  EXPECT_THAT(began_, ElementsAre("stop", "work"));
  EXPECT_EQ(Look().current, 1U) << "the run waits for its end";
  endless_.clear();
  finished_late_ = true;
  Pass(Seconds(10));
  EXPECT_THAT(began_, ElementsAre("stop", "work", "stop", "start"));
}

TEST_F(DeadManHolds, ARequestToDisarmSaysWhichArmingItMeans) {
  exits_["work"] = 1;
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  exits_["work"] = 0;
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(30));
  std::vector<std::pair<RemoteVerb, int>> said;
  for (const RemoteRequest& request : requests_) {
    const bool once = request.verb == RemoteVerb::kArm || request.verb == RemoteVerb::kDisarm;
    if (once) said.emplace_back(request.verb, request.generation);
  }
  EXPECT_THAT(said, ElementsAre(std::pair(RemoteVerb::kArm, 1), std::pair(RemoteVerb::kDisarm, 1),
                                std::pair(RemoteVerb::kArm, 2), std::pair(RemoteVerb::kDisarm, 2)));
}

TEST_F(DeadManHolds, AStepsHoldIsAnsweredThoughAnEarlierStepIsToBeDoneAgainFirst) {
  exits_["work"] = 1;
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed, HoldReason::kDeadManRestored));
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  Pass(Seconds(30));
  EXPECT_THAT(began_, ElementsAre("stop", "work", "stop", "start"));
}

TEST_F(DeadManHolds, AQuestionThatWasReadBeforeADeadManActedIsAskedAnew) {
  StepAt("2") = {.path = "2", .name = "Go on?", .kind = StepKind::kConfirm};
  Begin();
  ASSERT_EQ(Look().asks, "Go on?");
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
  EXPECT_TRUE(Say(Verb::kResolve, 1));
  Settle();
  EXPECT_THAT(Confirm("2", "carl").error().message, HasSubstr("attempt 2"));
  EXPECT_EQ(Times("start"), 0U);
  EXPECT_EQ(Look().steps.at(0).detail, "its dead man has acted since");
  EXPECT_TRUE(Confirm("2", "carl", 2));
  EXPECT_EQ(Times("start"), 1U);
}

TEST_F(DeadManHolds, AServiceThatIsStoppedAgainIsRestartedAgainWhateverTheOldAnswers) {
  for (const Verb verb : {Verb::kRetry, Verb::kResolve, Verb::kSkip, Verb::kResume}) {
    began_.clear();
    endless_ = {"start"};
    Begin();
    Pass(minutes(2));
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
    endless_.clear();
    finished_late_ = restored_ = true;
    Pass(Seconds(30));
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut, HoldReason::kDeadManRestored));
    EXPECT_TRUE(Say(Verb::kRetry, 2));
    EXPECT_TRUE(Say(verb, 1));
    Pass(Seconds(30));
    EXPECT_THAT(began_, ElementsAre("stop", "work", "start", "stop", "start")) << Name(verb);
  }
}

TEST_F(DeadManHolds, ARepetitionThatCannotBeginIsSkipped) {
  endless_ = {"start"};
  Begin();
  Pass(minutes(2));
  endless_.clear();
  finished_late_ = restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut, HoldReason::kDeadManRestored));
  endless_ = {"stop"};
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_TRUE(Say(Verb::kSkip, 3));  // the stop, which still runs
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_TRUE(Say(Verb::kSkip, 4));  // the start, which waits for the stop's end
  Pass(minutes(2));
  EXPECT_EQ(Look().current, 3U);
  EXPECT_THAT(Reasons(), IsEmpty());
  EXPECT_EQ(Times("start"), 1U);
}

TEST_F(DeadManHolds, AQuestionIsAskedAgainOnceAnEarlierStepIsRepeated) {
  StepAt("2") = {.path = "2", .name = "Is it down?", .kind = StepKind::kConfirm};
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
  EXPECT_THAT(Confirm("2").error().message, HasSubstr("it is held now by hold 1"));
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(5));
  EXPECT_EQ(Times("stop"), 2U);
  EXPECT_EQ(Look().asks, "Is it down?");
  EXPECT_FALSE(Confirm("2")) << "that was about the first stop";
  EXPECT_TRUE(Confirm("2", "ann", 2));
}

TEST_F(DeadManHolds, ARefusalOfADeadMansRenewalIsAHold) {
  WaitAtTheSecondStep();
  refuses_["x500"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kRefused));
  EXPECT_TRUE(Look().holds[0].dead_man);
  refuses_["x500"] = false;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(5));
  EXPECT_THAT(Reasons(), IsEmpty());
  EXPECT_EQ(Times("stop"), 1U) << "only its lease is asked for again";
}

TEST_F(DeadManHolds, AGateIsCheckedAgainAfterAGuardedStepIsRepeated) {
  StepAt("2") = {.path = "2", .name = "Is it quiet?", .kind = StepKind::kConfirm};
  StepAt("3") = {.path = "3", .name = "Wait", .kind = StepKind::kWaitFor};
  StepAt("3").gate = Gate{.expr = "x == 1", .about = {}};
  StepAt("1").dead_man->until = "4";
  StepAt("4") = {.path = "4", .name = "Start", .host = "mailhub1", .command = "start"};
  away_["mailhub1"] = true;
  Begin();
  EXPECT_TRUE(Confirm("2"));
  Pass(Seconds(5));
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
  gate_.state = GateState::kFalse;
  away_["mailhub1"] = false;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(5));
  EXPECT_EQ(Times("stop"), 2U);
  EXPECT_EQ(Look().asks, "Is it quiet?");
  EXPECT_TRUE(Confirm("2", "ann", 2));
  Pass(Seconds(5));
  EXPECT_EQ(Times("start"), 0U) << "the gate is shut";
  gate_.state = GateState::kOpen;
  Pass(Seconds(5));
  EXPECT_EQ(Times("start"), 1U);
}

TEST_F(DeadManHolds, ADeadManOfUnknownStateIsNotAcknowledged) {
  exits_["work"] = 1;
  Begin();
  other_receipts_["x500"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed, HoldReason::kLeaseLost));
  refuses_["x500"] = true;
  EXPECT_TRUE(Say(Verb::kResolve, 2));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kRefused));
  EXPECT_TRUE(Say(Verb::kRetry, 3));
  Pass(Seconds(5));
  for (const RemoteRequest& request : requests_) {
    EXPECT_NE(request.verb, RemoteVerb::kDisarm) << "it may have acted, which nobody has answered";
  }
}

TEST_F(DeadManHolds, AnAnswerForADeadManThatWasGivenUpIsNotHeard) {
  exits_["work"] = 1;
  Begin();
  refuses_["x500"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed, HoldReason::kRefused));
  late_ = true;
  Pass(Seconds(3));  // it is asked again
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  late_ = false;
  Settle();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
}

TEST_F(DeadManHolds, ADeadManThatIsConfirmedAgainIsNotGivenUp) {
  exits_["work"] = 1;
  Begin();
  refuses_["x500"] = true;
  Pass(Seconds(30));
  refuses_["x500"] = false;
  Pass(Seconds(30));
  EXPECT_THAT(Say(Verb::kSkip, 2).error().message, HasSubstr("retry goes on with it"));
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_THAT(disarmed_, IsEmpty());
}

TEST_F(DeadManHolds, ARefusedDeadManMayBeGivenUp) {
  WaitAtTheSecondStep();
  refuses_["x500"] = true;
  Pass(Seconds(30));
  EXPECT_TRUE(Say(Verb::kResolve, 1));
  Pass(minutes(1));
  EXPECT_THAT(Reasons(), IsEmpty());
}

}  // namespace
}  // namespace mailhub::engine
