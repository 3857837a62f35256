// The effect of an alert's end on a run that has begun, and the later alerts that the run answers
// for.
#include <gmock/gmock.h>

#include "actuator/engine/testing_script.h"

namespace mailhub::engine {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;

class AlertsOfARun : public Script {
 protected:
  // The alert starts the run, and its end cancels it while that is allowed.
  Alert BootForItsAlert() {
    Trigger trigger;
    trigger.matchers = {{.label = "alertname", .value = "Leak"}};
    trigger.runbook = "restart";
    trigger.on_resolved = OnResolved::kCancel;
    config_.triggers = {trigger};
    Boot();
    Alert alert;
    alert.fingerprint = "a";
    alert.labels["alertname"] = "Leak";
    return alert;
  }
};

TEST_F(AlertsOfARun, TheEndOfItsAlertLeavesToPeopleWhatADeadManDid) {
  plan_.commit = "3";
  exits_["work"] = 1;
  Alert alert = BootForItsAlert();
  Hear(alert);
  restored_ = true;
  Pass(Seconds(30));
  ASSERT_THAT(Reasons(), ElementsAre(HoldReason::kStepFailed, HoldReason::kDeadManRestored));
  alert.firing = false;
  Hear(alert);
  Pass(Seconds(30));
  EXPECT_THAT(Reasons(), ElementsAre(HoldReason::kDeadManRestored));
  EXPECT_FALSE(Say(Verb::kRetry, 2));
  EXPECT_TRUE(Say(Verb::kResolve, 2));
  Pass(Seconds(5));
  EXPECT_EQ(Look().result, RunResult::kCancelled);
  EXPECT_EQ(Times("work"), 1U);
}

TEST_F(AlertsOfARun, TheEndOfItsAlertCancelsNothingThatHasBegunAfterACommitThatWasPassedOver) {
  StepAt("1").on_failure = OnFailure::kContinue;
  StepAt("1").dead_man.reset();
  away_["x500"] = true;
  Alert alert = BootForItsAlert();
  Hear(alert);
  Pass(Seconds(70));
  ASSERT_THAT(began_, ElementsAre("work"));
  alert.firing = false;
  Hear(alert);
  away_["x500"] = false;
  Pass(Seconds(30));
  EXPECT_THAT(began_, ElementsAre("work", "start")) << "the run goes on";
}

TEST_F(AlertsOfARun, ARunThatHasActedIsJoinedLateWithAnyCommit) {
  plan_.commit = "3";
  away_["x500"] = true;
  StepAt("1").on_failure = OnFailure::kContinue;
  endless_ = {"work"};
  Alert alert = BootForItsAlert();
  Hear(alert);
  Pass(minutes(2));
  ASSERT_THAT(began_, ElementsAre("work"));
  alert.fingerprint = "b";
  Hear(alert);
  const View view = engine_->Look(Now());
  ASSERT_EQ(view.episodes.size(), 2U);
  for (const EpisodeView& episode : view.episodes) {
    const bool late = episode.fingerprint == "b";
    EXPECT_EQ(episode.state, late ? EpisodeState::kWaiting : EpisodeState::kAnswered);
  }
}

}  // namespace
}  // namespace mailhub::engine
