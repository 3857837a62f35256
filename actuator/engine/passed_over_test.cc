// Commands that a person passed over while it was unknown whether they run.
#include <gmock/gmock.h>

#include "actuator/engine/testing_script.h"

namespace mailhub::engine {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Its second step's host does not answer, and a person passes the step over. The next step is on
// the same host, the one after that is not.
class PassedOver : public Script {
 protected:
  PassedOver() {
    StepAt("1").dead_man.reset();
    AddStep("5", "more", "mailhub1");
    AddStep("6", "other", "x500");
    plan_.steps.erase(plan_.steps.begin() + 2, plan_.steps.begin() + 4);
  }
  void PassOver(Verb verb = Verb::kSkip) {
    silent_ = {"mailhub1"};
    Begin();
    Pass(minutes(2));
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
    silent_.clear();
    away_["mailhub1"] = true;
    EXPECT_TRUE(Say(verb, 1));
  }
  // The first step's command still runs when it is passed over, and the others are done.
  void PassOverTheStop(Verb verb = Verb::kSkip) {
    endless_ = {"stop"};
    Begin();
    Pass(minutes(2));
    ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
    EXPECT_TRUE(Say(verb, 1));
    Pass(Seconds(30));
  }
  void TheStopEnds() {
    endless_.clear();
    finished_late_ = true;
    Pass(Seconds(30));
  }
  void StartAnother(const std::string& runbook) {
    next_id_ = "second-run";
    Command start;
    start.verb = Verb::kStart;
    start.by = "ann";
    start.runbook = runbook;
    EXPECT_TRUE(Tell(start));
  }
  std::vector<std::string> Keys(RemoteVerb verb) const {
    std::vector<std::string> keys;
    for (const RemoteRequest& request : requests_) {
      if (request.verb == verb) keys.push_back(request.key);
    }
    return keys;
  }
};

TEST_F(PassedOver, NothingElseBeginsOnItsHostUntilTheHostHasAnswered) {
  PassOver();
  lost_ = {RemoteVerb::kVoid};
  Pass(Seconds(5));
  away_["mailhub1"] = false;
  Pass(Seconds(20));
  EXPECT_EQ(Times("more"), 0U);
  EXPECT_THAT(Look().waiting_for, HasSubstr("has not said yet whether the command of \"Step 2\""));
  Pass(minutes(1));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  lost_.clear();
  EXPECT_TRUE(Say(Verb::kRetry, 2));
  Pass(Seconds(5));
  EXPECT_THAT(began_, ElementsAre("stop", "more", "other"));
  EXPECT_THAT(Look().steps.at(1).detail, HasSubstr("its command never ran"));
}

TEST_F(PassedOver, OtherHostsDoNotWaitForIt) {
  StepAt("5").host = "cvshost";
  PassOver(Verb::kResolve);
  EXPECT_THAT(began_, ElementsAre("stop", "more", "other"));
  EXPECT_EQ(Look().state, RunState::kFinished);
  EXPECT_THAT(Look().steps.at(1).detail, HasSubstr("how its command ended is not known yet"));
}

TEST_F(PassedOver, ItIsMadeVoidAfterTheEndOfItsRunTooBeforeItsReceiptsAreSwept) {
  StepAt("5").host = "cvshost";
  PassOver();
  Pass(minutes(5));
  EXPECT_THAT(Keys(RemoteVerb::kSweep), IsEmpty());
  away_["mailhub1"] = false;
  Pass(minutes(1));
  EXPECT_EQ(Keys(RemoteVerb::kVoid).back(), "run-id/2/1");
  EXPECT_EQ(Keys(RemoteVerb::kSweep).size(), 3U) << "one a host";
  EXPECT_THAT(Look().steps.at(1).detail, HasSubstr("its command never ran"));
}

TEST_F(PassedOver, AnotherRunWaitsForItToo) {
  StepAt("5").host = "cvshost";
  PassOver();
  ASSERT_EQ(Look().state, RunState::kFinished);
  began_.clear();
  away_.clear();
  lost_ = {RemoteVerb::kVoid};
  StartAnother("restart");
  Pass(Seconds(20));
  EXPECT_THAT(began_, ElementsAre("stop"));
  lost_.clear();
  Pass(minutes(1));
  EXPECT_THAT(began_, ElementsAre("stop", "work", "more", "other"));
}

TEST_F(PassedOver, ACommandThatRanAllTheSameIsShown) {
  PassOver();
  finished_late_ = true;
  away_["mailhub1"] = false;
  Pass(Seconds(10));
  EXPECT_EQ(Look().state, RunState::kFinished);
  EXPECT_EQ(Look().steps.at(1).result, StepResult::kSkipped);
  EXPECT_EQ(Look().steps.at(1).exit_status, 0);
}

TEST_F(PassedOver, ACommandKnownToRunIsNoLongerAwaited) {
  endless_ = {"work"};
  Begin();
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  Pass(Seconds(1));
  EXPECT_THAT(began_, ElementsAre("stop", "work", "more", "other"));
}

TEST_F(PassedOver, AHostWithOtherReceiptsIsWaitedForNoMore) {
  PassOver();
  away_["mailhub1"] = false;
  other_receipts_["mailhub1"] = true;
  Pass(Seconds(10));
  EXPECT_EQ(Times("more"), 1U);
}

// As after an older copy of the journal was restored.
TEST_F(PassedOver, AHostThatHasSweptItsRunIsWaitedForNoMore) {
  PassOver();
  away_["mailhub1"] = false;
  swept_ = true;
  Pass(Seconds(10));
  EXPECT_EQ(Times("more"), 1U);
  EXPECT_THAT(Look().steps.at(1).detail, HasSubstr("nobody knows how far its command came"));
}

TEST_F(PassedOver, AStopWhoseRunIsSweptOnItsHostIsNotWaitedFor) {
  GuardUntilTheEnd();
  PassOverTheStop();
  ASSERT_EQ(Look().state, RunState::kRunning);
  swept_ = true;
  Pass(Seconds(20));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("no step has run what brings back"));
}

// Its dead man has no `until`; a later step runs its command.
TEST_F(PassedOver, ARestartWaitsForTheEndOfTheStop) {
  StepAt("1").dead_man = DeadMan{"other", Milliseconds(60'000), ""};
  PassOverTheStop();
  EXPECT_THAT(began_, ElementsAre("stop", "work", "more"));
  EXPECT_THAT(Look().waiting_for, HasSubstr("still runs on x500, and this step brings back"));
  TheStopEnds();
  EXPECT_THAT(began_, ElementsAre("stop", "work", "more", "other"));
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(PassedOver, AnOwedStepWaitsForTheEndOfTheStop) {
  GuardUntilTheEnd();
  Step mend{.path = "a1", .name = "Mend", .host = "x500", .command = "mend"};
  plan_.always.push_back({.step = mend, .since = "1", .until = "6"});
  PassOverTheStop();
  EXPECT_EQ(Times("other"), 0U);
  TheStopEnds();
  EXPECT_THAT(began_, ElementsAre("stop", "work", "more", "other"));
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(PassedOver, AStartThatWaitsTooLongForItsStopIsNotDeclaredDone) {
  StepAt("1").dead_man = DeadMan{"mend", Milliseconds(60'000), "6"};
  PassOverTheStop();
  Pass(minutes(1));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_THAT(Say(Verb::kResolve, 2).error().message, HasSubstr("\"Step 1\" may still run"));
  EXPECT_THAT(Look().holds[0].answers, Not(testing::Contains(Verb::kResolve)));
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  TheStopEnds();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
}

TEST_F(PassedOver, AStartThatWaitedTooLongForItsStopBeginsOnceThatHasEnded) {
  StepAt("1").dead_man = DeadMan{"mend", Milliseconds(60'000), "6"};
  PassOverTheStop();
  Pass(minutes(1));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  TheStopEnds();
  EXPECT_THAT(began_, ElementsAre("stop", "work", "more", "other"));
  EXPECT_EQ(Look().state, RunState::kFinished);
  EXPECT_THAT(Say(Verb::kSkip, 2).error().message, HasSubstr("finished"));
}

TEST_F(PassedOver, ACommandKnownToRunAtTheEndOfItsRunIsNoLongerAwaitedEither) {
  StepAt("1").dead_man = DeadMan{"mend", Milliseconds(60'000), "6"};
  endless_ = {"stop"};
  Begin();
  away_["x500"] = true;
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  EXPECT_TRUE(Cancel());
  plan_.runbook = "second";
  plan_.steps.clear();
  AddStep("1", "second", "x500");
  StartAnother("second");
  away_.clear();
  Pass(minutes(1));
  EXPECT_THAT(began_, ElementsAre("stop", "second"));
}

TEST_F(PassedOver, ItsEndIsNotTakenForGrantedWhereTheHostHasOtherReceipts) {
  StepAt("1").dead_man = DeadMan{"other", Milliseconds(60'000), ""};
  endless_ = {"stop"};
  Begin();
  Pass(minutes(2));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  other_receipts_["x500"] = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kLeaseLost));
  EXPECT_TRUE(Say(Verb::kResolve, 2));
  Pass(minutes(2));
  EXPECT_EQ(Times("other"), 0U);
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("is not known to have ended on x500 (x500 has"));
  other_receipts_["x500"] = false;
  TheStopEnds();
  EXPECT_EQ(Times("other"), 1U);
}

TEST_F(PassedOver, AHostThatRefusesAtTheEndIsOneHoldThatASkipAnswers) {
  GuardUntilTheEnd();
  PassOverTheStop();
  refuses_["x500"] = true;
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kRefused)) << "of its dead man's renewal";
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_THAT(Look().holds[0].detail, HasSubstr("obeys another journal"));
  EXPECT_TRUE(Say(Verb::kSkip, 3));
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(PassedOver, AStopThatIsNoLongerAwaitedIsLeftToItsDeadMan) {
  GuardUntilTheEnd();
  PassOverTheStop();
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  EXPECT_EQ(Look().state, RunState::kFinished);
  Pass(minutes(3));
  TheStopEnds();
  requests_.clear();
  Pass(Seconds(61));
  EXPECT_THAT(requests_, IsEmpty()) << "so that it runs out";
  EXPECT_THAT(disarmed_, IsEmpty());
  restored_ = true;
  Pass(minutes(2));
  EXPECT_THAT(Look().steps.at(0).detail, HasSubstr("its dead man has acted since"));
  EXPECT_THAT(Keys(RemoteVerb::kSweep), testing::SizeIs(testing::Ge(2)));
}

TEST_F(PassedOver, AnEarlierAttemptsStopIsLeftToItsDeadManThoughTheLastNeverRan) {
  StepAt("1").dead_man = DeadMan{"mend", Milliseconds(60'000), "6"};
  exits_["stop"] = 1;
  Begin();
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed));
  silent_ = {"x500"};
  EXPECT_TRUE(Say(Verb::kRetry, 1));
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kTimedOut));
  lost_ = {RemoteVerb::kVoid};
  EXPECT_TRUE(Say(Verb::kSkip, 2));
  EXPECT_TRUE(Cancel());
  Pass(minutes(2));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_TRUE(Say(Verb::kSkip, 3));
  lost_.clear();
  Pass(Seconds(30));
  EXPECT_THAT(disarmed_, IsEmpty());
}

TEST_F(PassedOver, AStepOwedForAnotherStopDoesNotWaitForItsEnd) {
  GuardUntilTheEnd();
  Step tidy{.path = "a1", .name = "Tidy up", .host = "mailhub1", .command = "tidy"};
  plan_.always.push_back({.step = tidy, .since = "2", .until = ""});
  PassOverTheStop();
  EXPECT_TRUE(Cancel());
  EXPECT_EQ(Times("tidy"), 1U);
  EXPECT_EQ(Look().state, RunState::kEnding);
  EXPECT_FALSE(Look().acting);
  EXPECT_THAT(Look().waiting_for, HasSubstr("the end of the command of \"Step 1\" on x500"));
}

// Its author wants the later steps, which came before its end.
TEST_F(PassedOver, AResolvedStopThatEndsLateIsOwed) {
  GuardUntilTheEnd();
  PassOverTheStop(Verb::kResolve);
  TheStopEnds();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
}

TEST_F(PassedOver, AStepThatBringsBackByItselfWhatItStopsIsNotDoneTwice) {
  StepAt("1").dead_man = DeadMan{"mend", Milliseconds(60'000), "1"};
  PassOverTheStop();
  TheStopEnds();
  EXPECT_EQ(Times("stop"), 1U);
  EXPECT_EQ(Look().state, RunState::kFinished);
}

TEST_F(PassedOver, ADeadManThatAPersonGaveUpIsKeptAliveWhileTheStopMayStillTakeEffect) {
  StepAt("1").dead_man = DeadMan{"other", Milliseconds(60'000), ""};
  endless_ = {"stop"};
  Begin();
  Pass(minutes(2));
  EXPECT_TRUE(Say(Verb::kSkip, 1));
  refuses_["x500"] = true;
  Pass(minutes(1));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kRefused));
  EXPECT_TRUE(Say(Verb::kResolve, 2)) << "goes on without the dead man";
  refuses_["x500"] = false;
  Pass(minutes(1));
  requests_.clear();
  Pass(minutes(2));
  EXPECT_THAT(Keys(RemoteVerb::kRenew), testing::SizeIs(testing::Ge(5)));
  EXPECT_THAT(disarmed_, IsEmpty());
  endless_.clear();
  finished_late_ = true;
  EXPECT_TRUE(Say(Verb::kRetry, 3));
  Pass(minutes(1));
  EXPECT_THAT(disarmed_, testing::Contains("run-id/1"));
}

// No step runs its dead man's command, so no step is known to restart the service.
TEST_F(PassedOver, AStopThatEndsLateAndThatNoStepBringsBackIsAHold) {
  GuardUntilTheEnd();
  PassOverTheStop();
  TheStopEnds();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
  EXPECT_THAT(disarmed_, IsEmpty());
}

TEST_F(PassedOver, ARunThatIsCancelledWhileItsStopIsAwaitedEnds) {
  GuardUntilTheEnd();
  PassOverTheStop();
  EXPECT_TRUE(Cancel());
  EXPECT_EQ(Look().state, RunState::kEnding);
  EXPECT_EQ(Look().result, RunResult::kCancelled);
  TheStopEnds();
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kStillStopped));
}

// A later step has run the dead man's command, so nothing is left to guard.
TEST_F(PassedOver, ADeadManWithoutUntilIsTakenAwayOnceItsCommandWasRun) {
  StepAt("1").dead_man = DeadMan{"back", Milliseconds(60'000), ""};
  plan_.steps.push_back({.path = "7", .name = "Back", .host = "x500", .command = "back"});
  plan_.steps.push_back({.path = "8", .name = "Is all well?", .kind = StepKind::kConfirm});
  Begin();
  EXPECT_THAT(disarmed_, ElementsAre("run-id/1"));
  EXPECT_EQ(Look().state, RunState::kRunning);
}

}  // namespace
}  // namespace mailhub::engine
