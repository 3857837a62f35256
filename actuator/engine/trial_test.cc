// What a notification would do: the same as it then does, and nothing before that.
#include "actuator/engine/testing_trial.h"

#include <gmock/gmock.h>

#include "actuator/engine/testing_calendar.h"
#include "actuator/engine/testing_decisions.h"

namespace mailhub::engine {
namespace {

using testing::HasSubstr;

class Trials : public Decisions {
 protected:
  static Notification Of(std::vector<Alert> alerts) {
    Notification notification;
    notification.id = "tried";
    notification.alerts = std::move(alerts);
    return notification;
  }
  std::vector<AlertTrial> Try(std::vector<Alert> alerts) {
    auto trials = engine_->Try(Of(std::move(alerts)), Now());
    EXPECT_TRUE(trials);
    return trials ? *trials : std::vector<AlertTrial>();
  }
  // Tries, then delivers, and compares. Returns the decision about the last alert.
  Decision TryAndTell(const std::vector<Alert>& alerts) {
    const auto trials = Try(alerts);
    const Output output = engine_->Handle(Of(alerts), Now());
    EXPECT_EQ(DifferenceFrom(trials, "tried", output.events), "");
    Take(output);
    return trials.empty() ? Decision::kIgnored : trials.back().decided.decision;
  }
};

TEST_F(Trials, SayWhatEachDecisionThenIs) {
  mute_ = true;
  EXPECT_EQ(TryAndTell({Firing("a")}), Decision::kStartedRun);
  EXPECT_EQ(TryAndTell({Firing("a")}), Decision::kRepeat);
  EXPECT_EQ(TryAndTell({Firing("b")}), Decision::kJoined);
  mute_ = false;
  Work();
  EXPECT_EQ(TryAndTell({Resolved("a")}), Decision::kResolved);
  EXPECT_EQ(TryAndTell({Firing("c")}), Decision::kCooldown);
  EXPECT_EQ(TryAndTell({Firing("c")}), Decision::kCooldown);
  Alert other = Firing("d");
  other.labels["alertname"] = "Other";
  EXPECT_EQ(TryAndTell({other}), Decision::kIgnored);
  Alert elsewhere = Firing("e");
  elsewhere.labels["instance"] = "elsewhere";
  EXPECT_EQ(TryAndTell({elsewhere}), Decision::kRejected);
  Alert broken = Firing("f");
  broken.malformed = "alerts[0]: status must be \"firing\" or \"resolved\"";
  EXPECT_EQ(TryAndTell({broken}), Decision::kRejected);
  engine_->Handle(SetMode{.mode = Mode::kObserve, .by = "alice"}, Now());
  EXPECT_EQ(TryAndTell({Firing("g")}), Decision::kObserved);
}

TEST_F(Trials, SayWhichAlertsOfANotificationJoinTheRunThatItStarts) {
  const auto trials = Try({Firing("a"), Firing("b")});
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].decided.decision, Decision::kStartedRun);
  EXPECT_EQ(trials[1].decided.decision, Decision::kJoined);
  EXPECT_EQ(trials[0].decided.run, trials[1].decided.run);
  EXPECT_TRUE(trials[1].new_run);
  EXPECT_EQ(TryAndTell({Firing("a"), Firing("b")}), Decision::kJoined);
}

TEST_F(Trials, ChangeNothing) {
  mute_ = true;
  Configure([](EngineConfig& config) {
    config.triggers[0].on_resolved = OnResolved::kCancel;
    config.triggers[0].only_if = "mailhub_up == 1";  // so that the run stays queued
  });
  EXPECT_EQ(TellOne(Firing("a"), false), Decision::kStartedRun);
  const uint64_t epoch = engine_->epoch();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Try({Resolved("a")}).at(0).decided.decision, Decision::kCancelled);
    EXPECT_EQ(Try({Firing("b")}).at(0).decided.decision, Decision::kJoined);
  }
  const View view = engine_->Look(Now());
  EXPECT_EQ(view.open_episodes, 1U);
  ASSERT_EQ(view.unfinished.size(), 1U);
  EXPECT_EQ(view.unfinished[0].state, RunState::kQueued);
  EXPECT_TRUE(view.finished.empty());
  EXPECT_EQ(engine_->epoch(), epoch);
  const Output nothing = engine_->Advance(Now());
  EXPECT_TRUE(nothing.events.empty());
  EXPECT_TRUE(nothing.effects.empty());
  EXPECT_EQ(TryAndTell({Resolved("a")}), Decision::kCancelled)
      << "what was true before is true now";
}

TEST_F(Trials, NameTheParametersAndWhyEarlierTriggersDoNotMatch) {
  Configure([](EngineConfig& config) {
    Trigger first = config.triggers[0];
    first.name = "by severity";
    first.matchers.push_back({.label = "severity", .value = "page"});
    Trigger second = first;
    second.name = "by name";
    second.matchers[0].value = "Burst";
    config.triggers[0].only_if = "mailhub_up{instance=\"{{on}}\"} == 1";
    config.triggers.insert(config.triggers.begin(), {first, second});
  });
  const auto trials = Try({Firing("a")});
  ASSERT_EQ(trials.size(), 1U);
  ASSERT_EQ(trials[0].passed.size(), 2U);
  EXPECT_EQ(trials[0].passed[0].trigger, "by severity");
  EXPECT_EQ(trials[0].passed[0].matcher.label, "severity");
  EXPECT_EQ(trials[0].passed[0].label, std::nullopt);
  EXPECT_EQ(trials[0].passed[1].matcher.value, "Burst");
  EXPECT_EQ(trials[0].passed[1].label, "Leak");
  ASSERT_TRUE(trials[0].parameters && *trials[0].parameters);
  EXPECT_EQ((**trials[0].parameters).at("on"), "x500");
  EXPECT_EQ(trials[0].only_if, "mailhub_up{instance=\"x500\"} == 1");

  Alert elsewhere = Firing("b");
  elsewhere.labels["instance"] = "elsewhere";
  const auto refused = Try({elsewhere});
  ASSERT_TRUE(refused[0].parameters && !*refused[0].parameters);
  EXPECT_THAT(refused[0].parameters->error().message, HasSubstr("not in the site file"));
}

TEST_F(Trials, SayWhenANewRunStarts) {
  mute_ = true;
  const auto first = Try({Firing("a")});
  ASSERT_TRUE(first.at(0).start);
  EXPECT_TRUE(first[0].start->now);
  ASSERT_EQ(TellOne(Firing("a"), false), Decision::kStartedRun);
  EXPECT_FALSE(Try({Firing("a")}).at(0).start) << "no new run";
  EXPECT_FALSE(Try({Firing("b")}).at(0).start) << "it joins the run of now";
}

TEST_F(Trials, SayTheSlotOfANewRunAsItThenHasIt) {
  auto calendar = std::make_shared<SpanCalendar>();
  calendar->spans["all"] = {{Now().wall, Now().wall + Hours(2)}};
  calendar->always_blackouts = {"all"};
  Configure([&](EngineConfig& config) { config.calendar = calendar; });
  const auto trials = Try({Firing("a")});
  ASSERT_TRUE(trials.at(0).start);
  EXPECT_FALSE(trials[0].start->now);
  ASSERT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  const RunView run = engine_->Look(Now()).unfinished.at(0);
  EXPECT_EQ(run.starts_at, trials[0].start->begin);
  EXPECT_EQ(run.starts_at, Now().wall + Hours(2));
  EXPECT_EQ(run.waiting_for, trials[0].start->why);
}

TEST_F(Trials, AreRefusedAsTheNotificationWouldBe) {
  Configure([](EngineConfig& config) { config.most_episodes = 1; });
  const auto refused = engine_->Try(Of({Firing("a"), Firing("b")}), Now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kOverloaded);
}

}  // namespace
}  // namespace mailhub::engine
