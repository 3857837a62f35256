// Runs wait for a suitable time, and several with one lock are planned one after the other.
#include "actuator/engine/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "actuator/engine/engine.h"
#include "actuator/engine/testing_calendar.h"

namespace mailhub::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

const WallTime kBegin(Seconds(1'000'000'000));

// Each runbook is one question to a person, so a run under way stays so; parameter `lock` is its
// lock. A run needs an hour.
class Scheduled : public testing::Test, public PlanSource {
 protected:
  Scheduled() {
    calendar_->spans["nights"] = {{kBegin + hours(2), kBegin + hours(5)}};
    calendar_->spans["holidays"] = {{kBegin + hours(3), kBegin + hours(4)}};
    suitable_.windows = {"nights"};
    config_.calendar = calendar_;
    Boot();
  }
  void Boot() {
    engine_.emplace(config_, this, [this] { return "run-no-" + std::to_string(++runs_); });
    Take(engine_->Start(Now(), "test"));
  }
  void Reload() { Take(engine_->Reconfigure(config_, this, Now())); }
  Moment Now() const {
    return {.wall = kBegin + passed_ + stepped_, .steady = SteadyTime(Seconds(1000)) + passed_};
  }
  // Time passes as in the program: the engine wakes whenever it wants to.
  void Pass(Milliseconds time) {
    const Milliseconds end = passed_ + time;
    while (passed_ < end) {
      const auto next = engine_->NextDeadline();
      const Milliseconds wait = next ? *next - Now().steady : time;
      passed_ = std::min(end, passed_ + std::max(wait, Milliseconds(1)));
      ++wakes_;
      Take(engine_->Advance(Now()));
    }
  }
  Result<std::string> Start(const std::string& runbook, const std::string& lock = "tables",
                            bool at_once = false, const std::string& reason = "") {
    Command start;
    start.verb = Verb::kStart;
    start.by = "ann";
    start.runbook = runbook;
    start.parameters = {{"lock", lock}};
    start.at_once = at_once;
    start.detail = reason;
    const Output output = engine_->Handle(start, Now());
    Take(output);
    return output.answer;
  }
  RunView Look(const std::string& runbook) const {
    const View view = engine_->Look(Now());
    for (const auto* list : {&view.unfinished, &view.finished}) {
      for (const RunView& run : *list) {
        if (run.runbook == runbook) return run;
      }
    }
    return {};
  }
  void Say(Verb verb, const std::string& run, int pause = 0) {
    Command command;
    command.verb = verb;
    command.by = "ann";
    command.run = run;
    command.pause = pause;
    const Output output = engine_->Handle(command, Now());
    ASSERT_TRUE(output.answer) << output.answer.error().message;
    Take(output);
  }
  Result<Plan> Make(const std::string& runbook,
                    const std::map<std::string, std::string>& parameters) const override {
    Plan plan;
    plan.runbook = runbook;
    plan.parameters = parameters;
    plan.locks = {parameters.at("lock")};
    plan.expected = hours(1);
    plan.suitable = runbook == "any-time" ? Suitable() : suitable_;
    plan.steps.push_back({.path = "1", .name = "Well?", .kind = StepKind::kConfirm});
    return plan;
  }
  void Take(const Output& output) {
    for (const Event& event : output.events) {
      events_.push_back(event);
      if (std::holds_alternative<RunStarted>(event.body)) started_[event.run] = passed_;
    }
  }

  std::shared_ptr<SpanCalendar> calendar_ = std::make_shared<SpanCalendar>();
  Suitable suitable_;
  EngineConfig config_;
  std::optional<Engine> engine_;
  std::vector<Event> events_;
  std::map<std::string, Milliseconds> started_;  // by run
  Milliseconds passed_{0};
  Milliseconds stepped_{0};  // of the wall clock
  int wakes_ = 0;
  int runs_ = 0;
};

TEST_F(Scheduled, ARunWaitsForItsWindowAndSaysSo) {
  ASSERT_TRUE(Start("rebuild"));
  const RunView run = Look("rebuild");
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.waiting_for, "closed; it needs 1h (`expected` of its runbook; 0 runs so far)");
  EXPECT_EQ(run.starts_at, kBegin + hours(2));
  Pass(hours(2) - Seconds(1));
  EXPECT_EQ(Look("rebuild").state, RunState::kQueued);
  Pass(Seconds(1));
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning) << "the engine woke by itself";
  EXPECT_EQ(Look("rebuild").starts_at, std::nullopt);
  EXPECT_LT(wakes_, 300) << "not more often than a minute asks for";
}

TEST_F(Scheduled, ARunDoesNotStartWhereItDoesNotFit) {
  suitable_.blackouts = {"holidays"};
  Pass(hours(2) + minutes(30));
  ASSERT_TRUE(Start("rebuild"));
  EXPECT_EQ(Look("rebuild").starts_at, kBegin + hours(4)) << "half an hour before the blackout";
  Pass(hours(1) + minutes(29));
  EXPECT_EQ(Look("rebuild").state, RunState::kQueued);
  Pass(minutes(1));
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning);
}

TEST_F(Scheduled, WithoutACalendarEverythingIsAsBefore) {
  config_.calendar = nullptr;
  suitable_ = {};
  Boot();
  ASSERT_TRUE(Start("rebuild"));
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning);
}

// Its configuration had one when it was queued.
TEST_F(Scheduled, ARunWhoseCalendarIsGoneDoesNotStart) {
  ASSERT_TRUE(Start("rebuild"));
  config_.calendar = nullptr;
  Reload();
  Pass(hours(3));
  EXPECT_EQ(Look("rebuild").state, RunState::kQueued);
  EXPECT_THAT(Look("rebuild").waiting_for, HasSubstr("no calendar that knows nights"));
  config_.calendar = calendar_;
  Reload();
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning);
}

// Whoever looks right after a reload sees the new calendar's answer.
TEST_F(Scheduled, AReloadOfTheCalendarCountsAtOnce) {
  ASSERT_TRUE(Start("rebuild"));
  EXPECT_EQ(Look("rebuild").starts_at, kBegin + hours(2));
  const auto changed = std::make_shared<SpanCalendar>(*calendar_);
  changed->spans["stop"] = {{kBegin, kBegin + hours(3)}};
  changed->always_blackouts = {"stop"};
  config_.calendar = changed;
  Reload();
  EXPECT_EQ(Look("rebuild").starts_at, kBegin + hours(3));
  const auto without = std::make_shared<SpanCalendar>(*calendar_);
  without->spans.clear();
  config_.calendar = without;
  Reload();
  EXPECT_EQ(Look("rebuild").starts_at, std::nullopt);
  EXPECT_THAT(Look("rebuild").waiting_for, HasSubstr("never open"));
  const auto open = std::make_shared<SpanCalendar>(*calendar_);
  open->spans["nights"] = {{kBegin, kBegin + hours(2)}};
  config_.calendar = open;
  Reload();
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning);
}

TEST_F(Scheduled, APersonMayStartItAtOnceAndMustSayWhy) {
  const auto refused = Start("rebuild", "tables", true);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("reason: missing"));
  ASSERT_TRUE(Start("rebuild", "tables", true, "the tables are broken"));
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning);
  EXPECT_EQ(Look("rebuild").at_once, "the tables are broken");
}

TEST_F(Scheduled, RunsWithACommonLockArePlannedOneAfterTheOther) {
  ASSERT_TRUE(Start("rebuild-a"));
  ASSERT_TRUE(Start("rebuild-b"));
  ASSERT_TRUE(Start("rebuild-c", "another"));
  EXPECT_EQ(Look("rebuild-a").starts_at, kBegin + hours(2));
  EXPECT_EQ(Look("rebuild-b").starts_at, kBegin + hours(3)) << "after the first";
  EXPECT_EQ(Look("rebuild-c").starts_at, kBegin + hours(2)) << "another lock";
  Say(Verb::kCancel, Look("rebuild-a").id);
  EXPECT_EQ(Look("rebuild-b").starts_at, kBegin + hours(2)) << "planned anew";
}

TEST_F(Scheduled, ARunWithoutWindowsIsNotDelayedByOneThatWaitsForItsWindow) {
  ASSERT_TRUE(Start("rebuild"));
  ASSERT_TRUE(Start("any-time"));
  EXPECT_EQ(Look("any-time").state, RunState::kRunning);
}

TEST_F(Scheduled, ARunThatWouldTouchAnEarlierRunsSlotComesAfterIt) {
  ASSERT_TRUE(Start("rebuild"));
  Pass(hours(1) + minutes(30));
  ASSERT_TRUE(Start("any-time"));
  const RunView run = Look("any-time");
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.starts_at, kBegin + hours(3));
  EXPECT_THAT(run.waiting_for,
              HasSubstr("run run-no-1 (rebuild) comes first, and both need the same lock"));
}

TEST_F(Scheduled, APausedRunTakesNoTime) {
  ASSERT_TRUE(Start("rebuild-a"));
  ASSERT_TRUE(Start("rebuild-b"));
  Say(Verb::kPause, Look("rebuild-a").id);
  EXPECT_EQ(Look("rebuild-b").starts_at, kBegin + hours(2));
}

TEST_F(Scheduled, ASteppedClockDoesNotMakeItMissItsStart) {
  ASSERT_TRUE(Start("rebuild"));
  Pass(minutes(1));
  stepped_ = hours(2);  // the clock was two hours slow
  Pass(minutes(1));
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning) << "within a minute";
}

TEST_F(Scheduled, AWindowThatClosesUnderARunChangesNothingAndIsSaid) {
  Pass(hours(2));
  ASSERT_TRUE(Start("rebuild"));
  EXPECT_EQ(Look("rebuild").unsuitable, "");
  Pass(hours(3) + minutes(1));
  EXPECT_EQ(Look("rebuild").state, RunState::kRunning);
  EXPECT_EQ(Look("rebuild").unsuitable, "never open");
}

// What the plan said a minute ago need not be true when the last obstacle is gone.
TEST_F(Scheduled, AskedAgainAtTheMomentOfTheStart) {
  Pass(hours(4) - Seconds(10));
  Take(engine_->Handle(SetMode{Mode::kObserve, "ann"}, Now()));
  ASSERT_FALSE(Start("rebuild")) << "mode";
  Take(engine_->Handle(SetMode{Mode::kActive, "ann"}, Now()));
  ASSERT_TRUE(Start("rebuild-a"));
  ASSERT_EQ(Look("rebuild-a").state, RunState::kRunning);
  ASSERT_TRUE(Start("rebuild-b", "another"));
  ASSERT_EQ(Look("rebuild-b").state, RunState::kRunning);
  Say(Verb::kPause, Look("rebuild-b").id);
  ASSERT_TRUE(Start("rebuild-c", "third"));
  EXPECT_EQ(Look("rebuild-c").state, RunState::kRunning);
}

TEST_F(Scheduled, APlanThatIsNoLongerTrueStartsNothing) {
  Pass(hours(4) - Seconds(10));
  ASSERT_TRUE(Start("first", "tables", true, "now"));
  ASSERT_TRUE(Start("rebuild"));
  Say(Verb::kPause, Look("rebuild").id);
  Say(Verb::kCancel, Look("first").id);
  EXPECT_EQ(Look("rebuild").starts_at, std::nullopt) << "it might start now, if it were not paused";
  Take(engine_->Handle(SetMode{Mode::kObserve, "ann"}, Now()));
  Say(Verb::kResume, Look("rebuild").id, 1);
  passed_ += Seconds(20);  // less than a minute, and nothing happened to a run: no new plan
  Take(engine_->Handle(SetMode{Mode::kActive, "ann"}, Now()));
  EXPECT_EQ(Look("rebuild").state, RunState::kQueued) << "an hour does not fit any more";
}

TEST_F(Scheduled, TheCalendarKeepsAlsoAPlanThatNamesNothingOutOfItsOwnBlackouts) {
  calendar_->always_blackouts = {"holidays"};
  Pass(hours(3) + minutes(10));
  ASSERT_TRUE(Start("any-time"));
  EXPECT_EQ(Look("any-time").starts_at, kBegin + hours(4));
}

TEST_F(Scheduled, FiveRunsOfItsOwnCountMoreThanWhatTheRunbookExpects) {
  calendar_->spans["nights"] = {{kBegin, kBegin + hours(5'000)}};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Start("rebuild"));
    const RunView run = Look("rebuild");
    ASSERT_EQ(run.state, RunState::kRunning);
    Command yes;
    yes.verb = Verb::kConfirm;
    yes.by = "ann";
    yes.run = run.id;
    yes.step = "1";
    yes.attempt = 1;
    const Output output = engine_->Handle(yes, Now());
    ASSERT_TRUE(output.answer) << output.answer.error().message;
    Pass(minutes(1));
  }
  calendar_->spans["nights"] = {{kBegin + hours(100), kBegin + hours(101)}};
  Pass(minutes(2));
  ASSERT_TRUE(Start("rebuild"));
  EXPECT_THAT(Look("rebuild").waiting_for, HasSubstr("its last 5 runs"));
}

// What is said before a run is queued is what the queued run then says.
class Foreseen : public Scheduled {
 protected:
  void ExpectTheSameOnceQueued(const std::string& runbook, const std::string& lock = "tables") {
    const StartView start = engine_->ForeseeStart(*Make(runbook, {{"lock", lock}}), Now());
    ASSERT_TRUE(Start(runbook, lock));
    const RunView run = Look(runbook);
    EXPECT_EQ(start.refused, "");
    EXPECT_EQ(start.now, run.state == RunState::kRunning);
    EXPECT_EQ(start.begin, run.starts_at);
    EXPECT_EQ(start.why, start.now ? "" : run.waiting_for);
    EXPECT_EQ(start.needed.time, run.needed.time);
    EXPECT_EQ(start.needed.from, run.needed.from);
  }
};

TEST_F(Foreseen, TheStartOfARunIsTheOneThatItThenHas) {
  ExpectTheSameOnceQueued("rebuild-a");
  EXPECT_EQ(Look("rebuild-a").starts_at, kBegin + hours(2));
  ExpectTheSameOnceQueued("rebuild-b");
  EXPECT_EQ(Look("rebuild-b").starts_at, kBegin + hours(3)) << "after the first";
  ExpectTheSameOnceQueued("rebuild-c", "another");
  Pass(hours(1) + minutes(30));
  ExpectTheSameOnceQueued("any-time");
  EXPECT_EQ(Look("any-time").starts_at, kBegin + hours(4));
  Pass(minutes(31));
  ExpectTheSameOnceQueued("any-time-else", "third");
  EXPECT_EQ(Look("any-time-else").state, RunState::kRunning);
}

TEST_F(Foreseen, WithoutACalendarTheLockDecides) {
  config_.calendar = nullptr;
  suitable_ = {};
  Boot();
  ExpectTheSameOnceQueued("first");
  ExpectTheSameOnceQueued("second");
  EXPECT_THAT(Look("second").waiting_for, HasSubstr("has a lock that this run needs"));
}

TEST_F(Foreseen, ARequestThatWouldBeRefusedSaysWhy) {
  ASSERT_TRUE(Start("rebuild"));
  const Plan plan = *Make("rebuild", {{"lock", "tables"}});
  const auto refused = Start("rebuild");
  ASSERT_FALSE(refused);
  EXPECT_EQ(engine_->ForeseeStart(plan, Now()).refused, refused.error().message);
  Take(engine_->Handle(SetMode{Mode::kHalted, "ann"}, Now()));
  EXPECT_THAT(engine_->ForeseeStart(plan, Now()).refused, HasSubstr("mode is halted"));
}

TEST_F(Foreseen, NothingIsRecordedAndNoOtherRunsPlanChanges) {
  ASSERT_TRUE(Start("rebuild-a"));
  const size_t events = events_.size();
  engine_->ForeseeStart(*Make("rebuild-b", {{"lock", "tables"}}), Now());
  Pass(minutes(2));
  EXPECT_EQ(events_.size(), events);
  EXPECT_EQ(Look("rebuild-a").starts_at, kBegin + hours(2));
}

TEST_F(Foreseen, TheEndOfARunIsTheOneThatOthersArePlannedFor) {
  ASSERT_TRUE(Start("rebuild-a"));
  EXPECT_EQ(Look("rebuild-a").ends_at, kBegin + hours(3));
  ASSERT_TRUE(Start("rebuild-b"));
  EXPECT_EQ(Look("rebuild-b").starts_at, Look("rebuild-a").ends_at);
  Say(Verb::kPause, Look("rebuild-a").id);
  EXPECT_EQ(Look("rebuild-a").ends_at, std::nullopt);
  EXPECT_THAT(Look("rebuild-a").end_unknown, HasSubstr("paused"));
  Pass(hours(2));
  const RunView asks = Look("rebuild-b");
  ASSERT_EQ(asks.state, RunState::kRunning);
  EXPECT_EQ(asks.ends_at, std::nullopt) << "it asks a person";
  EXPECT_THAT(asks.end_unknown, HasSubstr("waits for a person"));
}

}  // namespace
}  // namespace mailhub::engine
