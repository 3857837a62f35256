// The checker itself must complain: each invariant is broken once by a part of the world that
// misbehaves, and once in a doctored copy of what happened in a clean run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/seeds.h"

namespace mailhub::sim {
namespace {

using testing::HasSubstr;

// --- parts that misbehave

struct Misbehaviour {
  const char* name;
  Mutation mutation;
  const char* complaint;
  double delay = 0.05;  // of requests; more where only what comes late can show it
};

class Misbehaving : public testing::TestWithParam<Misbehaviour> {};

// It may break other promises too, and they may be noticed first; one seed must show this one.
TEST_P(Misbehaving, IsNoticed) {
  constexpr uint64_t kMostSeeds = 400;
  for (uint64_t seed = 1; seed <= kMostSeeds; ++seed) {
    SimOptions options;
    options.seed = seed;
    options.faults = BadWeather();
    options.faults.crash = options.faults.depose = 0.01;
    options.faults.delay = GetParam().delay;
    options.mutation = GetParam().mutation;
    const auto broken = Simulation(options).RunAll();
    if (broken && broken->find(GetParam().complaint) != std::string::npos) return;
  }
  FAIL() << "nobody noticed";
}

INSTANTIATE_TEST_SUITE_P(
    Invariants, Misbehaving,
    testing::Values(
        Misbehaviour{"ARunnerThatIgnoresClaims", Mutation::kRunnerIgnoresClaims, "under one key"},
        Misbehaviour{"ARunnerThatIgnoresVoid", Mutation::kRunnerIgnoresVoid, "after it was settled",
                     0.5},
        Misbehaviour{"ARunnerThatIgnoresTheFence", Mutation::kRunnerIgnoresFence,
                     "a deposed actuator had an effect"},
        Misbehaviour{"ARunnerThatObeysAForeignActuator", Mutation::kRunnerIgnoresFence,
                     "a foreign actuator had an effect"},
        Misbehaviour{"AHostThatForgetsItsLease", Mutation::kHostForgetsLease,
                     "without its dead man"},
        Misbehaviour{"AHostThatKeepsItsLease", Mutation::kHostKeepsLease, "still armed on"},
        Misbehaviour{"AnAdapterThatMisreadsExitStatuses", Mutation::kAdapterMisreadsExit,
                     "nobody expects: step_failed"},
        Misbehaviour{"AGateThatBelievesOldSamples", Mutation::kGateBelievesOldSamples,
                     "evidence from before"},
        Misbehaviour{"AnActuatorThatActsBeforeItsCommit", Mutation::kActsBeforeCommit,
                     "before its intent"},
        Misbehaviour{"AnActuatorThatAnswersBeforeItsCommit", Mutation::kAnswersBeforeCommit,
                     "not decided"},
        Misbehaviour{"AnActuatorThatForgetsItsMode", Mutation::kForgetsMode, "halted"},
        Misbehaviour{"APlanWithoutLocks", Mutation::kPlanWithoutLocks, "held twice"},
        Misbehaviour{"APlanWithoutAlways", Mutation::kPlanWithoutAlways, "owes"},
        Misbehaviour{"APlanWithoutDeadMan", Mutation::kPlanWithoutDeadMan, "without its dead man"},
        Misbehaviour{"APlanThatRepeatsWhatIsUnknown", Mutation::kRetriesWhatIsUnknown,
                     "again without a reason"}),
    [](const auto& test) { return test.param.name; });

// --- a doctored history

class Doctored : public testing::Test {
 protected:
  Doctored() {
    SimOptions options;
    options.safe_ms = 120'000;
    Simulation simulation(options);
    EXPECT_FALSE(simulation.RunAll());
    history_ = simulation.history();
    EXPECT_EQ(Complaint(), "");
  }
  std::string Complaint() const {
    Invariants invariants;
    for (const Observation& observation : history_) {
      if (auto broken = invariants.See(observation)) return *broken;
    }
    return "";
  }
  // The first observation of this kind.
  template <typename What>
  History::iterator First() {
    return std::find_if(history_.begin(), history_.end(), [](const Observation& one) {
      return std::holds_alternative<What>(one.what);
    });
  }
  template <typename Body>
  History::iterator FirstRecorded() {
    return std::find_if(history_.begin(), history_.end(), [](const Observation& one) {
      const auto* recorded = std::get_if<Recorded>(&one.what);
      return recorded != nullptr && std::holds_alternative<Body>(recorded->event.body);
    });
  }
  // Puts an event into the journal behind `at`.
  void Record(History::iterator at, engine::EventBody body) {
    Observation observation = *at;
    std::get<Recorded>(observation.what).event.body = std::move(body);
    history_.insert(at + 1, observation);
    NumberAnew();
  }
  void NumberAnew() {
    uint64_t seq = 0;
    for (Observation& one : history_) {
      if (auto* recorded = std::get_if<Recorded>(&one.what)) recorded->event.seq = ++seq;
    }
  }

  History history_;
};

TEST_F(Doctored, NoticeAGapInTheJournal) {
  history_.erase(FirstRecorded<engine::StepSettled>());
  EXPECT_THAT(Complaint(), HasSubstr("gap"));
}

TEST_F(Doctored, NoticeADeedDoneTwice) {
  const auto deed = First<DeedBegan>();
  history_.insert(deed + 1, Observation(*deed));
  EXPECT_THAT(Complaint(), HasSubstr("twice under one key"));
}

TEST_F(Doctored, NoticeANotificationDecidedTwice) {
  const auto decided = FirstRecorded<engine::AlertDecided>();
  Record(decided, std::get<Recorded>(decided->what).event.body);
  EXPECT_THAT(Complaint(), HasSubstr("decided twice"));
}

TEST_F(Doctored, NoticeALockHeldTwice) {
  Record(FirstRecorded<engine::RunStarted>(), engine::RunStarted{});
  EXPECT_THAT(Complaint(), HasSubstr("held twice"));
}

TEST_F(Doctored, NoticeASecondAttemptWithoutAReason) {
  const auto started = FirstRecorded<engine::StepStarted>();
  auto body = std::get<engine::StepStarted>(std::get<Recorded>(started->what).event.body);
  ++body.attempt;
  Record(started, body);
  EXPECT_THAT(Complaint(), HasSubstr("without a reason"));
}

TEST_F(Doctored, NoticeAStepThatBeginsInAHeldRun) {
  Record(FirstRecorded<engine::RunStarted>(),
         engine::OperatorActed{engine::Verb::kPause, "", "somebody", ""});
  EXPECT_THAT(Complaint(), HasSubstr("while its run was paused"));
}

TEST_F(Doctored, NoticeAHoldWithoutACause) {
  for (const auto reason : {engine::HoldReason::kStepFailed, engine::HoldReason::kTimedOut,
                            engine::HoldReason::kOutcomeUnknown, engine::HoldReason::kGateShut,
                            engine::HoldReason::kRefused, engine::HoldReason::kDeadManRestored,
                            engine::HoldReason::kAlwaysFailed}) {
    const History before = history_;
    Record(FirstRecorded<engine::StepStarted>(), engine::RunHeld{"1.1", reason, ""});
    EXPECT_THAT(Complaint(), HasSubstr("nobody expects")) << engine::Name(reason);
    history_ = before;
  }
}

TEST_F(Doctored, NoticeAServiceThatNothingGuards) {
  const auto released = std::find_if(history_.begin(), history_.end(), [](const auto& one) {
    const auto* lease = std::get_if<LeaseChanged>(&one.what);
    return lease != nullptr && !lease->armed;
  });
  const auto stopped = std::find_if(history_.begin(), history_.end(), [](const auto& one) {
    const auto* service = std::get_if<ServiceChanged>(&one.what);
    return service != nullptr && !service->up;
  });
  const Observation early = *released;
  history_.insert(stopped + 1, early);
  EXPECT_THAT(Complaint(), HasSubstr("nothing guards process_running eddy"));
}

TEST_F(Doctored, NoticeAServiceLeftStopped) {
  history_.insert(history_.end() - 1,
                  {history_.back().at_ms, ServiceChanged{"mailhub1", "regclient", false}});
  history_.insert(history_.end() - 2,
                  {history_.back().at_ms, LeaseChanged{"mailhub1", "any", true}});
  EXPECT_THAT(Complaint(), HasSubstr("left stopped on mailhub1"));
}

TEST_F(Doctored, NoticeARunThatNeverEnds) {
  history_.erase(FirstRecorded<engine::RunFinished>(), history_.end() - 1);
  EXPECT_THAT(Complaint(), HasSubstr("not finished"));
}

TEST_F(Doctored, NoticeASkippedAttempt) {
  const auto started = FirstRecorded<engine::StepStarted>();
  std::get<engine::StepStarted>(std::get<Recorded>(started->what).event.body).attempt = 2;
  EXPECT_THAT(Complaint(), HasSubstr("skipped an attempt"));
}

TEST_F(Doctored, NoticeADeedAfterItsRun) {
  const DeedBegan deed = std::get<DeedBegan>(First<DeedBegan>()->what);
  DeedBegan late = deed;
  late.key = deed.key.substr(0, deed.key.rfind('/')) + "/1";
  history_.erase(First<DeedBegan>());
  const auto finished = FirstRecorded<engine::RunFinished>();
  history_.insert(finished + 1, {finished->at_ms, late});
  EXPECT_THAT(Complaint(), HasSubstr("after its run"));
}

TEST_F(Doctored, NoticeARunThatFinishesWithADeadManArmed) {
  while (true) {
    const auto disarmed = FirstRecorded<engine::DeadManDisarmed>();
    if (disarmed == history_.end()) break;
    history_.erase(disarmed);
  }
  NumberAnew();
  EXPECT_THAT(Complaint(), HasSubstr("finished with a dead man still armed"));
}

TEST_F(Doctored, NoticeARunThatSucceedsWithoutAStep) {
  const auto done = FirstRecorded<engine::StepDone>();
  const auto begun = FirstRecorded<engine::RunStarted>();
  const std::string run = std::get<Recorded>(begun->what).event.run;
  const auto ending = FirstRecorded<engine::RunEnding>();
  ASSERT_NE(done, history_.end());
  ASSERT_NE(ending, history_.end());
  Observation finished = *ending;
  std::get<Recorded>(finished.what).event.body =
      engine::RunFinished{engine::RunResult::kSucceeded, ""};
  history_.insert(begun + 1, finished);
  NumberAnew();
  EXPECT_THAT(Complaint(), HasSubstr("succeeded without"));
}

TEST_F(Doctored, NoticeReceiptsThatAreNotSwept) {
  history_.erase(FirstRecorded<engine::RunSwept>());
  NumberAnew();
  EXPECT_THAT(Complaint(), HasSubstr("not swept"));
}

TEST_F(Doctored, NoticeAGateThatBelievesOldEvidence) {
  std::get<GatePassed>(First<GatePassed>()->what).oldest_evidence_ms = 0;
  EXPECT_THAT(Complaint(), HasSubstr("evidence from before the last action"));
}

TEST_F(Doctored, NoticeAStepThatBeginsAlthoughItsRunIsHeld) {
  for (const auto& one : history_) {
    if (const auto* lost = std::get_if<HostLost>(&one.what)) FAIL() << lost->host;
  }
  const auto begun = FirstRecorded<engine::RunStarted>();
  history_.insert(begun, {begun->at_ms, KeyChanged{"x500", true}});  // so that the hold is expected
  Record(FirstRecorded<engine::RunStarted>(),
         engine::RunHeld{"1.1", engine::HoldReason::kRefused, ""});
  EXPECT_THAT(Complaint(), HasSubstr("while its run was held"));
}

TEST_F(Doctored, NoticeAHostThatIsAskedWithoutAPause) {
  history_.insert(history_.begin(), {0, HostPestered{"x500"}});
  EXPECT_THAT(Complaint(), HasSubstr("without a pause"));
}

}  // namespace
}  // namespace mailhub::sim
