// Alerts that go on firing although their runs have succeeded: further runs, and who is told.
#include <gmock/gmock.h>

#include "actuator/engine/testing_decisions.h"

namespace mailhub::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StillFiring : public Decisions {
 protected:
  void Allow(int attempts, Milliseconds after = Minutes(15)) {
    Configure([&](EngineConfig& config) {
      config.triggers[0].cooldown = Milliseconds(0);
      config.triggers[0].attempts = attempts;
      config.triggers[0].still_firing_after = after;
      change_(config);
    });
  }
  void Wait(Milliseconds time) {
    decided_.clear();
    Pass(time);
    Work();
  }
  EpisodeView Only() const {
    const View view = engine_->Look(Now());
    EXPECT_EQ(view.episodes.size(), 1U);
    return view.episodes.empty() ? EpisodeView() : view.episodes[0];
  }
  std::function<void(EngineConfig&)> change_ = [](EngineConfig&) {};
};

TEST_F(StillFiring, ByDefaultNoFurtherRunStartsAndAPersonIsTold) {
  Allow(1);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Wait(Minutes(14));
  EXPECT_EQ(Only().state, EpisodeState::kRemedied);
  EXPECT_EQ(engine_->Look(Now()).still_firing_episodes, 0U);
  Wait(Minutes(1));
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(Only().state, EpisodeState::kStillFiring) << "no repeat was needed to know it";
  EXPECT_EQ(engine_->Look(Now()).still_firing_episodes, 1U);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kRepeat);
  EXPECT_EQ(Only().state, EpisodeState::kStillFiring);
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  EXPECT_EQ(engine_->Look(Now()).still_firing_episodes, 0U);
}

TEST_F(StillFiring, TheEngineWakesByItselfWhenTheGraceIsOver) {
  Allow(2);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  ASSERT_TRUE(engine_->NextDeadline());
  EXPECT_LE(*engine_->NextDeadline(), Now().steady + Minutes(15));
}

TEST_F(StillFiring, FurtherRunsAreBoundedAndCounted) {
  Allow(3);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(Only().tries, 1);
  for (int tries = 2; tries <= 3; ++tries) {
    Wait(Minutes(15));
    EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
    EXPECT_EQ(Only().tries, tries);
    EXPECT_EQ(Only().state, EpisodeState::kRemedied) << "as long as the grace lasts";
  }
  Wait(Hours(24));
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(Only().state, EpisodeState::kStillFiring);
}

TEST_F(StillFiring, TheDecisionSaysWhyThereIsAnotherRun) {
  Allow(2);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Wait(Minutes(15));
  EXPECT_EQ(Only().detail,
            "it still fires 15m after run run-no-1 has succeeded; 1 of 2 runs before this: started "
            "restart");
}

TEST_F(StillFiring, AnEndWithinTheGraceEndsIt) {
  Allow(2);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Wait(Minutes(14));
  EXPECT_EQ(TellOne(Resolved("a")), Decision::kResolved);
  Wait(Hours(2));
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(TellOne(Firing("a", Now().wall)), Decision::kStartedRun);
  EXPECT_EQ(Only().tries, 1) << "a new alert counts anew";
}

TEST_F(StillFiring, AFurtherRunWaitsForTheCooldown) {
  change_ = [](EngineConfig& config) { config.triggers[0].cooldown = Hours(1); };
  Allow(2);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Wait(Minutes(15));
  EXPECT_THAT(decided_, ElementsAre(Decision::kCooldown));
  EXPECT_EQ(Only().tries, 1);
  Wait(Minutes(46));
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
  EXPECT_EQ(Only().tries, 2);
  Wait(Hours(24));
  EXPECT_THAT(decided_, IsEmpty());
}

TEST_F(StillFiring, AFurtherRunThatIsNotNeededIsTheLastOne) {
  change_ = [](EngineConfig& config) { config.triggers[0].only_if = "x == 1"; };
  Allow(3);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(LastResult(), RunResult::kSucceeded);
  still_true_ = false;
  Wait(Minutes(15));
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
  EXPECT_EQ(LastResult(), RunResult::kDropped);
  EXPECT_EQ(Only().state, EpisodeState::kStillFiring);
  EXPECT_EQ(Only().detail, "its further run was dropped: no longer true: x == 1");
  Wait(Hours(24));
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(TellOne(Firing("a")), Decision::kRepeat);
}

TEST_F(StillFiring, AFailedRunHasNoFurtherOne) {
  Allow(3);
  plans_.on_failure = OnFailure::kAbort;
  exit_status_ = 1;
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  EXPECT_EQ(LastResult(), RunResult::kFailed);
  Wait(Hours(24));
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(Only().state, EpisodeState::kUnanswered);
}

TEST_F(StillFiring, OtherModesStartNoFurtherRun) {
  Allow(2);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Take(engine_->Handle(SetMode{Mode::kObserve, "ann"}, Now()));
  Wait(Hours(1));
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(Only().state, EpisodeState::kStillFiring);
  Take(engine_->Handle(SetMode{Mode::kActive, "ann"}, Now()));
  EXPECT_THAT(decided_, ElementsAre(Decision::kStartedRun));
}

TEST_F(StillFiring, SuchAnEpisodeMayBeClosed) {
  Allow(1);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  const CloseEpisode close{"a", "run-no-1", "ann", "mended"};
  EXPECT_FALSE(engine_->Handle(close, Now()).answer) << "it may have ended";
  Wait(Minutes(15));
  EXPECT_TRUE(engine_->Handle(close, Now()).answer);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
}

TEST_F(StillFiring, AfterAReplayTheJournalTellsHowManyRunsThereWere) {
  Allow(2);
  EXPECT_EQ(TellOne(Firing("a")), Decision::kStartedRun);
  Wait(Minutes(15));
  ASSERT_THAT(decided_, ElementsAre(Decision::kStartedRun));
  std::vector<Event> journal = recorded_;
  Pass(Hours(5));
  Engine again(config_, &plans_, [] { return "run-again"; });
  for (const Event& event : journal) again.Apply(event);
  Output output = again.Start(Now(), "test");
  const View view = again.Look(Now());
  ASSERT_EQ(view.episodes.size(), 1U);
  EXPECT_EQ(view.episodes[0].tries, 2);
  EXPECT_EQ(view.episodes[0].state, EpisodeState::kRemedied)
      << "an end that could not be delivered has five minutes to arrive";
  passed_ += Minutes(5);
  output = again.Advance(Now());
  EXPECT_THAT(output.events, IsEmpty());
  EXPECT_EQ(again.Look(Now()).episodes[0].state, EpisodeState::kStillFiring);
}

}  // namespace
}  // namespace mailhub::engine
