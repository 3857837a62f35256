// Decisions about alerts that come late, twice or out of order: which alert does a start or an end
// belong to?
#include "actuator/engine/testing_decisions.h"

namespace mailhub::engine {
namespace {

TEST_F(Decisions, AStartThatWasHeardBeforeIsTheSameAlertWhateverTheClocksSay) {
  const WallTime ahead = Now().wall + Hours(1);  // Prometheus's clock is ahead
  EXPECT_EQ(TellOne(Firing("a", ahead)), Decision::kStartedRun);
  EXPECT_EQ(TellOne(Firing("a", ahead)), Decision::kRepeat);
  EXPECT_EQ(TellOne(Firing("a", ahead + Seconds(5))), Decision::kCooldown) << "a new one";
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  // Prometheus was restarted during the run.
  Pass(Hours(2));
  mute_ = true;
  const WallTime again = Now().wall + Hours(1);
  EXPECT_EQ(TellOne(Firing("c", again)), Decision::kStartedRun);
  EXPECT_EQ(TellOne(Firing("c", again + Seconds(10))), Decision::kRepeat);
  Cancel();
  EXPECT_EQ(TellOne(Firing("c", again + Seconds(10))), Decision::kRepeat);
}

TEST_F(Decisions, TheEndOfAnEarlierAlertEndsNoLaterOne) {
  Alert first = Firing("a", Now().wall);
  Alert first_ends = first;
  first_ends.firing = false;
  EXPECT_EQ(TellOne(first), Decision::kStartedRun);
  EXPECT_EQ(TellOne(first_ends), Decision::kResolved);
  Pass(Hours(2));
  mute_ = true;
  const Alert second = Firing("a", Now().wall);
  EXPECT_EQ(TellOne(second), Decision::kStartedRun);
  EXPECT_EQ(TellOne(first_ends), Decision::kLate);
  EXPECT_EQ(TellOne(second), Decision::kRepeat) << "its run goes on";
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
}

TEST_F(Decisions, TheLateEndOfAnAlertThatAnotherHasReplacedEndsNotThatOther) {
  const Alert first = Firing("a", Now().wall);
  EXPECT_EQ(TellOne(first), Decision::kStartedRun);
  Pass(Hours(2));
  mute_ = true;
  const Alert second = Firing("a", Now().wall);
  EXPECT_EQ(TellOne(second), Decision::kStartedRun) << "the end of the first may have been lost";
  Alert late = first;
  late.firing = false;
  EXPECT_EQ(TellOne(late), Decision::kLate);
  EXPECT_EQ(TellOne(second), Decision::kRepeat);
}

TEST_F(Decisions, ALateCopyOfAnAlertThatHasEndedStartsNothing) {
  const WallTime began = Now().wall;
  EXPECT_EQ(TellOne(Firing("a", began)), Decision::kStartedRun);
  Alert resolved = Resolved("a");
  resolved.starts_at = began;
  EXPECT_EQ(TellOne(resolved), Decision::kResolved);
  EXPECT_EQ(TellOne(Firing("a", began)), Decision::kLate);
  Pass(Hours(2));
  EXPECT_EQ(TellOne(Firing("a", began)), Decision::kStartedRun)
      << "Prometheus was cut off for a while, and the alert never ended";
}

TEST_F(Decisions, AnEarlierEndThatComesLateHidesNotTheNewestOne) {
  const WallTime began = Now().wall;
  Alert ends = Firing("a", began);
  ends.firing = false;
  Alert earlier = ends;
  earlier.starts_at -= Minutes(1);
  Tell({Firing("a", began)});
  Tell({ends});
  Tell({earlier});
  EXPECT_EQ(TellOne(Firing("a", began)), Decision::kLate);
  Pass(Minutes(31));
  Tell({earlier});
  EXPECT_EQ(TellOne(Firing("a", began + Minutes(30))), Decision::kStartedRun);
  EXPECT_EQ(TellOne(ends), Decision::kLate) << "it is not the end of what fires now";
}

TEST_F(Decisions, ALateCopyOfAnEarlierAlertForgetsNoneThatWaits) {
  EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kStartedRun);
  const WallTime first = Now().wall;
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  Pass(Seconds(60));
  EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kCooldown);
  EXPECT_EQ(TellOne(Firing("a", first)), Decision::kLate);
  ASSERT_EQ(engine_->Look(Now()).episodes.size(), 1U);
  EXPECT_EQ(engine_->Look(Now()).episodes[0].state, EpisodeState::kWaiting);
}

TEST_F(Decisions, ALateCopyStartsNothingThoughItsAlertWasNeverHeardBefore) {
  const WallTime began = Now().wall;
  Alert resolved = Resolved("a");
  resolved.starts_at = began;
  EXPECT_EQ(TellOne(resolved), Decision::kResolved);
  EXPECT_EQ(TellOne(Firing("a", began)), Decision::kLate);
}

}  // namespace
}  // namespace mailhub::engine
