// Decisions about sequences of alerts: episodes, joining, cooldown, resolving, the limit.
#include <gmock/gmock.h>

#include <algorithm>

#include "actuator/engine/testing_decisions.h"

namespace mailhub::engine {
namespace {

using testing::ElementsAre;

TEST_F(Decisions, AParameterLosesItsLabelsPortOnlyWhereTheTriggerSaysSo) {
  const auto started_with = [&](const std::string& instance) {
    Alert alert = Firing(instance);
    alert.labels["instance"] = instance;
    EXPECT_EQ(TellOne(alert, false), Decision::kStartedRun);
    const View view = engine_->Look(Now());
    return view.unfinished.back().parameters.at("on");
  };
  EXPECT_EQ(started_with("x500:9100"), "x500:9100");
  Configure([](EngineConfig& config) { config.triggers[0].strip_port = {"on"}; });
  EXPECT_EQ(started_with("x500:9100"), "x500");
  EXPECT_EQ(started_with("mailhub1"), "mailhub1");
  EXPECT_EQ(started_with("[2001:db8::1]:9100"), "[2001:db8::1]");
  for (const std::string kept : {"2001:db8::1", "x500:", "x500:http", "x500:123456", ":9100"}) {
    EXPECT_EQ(started_with(kept), kept);
  }
}

TEST_F(Decisions, AnEpisodeIsAnsweredOnceForAllRepeatsAndSenders) {
  mute_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kRepeat);
  // A restarted Prometheus gives the same alert a new start.
  EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kRepeat);
  EXPECT_THAT(Tell({Firing("a"), Firing("a")}), ElementsAre(Decision::kRepeat, Decision::kRepeat));
  mute_ = false;
  Work();
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kRepeat) << "it goes on after its run";
}

TEST_F(Decisions, AnAlertThatBeganAfterItsEpisodesRunIsANewOne) {
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Pass(Hours(1));
  EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kStartedRun)
      << "that it had resolved was lost on its way";
}

TEST_F(Decisions, AnotherAlertAboutTheSameJoinsTheRunThatIsUnderWay) {
  mute_ = true;
  EXPECT_THAT(Tell({Firing("a"), Firing("b")}),
              ElementsAre(Decision::kStartedRun, Decision::kJoined));
  Alert elsewhere = Firing("c");
  elsewhere.labels["instance"] = "x501";
  EXPECT_EQ(TellOne(elsewhere), Decision::kStartedRun) << "other parameters, another run";
}

TEST_F(Decisions, AFlappingAlertWaitsOutTheCooldown) {
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  for (int times = 0; times < 3; ++times) {
    Pass(Minutes(5));
    EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
    EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kCooldown);
  }
  decided_.clear();
  Pass(Minutes(16));
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun)) << "by itself, once it is over";
  EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kRepeat);
}

TEST_F(Decisions, AStepOfTheClockIsNoWork) {
  Configure([](EngineConfig& config) { config.triggers[0].cooldown = Milliseconds(0); });
  for (const Milliseconds step : {Hours(2), Hours(-2)}) {
    mute_ = true;
    const std::string name = step > Milliseconds(0) ? "a" : "b";
    EXPECT_EQ(TellOne(Firing(name)), Decision::kStartedRun);
    Pass(Seconds(30));
    wall_ahead_ += step;
    Pass(Seconds(30));
    mute_ = false;
    Work();
    const auto finished = std::find_if(recorded_.rbegin(), recorded_.rend(), [](const Event& one) {
      return std::holds_alternative<RunFinished>(one.body);
    });
    ASSERT_NE(finished, recorded_.rend());
    EXPECT_EQ(std::get<RunFinished>(finished->body).worked, Seconds(60)) << step.count();
    Pass(Hours(1));
  }
}

TEST_F(Decisions, ACooldownEndsThoughTheClockWasYearsAheadWhenTheRunEnded) {
  wall_ahead_ = Hours(24 * 365 * 5);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  wall_ahead_ = Milliseconds(0);
  Pass(Minutes(5));
  EXPECT_EQ(TellOne(Firing("b")), Decision::kCooldown);
  decided_.clear();
  Pass(Minutes(31));
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
}

TEST_F(Decisions, CancellingAnotherRunOfTheKindEndsNoCooldown) {
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
  mute_ = true;
  Command start;
  start.verb = Verb::kStart;
  start.runbook = "restart";
  start.parameters = {{"on", "x500"}};
  start.by = "ann";
  Take(engine_->Handle(start, Now()));
  Cancel();
  EXPECT_EQ(LastResult(), RunResult::kCancelled);
  EXPECT_EQ(TellOne(Firing("b")), Decision::kCooldown);
}

TEST_F(Decisions, AnObservedAlertThatStillFiresIsDecidedAgainInModeActive) {
  Take(engine_->Handle(SetMode{Mode::kObserve, "ann"}, Now()));
  EXPECT_EQ(TellOne(Firing("a")), Decision::kObserved);
  EXPECT_THAT(Tell({Firing("b"), Resolved("b")}),
              ElementsAre(Decision::kObserved, Decision::kResolved));
  decided_.clear();
  Take(engine_->Handle(SetMode{Mode::kActive, "ann"}, Now()));
  Work();
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
}

TEST_F(Decisions, AnAlertThatJoinsARunThatHasActedIsDecidedAfreshAtItsEnd) {
  Configure([](EngineConfig& config) { config.triggers[0].cooldown = Milliseconds(0); });
  mute_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  mute_ = false;
  Answer();  // the host says hello, and the first step begins
  EXPECT_EQ(TellOne(Firing("b"), /*work=*/false), Decision::kJoinedLate);
  decided_.clear();
  Work();
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
}

TEST_F(Decisions, AnAlertThatStillFiresAfterItsRunIsShownAsUnanswered) {
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(engine_->Look(Now()).unanswered_episodes, 0U);
  EXPECT_EQ(engine_->Look(Now()).episodes.at(0).state, EpisodeState::kRemedied);
  const Output early = engine_->Handle(CloseEpisode{"a", "run-no-1", "ann", "seen"}, Now());
  ASSERT_FALSE(early.answer);
  EXPECT_THAT(early.answer.error().message, testing::HasSubstr("nothing is unanswered"));
  EXPECT_EQ(TellOne(Firing("a")), Decision::kRepeat);
  EXPECT_EQ(engine_->Look(Now()).unanswered_episodes, 1U);
  EXPECT_EQ(engine_->Look(Now()).episodes.at(0).state, EpisodeState::kUnanswered);
  for (const std::string run : {"", "run-no-2"}) {
    const Output refused = engine_->Handle(CloseEpisode{"a", run, "ann", "seen"}, Now());
    ASSERT_FALSE(refused.answer);
    EXPECT_THAT(refused.answer.error().message, testing::HasSubstr("run run-no-1 does"));
  }
  Take(engine_->Handle(CloseEpisode{"a", "run-no-1", "ann", "seen"}, Now()));
  EXPECT_TRUE(engine_->Look(Now()).episodes.empty());
}

TEST_F(Decisions, AnEpisodeIsNotClosedUnderItsRun) {
  mute_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  const Output output = engine_->Handle(CloseEpisode{"a", "run-no-1", "ann", "seen"}, Now());
  ASSERT_FALSE(output.answer);
  EXPECT_THAT(output.answer.error().message, testing::HasSubstr("run-no-1 answers for it"));
  EXPECT_EQ(engine_->Look(Now()).episodes.size(), 1U);
}

TEST_F(Decisions, WhatPrometheusCannotBeAskedIsDroppedWithThatReasonAndNotAsNoLongerTrue) {
  Configure([](EngineConfig& config) { config.triggers[0].only_if = "> > 1"; });
  still_true_ = Fail(ErrorKind::kInvalid, "parse error");
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(LastResult(), RunResult::kDropped);
  EXPECT_NE(engine_->Look(Now()).finished.front().result_detail.find("parse error"),
            std::string::npos);
  still_true_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
}

TEST_F(Decisions, ACancelledRunStartsNoCooldown) {
  mute_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Cancel();
  EXPECT_EQ(LastResult(), RunResult::kCancelled);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kRepeat) << "whoever cancelled it meant this episode";
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
}

TEST_F(Decisions, TheEndOfAnUnknownAlertHasNoEffect) {
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  EXPECT_THAT(Tell({Resolved("b"), Firing("b")}),
              ElementsAre(Decision::kResolved, Decision::kStartedRun));
}

TEST_F(Decisions, AnAlertWhoseOnlyIfFailsIsDroppedAndItsRepeatDecidedAgain) {
  Configure([](EngineConfig& config) { config.triggers[0].only_if = "memory > 1"; });
  still_true_ = false;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(LastResult(), RunResult::kDropped);
  still_true_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun) << "no cooldown, no repeat";
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
}

TEST_F(Decisions, AnAnswerThatComesWhenItsRunIsPausedDropsNothing) {
  Configure([](EngineConfig& config) { config.triggers[0].only_if = "memory > 1"; });
  still_true_ = false;
  EXPECT_EQ(TellOne(Firing("a"), /*work=*/false), Decision::kStartedRun);
  Command command;
  command.verb = Verb::kPause;
  command.by = "alice";
  command.run = "run-no-1";
  EXPECT_TRUE(engine_->Handle(command, Now()).answer);
  Work();
  ASSERT_EQ(engine_->Look(Now()).unfinished.size(), 1U);
  still_true_ = true;
  command.verb = Verb::kResume;
  command.pause = 1;
  Take(engine_->Handle(command, Now()));
  Work();
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
}

TEST_F(Decisions, AnAlertWithoutOnlyIfThatJoinedADroppedRunIsDecidedAgain) {
  Configure([](EngineConfig& config) {
    config.triggers.push_back(config.triggers[0]);
    config.triggers[0].only_if = "memory > 1";
    config.triggers[1].name = "whatever it is";
    config.triggers[1].matchers = {{.label = "alertname", .value = "Hard"}};
  });
  still_true_ = false;
  Alert hard = Firing("c");
  hard.labels["alertname"] = "Hard";
  EXPECT_THAT(Tell({Firing("a"), Firing("b"), hard}),
              ElementsAre(Decision::kStartedRun, Decision::kJoined, Decision::kJoined,
                          Decision::kStartedRun));
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
  ASSERT_EQ(engine_->Look(Now()).episodes.size(), 1U) << "the others shared the reason";
  EXPECT_EQ(engine_->Look(Now()).episodes[0].fingerprint, "c");
}

TEST_F(Decisions, AFailedRunIsNotRepeatedForEachJoinedAlert) {
  Configure([](EngineConfig& config) { config.triggers[0].cooldown = Milliseconds(0); });
  plans_.on_failure = OnFailure::kAbort;
  exit_status_ = 1;
  EXPECT_THAT(Tell({Firing("a"), Firing("b"), Firing("c")}),
              ElementsAre(Decision::kStartedRun, Decision::kJoined, Decision::kJoined));
  EXPECT_EQ(LastResult(), RunResult::kFailed);
  const View view = engine_->Look(Now());
  EXPECT_EQ(view.unanswered_episodes, 3U);
  for (const EpisodeView& episode : view.episodes) {
    EXPECT_THAT(episode.detail, testing::HasSubstr("its run failed"));
  }
  EXPECT_EQ(TellOne(Firing("b")), Decision::kRepeat);
}

TEST_F(Decisions, ResolvedCancelsOnlyWhereTheTriggerSaysSoAndNothingWasDone) {
  mute_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  EXPECT_EQ(LastResult(), std::nullopt);

  Configure([](EngineConfig& config) { config.triggers[0].on_resolved = OnResolved::kCancel; });
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kCancelled);
  EXPECT_EQ(LastResult(), RunResult::kCancelled);
}

TEST_F(Decisions, ResolvedCancelsNothingThatIsCommitted) {
  Configure([](EngineConfig& config) { config.triggers[0].on_resolved = OnResolved::kCancel; });
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
}

TEST_F(Decisions, ARunGoesOnForOthersThatJoinedItAndStillFire) {
  Configure([](EngineConfig& config) { config.triggers[0].on_resolved = OnResolved::kCancel; });
  mute_ = true;
  EXPECT_THAT(Tell({Firing("a"), Firing("b")}),
              ElementsAre(Decision::kStartedRun, Decision::kJoined));
  EXPECT_THAT(Tell({Resolved("a"), Firing("b")}),
              ElementsAre(Decision::kResolved, Decision::kRepeat));
  EXPECT_EQ(engine_->Look(Now()).unfinished.size(), 1U);
  EXPECT_THAT(Tell({Resolved("b")}), ElementsAre(Decision::kCancelled));
  EXPECT_EQ(LastResult(), RunResult::kCancelled);
}

TEST_F(Decisions, TheEndOfOneThatJoinedCancelsNoRunThatIsToFinish) {
  Configure([](EngineConfig& config) {
    config.triggers.push_back(config.triggers[0]);
    config.triggers[1].name = "soft";
    config.triggers[1].matchers = {{.label = "alertname", .value = "Soft"}};
    config.triggers[1].on_resolved = OnResolved::kCancel;
  });
  mute_ = true;
  Alert soft = Firing("b");
  soft.labels["alertname"] = "Soft";
  EXPECT_THAT(Tell({Firing("a"), soft}), ElementsAre(Decision::kStartedRun, Decision::kJoined));
  soft.firing = false;
  EXPECT_THAT(Tell({Resolved("a"), soft}), ElementsAre(Decision::kResolved, Decision::kResolved));
  EXPECT_EQ(engine_->Look(Now()).unfinished.size(), 1U);
}

TEST_F(Decisions, NoAlertJoinsARunThatIsBeingCancelled) {
  Configure([](EngineConfig& config) { config.triggers[0].on_resolved = OnResolved::kCancel; });
  mute_ = true;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  // In one notification, as Alertmanager groups them: the run ends only after both are decided.
  EXPECT_THAT(Tell({Resolved("a"), Firing("b")}),
              ElementsAre(Decision::kCancelled, Decision::kDeferred, Decision::kStartedRun));
  EXPECT_EQ(TellOne(Firing("b")), Decision::kRepeat);
}

TEST_F(Decisions, ForeignAndMalformedAlertsAreDecidedAsSuch) {
  Alert other = Firing("a");
  other.labels["alertname"] = "Other";
  Alert elsewhere = Firing("b");
  elsewhere.labels["instance"] = "elsewhere";
  Alert nowhere = Firing("c");
  nowhere.labels.erase("instance");
  Alert malformed = Firing("d");
  malformed.malformed = "alerts[3]: labels must be an object";
  EXPECT_THAT(Tell({other, elsewhere, nowhere, malformed}),
              ElementsAre(Decision::kIgnored, Decision::kRejected, Decision::kRejected,
                          Decision::kRejected));
}

TEST_F(Decisions, AFullTableOfEpisodesRefusesNewOnesAndHearsAllOthers) {
  Configure([](EngineConfig& config) { config.most_episodes = 2; });
  mute_ = true;
  EXPECT_THAT(Tell({Firing("a"), Firing("b")}),
              ElementsAre(Decision::kStartedRun, Decision::kJoined));
  EXPECT_TRUE(Tell({Firing("c")}).empty());
  ASSERT_FALSE(answer_);
  EXPECT_EQ(answer_.error().kind, ErrorKind::kOverloaded);
  // Repeats, other alerts, and above all resolved ones, which make room.
  Alert other = Firing("x");
  other.labels["alertname"] = "Other";
  EXPECT_THAT(
      Tell({Firing("a"), Firing("b"), other, Firing("a")}),
      ElementsAre(Decision::kRepeat, Decision::kRepeat, Decision::kIgnored, Decision::kRepeat));
  EXPECT_THAT(Tell({Resolved("a"), Firing("c")}),
              ElementsAre(Decision::kResolved, Decision::kJoined));
  EXPECT_TRUE(Tell({Resolved("b"), Firing("d"), Firing("e")}).empty()) << "more than it closes";
  EXPECT_EQ(TellOne(Resolved("b")), Decision::kResolved);
  EXPECT_EQ(TellOne(Firing("d")), Decision::kJoined);
}

TEST_F(Decisions, ThousandsAtOnceAreEachDecided) {
  std::vector<Alert> alerts;
  alerts.reserve(5'000);
  for (int n = 0; n < 5'000; ++n) alerts.push_back(Firing("f" + std::to_string(n)));
  const std::vector<Decision> decided = Tell(alerts);
  ASSERT_EQ(decided.size(), 5'000U);
  EXPECT_EQ(decided[0], Decision::kStartedRun);
  EXPECT_EQ(std::count(decided.begin(), decided.end(), Decision::kJoined), 4'999);
}

}  // namespace
}  // namespace mailhub::engine
