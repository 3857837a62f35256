// The reasons for holds, and the effect of answers. dead_man_holds_test.cc has those about dead men.
#include <gmock/gmock.h>

#include "actuator/engine/testing_script.h"

namespace mailhub::engine {
namespace {

using std::chrono::minutes;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Holds : public Script {};

TEST_F(Holds, AHoldSaysWhatTheCommandSaidLast) {
  exits_["work"] = 3;
  said_["work"] = "Starting.\nx.service is failed (failed), result exit-code \x1b\r\n\n";
  Begin();
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
  EXPECT_EQ(Look().holds[0].detail,
            "exit status 3: x.service is failed (failed), result exit-code \\x1b");
}

TEST_F(Holds, AVerbAboutAnotherHoldOrQuestionIsRefusedWithThePresentOne) {
  exits_["work"] = 1;
  plan_.steps.push_back({.path = "5", .name = "Delete it all?", .kind = StepKind::kConfirm});
  Begin();
  EXPECT_THAT(Say(Verb::kRetry, kNoHold).error().message, HasSubstr("hold 1 (step_failed"));
  EXPECT_THAT(Say(Verb::kRetry, 7).error().message, HasSubstr("there is no hold 7"));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  EXPECT_FALSE(Say(Verb::kSkip, 1)) << "the run asks something else by now";
  EXPECT_THAT(Say(Verb::kSkip, 1, "bob").error().message, HasSubstr("was answered by ann"));
  EXPECT_EQ(Times("start"), 1U);
  EXPECT_EQ(Look().asks, "Is all well?");
  EXPECT_TRUE(Confirm("4"));
  EXPECT_THAT(Confirm("4", "bob").error().message,
              AllOf(HasSubstr("step 4 was confirmed by ann"), HasSubstr("Delete it all?")));
  EXPECT_FALSE(Confirm("4")) << "the run asks something else by now";
  EXPECT_EQ(Look().asks, "Delete it all?");
}

TEST_F(Holds, ARetryThatCannotBeginBecauseAHostIsAwayEndsInAHold) {
  exits_["work"] = 1;
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  away_["x500"] = true;
  restored_ = true;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  Pass(minutes(5));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
}

TEST_F(Holds, AHostThatIsAwayFailsTheStepByTheStepsOwnRule) {
  StepAt("2").on_failure = OnFailure::kContinue;
  away_["mailhub1"] = true;
  Begin();
  Pass(minutes(2));
  EXPECT_EQ(Times("work"), 0U);
  EXPECT_EQ(Times("start"), 1U);
}

TEST_F(Holds, RetryGivesAHostThatIsAwayTheTimeOfAllAttempts) {
  StepAt("2").attempts = 3;
  StepAt("2").retry_delay = minutes(5);
  away_["mailhub1"] = true;
  Begin();
  Pass(minutes(12));
  EXPECT_THAT(Reasons(), IsEmpty());
  away_["mailhub1"] = false;
  Pass(Seconds(5));
  EXPECT_EQ(Times("work"), 1U);
}

TEST_F(Holds, UnattendedTimeUsesUpNoTimeout) {
  WaitAtTheSecondStep();
  Pass(Seconds(10));
  Sleep(minutes(30));
  Pass(Seconds(1));
  for (const HoldView& hold : Look().holds) EXPECT_NE(hold.reason, HoldReason::kGateShut);
  Pass(minutes(10));
  EXPECT_FALSE(Look().holds.empty());
}

TEST_F(Holds, ACommandIsNotToBeSentOnceItsDeadMenMayHaveActed) {
  Begin();
  for (const RemoteRequest& request : requests_) {
    if (request.verb != RemoteVerb::kRun) continue;
    ASSERT_TRUE(request.begin_before);
    EXPECT_LE(*request.begin_before, Now().steady + config_.begin_within);
  }
  StepAt("1").dead_man->after = Seconds(7);
  requests_.clear();
  Begin();
  const auto stop = std::find_if(requests_.begin(), requests_.end(), [](const auto& request) {
    return request.verb == RemoteVerb::kRun;
  });
  ASSERT_NE(stop, requests_.end());
  EXPECT_EQ(stop->begin_before, Now().steady + Seconds(7));
}

TEST_F(Holds, ARunActsOnlyWhileItGoesOnByItself) {
  exits_["work"] = 1;
  Begin();
  EXPECT_FALSE(Look().acting) << "held";
  exits_["work"] = 0;
  away_["mailhub1"] = true;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  EXPECT_TRUE(Look().acting);
  engine_->Handle(SetMode{Mode::kHalted, "ann"}, Now());
  EXPECT_FALSE(Look().acting) << "halted";
  engine_->Handle(SetMode{Mode::kActive, "ann"}, Now());
  away_["mailhub1"] = false;
  Pass(Seconds(5));
  EXPECT_EQ(Look().asks, "Is all well?");
  EXPECT_FALSE(Look().acting) << "at a question";
}

TEST_F(Holds, CancelAnswersAllQuestionsAndRunsOwedSteps) {
  exits_["work"] = 1;
  Step back{.path = "a1", .name = "Bring it back", .host = "x500", .command = "start"};
  plan_.always.push_back({.step = back, .since = "1", .until = "3"});
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed, HoldReason::kDeadManRestored));
  EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
  Pass(Seconds(5));
  EXPECT_EQ(Times("start"), 1U);
  EXPECT_EQ(Look().state, RunState::kFinished);
  EXPECT_EQ(Look().result, RunResult::kCancelled);
}

TEST_F(Holds, CancelEndsACommandThatTakesLongerThanItMayOnceMore) {
  endless_ = {"work"};
  Begin();
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
  Pass(Seconds(55));
  EXPECT_FALSE(endless_.empty()) << "it is waited for";
  Pass(Seconds(15));
  EXPECT_TRUE(endless_.empty());
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
}

TEST_F(Holds, RetryDoesNotRepeatWhatHasWorkedSinceTheHold) {
  endless_ = {"work"};
  Begin();
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  endless_.clear();
  finished_late_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut)) << "the receipt is in";
  EXPECT_EQ(Look().holds[0].detail,
            "after 1m it still runs; since then it has ended with exit status 0");
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  EXPECT_EQ(Times("work"), 1U);
  EXPECT_EQ(Times("start"), 1U);
}

TEST_F(Holds, AStepThatBringsBackByItselfWhatItStopsIsPassedOverAsAnyOther) {
  for (const Verb verb : {Verb::kSkip, Verb::kResolve}) {
    SCOPED_TRACE(Name(verb));
    StepAt("1").dead_man->until = "1";
    exits_["stop"] = 1;
    began_.clear();
    Begin();
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
    EXPECT_TRUE(Say(verb, 1));
    Pass(Seconds(1));
    EXPECT_THAT(Reasons(), IsEmpty());
    EXPECT_EQ(Times("stop"), 1U) << "a person has answered for it";
    EXPECT_EQ(Times("work"), 1U);
  }
}

TEST_F(Holds, ARunThatIsBeingCancelledIsNotPaused) {
  endless_ = {"work"};
  Begin();
  EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
  EXPECT_THAT(Say(Verb::kPause, kNoHold, "bob").error().message, HasSubstr("last steps are owed"));
}

TEST_F(Holds, ACommandThatIsBeingEndedHasTheTimeThatTakes) {
  StepAt("2").timeout = Seconds(6);
  endless_ = {"work"};
  deaf_ = true;
  Begin();
  Say(Verb::kCancel, kNoHold).value();
  Pass(Seconds(30));  // TERM and KILL take longer than the command may
  EXPECT_THAT(Reasons(), IsEmpty());
  deaf_ = false;
  endless_.clear();
  Pass(Seconds(30));
  EXPECT_EQ(Look().result, RunResult::kCancelled);
}

TEST_F(Holds, AHostThatDoesNotAnswerAtAllIsWaitedForNoLongerThanTheStepMayTake) {
  StepAt("2").timeout = Seconds(4);
  silent_ = {"mailhub1"};
  Begin();
  Pass(Seconds(6));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_EQ(Look().holds[0].detail, "mailhub1 does not answer");
}

TEST_F(Holds, AFrozenHostKeepsAStepFromItsBeginningNoLongerEither) {
  late_ = true;
  Begin();
  Pass(Seconds(61));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_EQ(Look().holds[0].detail, "not begun: x500 does not answer");
}

TEST_F(Holds, AGateWithoutAnAnswerTimesOut) {
  StepAt("1") = {.path = "1", .name = "Wait", .kind = StepKind::kWaitFor};
  StepAt("1").gate = Gate{.expr = "x == 1", .about = {"x500"}};
  for (const bool marks : {true, false}) {
    if (!marks) StepAt("1").gate->about.clear();
    late_ = true;
    Begin();
    Pass(StepAt("1").gate->timeout + Seconds(62));
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kGateShut));
    EXPECT_THAT(Look().holds[0].detail,
                HasSubstr(marks ? "x500 does not answer" : "Prometheus does not answer"));
  }
}

TEST_F(Holds, AHostThatSaysOfEachAttemptThatItNeverRunsIsAsked20Times) {
  void_ = true;
  Begin();
  Pass(Milliseconds(60'000));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kRefused));
  EXPECT_EQ(Look().holds.at(0).detail, "x500 says of 20 attempts in a row that they never run");
  EXPECT_EQ(Times("stop"), 20u);
  void_ = false;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Milliseconds(1'000));
  EXPECT_EQ(Times("work"), 1u);
}

TEST_F(Holds, TheStateOfAnUnreachableHostIsUnknown) {
  endless_ = {"work"};
  Begin();
  away_["mailhub1"] = true;
  Pass(minutes(2));
  EXPECT_EQ(Look().holds.at(0).detail,
            "after 1m nobody knows whether it still runs: mailhub1: no route");
}

TEST_F(Holds, ReceiptsThatAreBackAreAskedForBeforeAnythingIsDoneAgain) {
  endless_ = {"work"};
  Begin();
  other_receipts_["mailhub1"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kOutcomeUnknown));
  other_receipts_["mailhub1"] = false;
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(Seconds(5));
  EXPECT_EQ(Times("work"), 1U) << "it still runs, and is waited for";
}

TEST_F(Holds, ResumeLiftsThePauseThatWasSeen) {
  WaitAtTheSecondStep();
  const auto resume = [&](int pause, const char* by) {
    Command command;
    command.verb = Verb::kResume;
    command.run = "run-id";
    command.by = by;
    command.pause = pause;
    return Tell(command);
  };
  EXPECT_TRUE(Say(Verb::kPause, kNoHold));
  EXPECT_THAT(resume(0, "bert").error().message, HasSubstr("paused now by ann: pause 1"));
  EXPECT_TRUE(resume(1, "bert"));
  EXPECT_TRUE(Say(Verb::kPause, kNoHold));
  EXPECT_THAT(resume(1, "bert").error().message, HasSubstr("paused now by ann: pause 2"));
  EXPECT_EQ(Look().state, RunState::kPaused);
  EXPECT_THAT(resume(1, "carl").error().message, HasSubstr("pause 1 was lifted by bert"));
  EXPECT_TRUE(resume(2, "carl"));
  EXPECT_EQ(Look().state, RunState::kRunning);
}

TEST_F(Holds, ARepeatIsNotTakenForAnAnswerToSomethingElse) {
  exits_["work"] = 1;
  exits_["start"] = 1;
  Begin();
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
  EXPECT_THAT(Say(Verb::kSkip, 1).error().message, HasSubstr("hold 1 was answered by ann"));
}

TEST_F(Holds, OffersTheAnswersThatItTakes) {
  exits_["work"] = 1;
  Begin();
  restored_ = true;
  Pass(Seconds(30));
  const std::vector<HoldView> holds = Look().holds;
  EXPECT_THAT(holds.at(0).answers,
              ElementsAre(Verb::kRetry, Verb::kResume, Verb::kResolve, Verb::kSkip, Verb::kCancel));
  EXPECT_THAT(holds.at(1).answers,
              ElementsAre(Verb::kRetry, Verb::kResolve, Verb::kSkip, Verb::kCancel));
}

TEST_F(Holds, ACancelIsSeenAtOnceAndTheQuestionIsLeft) {
  Begin();
  away_["x500"] = true;
  EXPECT_TRUE(Say(Verb::kCancel, kNoHold));
  EXPECT_EQ(Look().result, RunResult::kCancelled);
  EXPECT_EQ(Look().steps.at(3).phase, StepPhase::kLeft);
}

TEST_F(Holds, PauseIsRefusedWhileTheRunIsHeld) {
  exits_["work"] = 1;
  Begin();
  EXPECT_THAT(Say(Verb::kPause, kNoHold).error().message, HasSubstr("is held"));
}

TEST_F(Holds, WaitingForAPersonIsNotPartOfTheExpectedDuration) {
  plan_.expected = minutes(10);
  Begin();
  Pass(minutes(300));
  EXPECT_FALSE(Look().overdue);
  EXPECT_TRUE(Confirm("4"));
  Begin();
  EXPECT_TRUE(Look().eta);
}

TEST_F(Holds, AStatusThatTheStepCallsSuccessIsOne) {
  exits_["work"] = 1;
  StepAt("2").success = {0, 1};
  Begin();
  EXPECT_EQ(Times("start"), 1U);
}

}  // namespace
}  // namespace mailhub::engine
