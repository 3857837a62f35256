// Tests the checker: each invariant is broken once by a deliberate bug in a part of the world, and
// once in a falsified copy of a clean run's history.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/seeds.h"

namespace mailhub::sim {
namespace {

using testing::HasSubstr;

// --- deliberate bugs

struct Misbehaviour {
  const char* name;
  Mutation mutation;
  const char* complaint;
  double delay = 0.05;  // of requests; more where only late requests can show it
};

class Misbehaving : public testing::TestWithParam<Misbehaviour> {};

// It may break other promises too; one seed must show this one.
TEST_P(Misbehaving, IsNoticed) {
  constexpr uint64_t kMostSeeds = 10000;
  for (uint64_t seed = 1; seed <= kMostSeeds; ++seed) {
    SimOptions options;
    options.seed = seed;
    options.faults = BadWeather();
    options.faults.crash = options.faults.depose = 0.01;
    options.faults.delay = GetParam().delay;
    options.made_up = seed % 2 == 0;
    options.mutation = GetParam().mutation;
    options.complaint = GetParam().complaint;
    if (Simulation(options).RunAll()) return;
  }
  FAIL() << "nobody noticed";
}

INSTANTIATE_TEST_SUITE_P(
    Invariants, Misbehaving,
    testing::Values(
        Misbehaviour{"ARunnerThatBeginsWhatWasPassedOver", Mutation::kRunnerIgnoresVoid,
                     "was passed over", 0.3},
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
        Misbehaviour{"AHostThatArmsWhatWasTakenAway", Mutation::kHostArmsLate,
                     "its run knows nothing", 0.3},
        Misbehaviour{"AnAdapterThatMisreadsExitStatuses", Mutation::kAdapterMisreadsExit,
                     "nobody expects: step_failed"},
        Misbehaviour{"AGateThatBelievesOldSamples", Mutation::kGateBelievesOldSamples,
                     "evidence from before"},
        Misbehaviour{"AnActuatorThatActsBeforeItsCommit", Mutation::kActsBeforeCommit,
                     "before its intent"},
        Misbehaviour{"AnActuatorThatAnswersBeforeItsCommit", Mutation::kAnswersBeforeCommit,
                     "not decided"},
        Misbehaviour{"ATrialOfEachAlertAlone", Mutation::kTriesOneByOne, "was said wrongly"},
        Misbehaviour{"AnActuatorThatForgetsItsMode", Mutation::kForgetsMode, "halted"},
        Misbehaviour{"APlanWithoutLocks", Mutation::kPlanWithoutLocks, "held twice"},
        Misbehaviour{"APlanWithoutAlways", Mutation::kPlanWithoutAlways, "owes"},
        Misbehaviour{"APlanWithoutDeadMan", Mutation::kPlanWithoutDeadMan, "without its dead man"},
        Misbehaviour{"APlanThatRepeatsWhatIsUnknown", Mutation::kRetriesWhatIsUnknown,
                     "again without a reason"},
        Misbehaviour{"ARunnerThatRefusesTheGuardedStepAlone", Mutation::kRunnerIgnoresRestored,
                     "began after the dead man", 0.3},
        Misbehaviour{"ARunnerThatIsPatient", Mutation::kRunnerIsPatient, "had run out", 0.3},
        Misbehaviour{"AnActuatorThatActsLate", Mutation::kActsLate, "had run out"},
        Misbehaviour{"APlanWithoutTimeouts", Mutation::kPlanWithoutTimeouts,
                     "neither moved nor held"},
        Misbehaviour{"AClientThatNamesWhatIsTrueNow", Mutation::kVerbsActOnWhatIsNow,
                     "its person saw"},
        Misbehaviour{"MetricsThatSilenceHeldRuns", Mutation::kSilencesHeldRuns, "and alerts about"},
        Misbehaviour{"ACalendarThatForgetsBlackouts", Mutation::kCalendarForgetsBlackouts,
                     "started at an unsuitable time"},
        Misbehaviour{"ACalendarThatForgetsDurations", Mutation::kCalendarForgetsDurations,
                     "started at an unsuitable time"},
        Misbehaviour{"AnApiThatTakesClaimsForLogins", Mutation::kClaimsCountAsLogins,
                     "and may not"},
        Misbehaviour{"APlanWithoutQuestionTimeouts", Mutation::kPlanWithoutQuestionTimeouts,
                     "longer than its time-out"},
        Misbehaviour{"ATriggerThatTriesForEver", Mutation::kTriesForEver,
                     "more runs than its trigger allows"},
        Misbehaviour{"AJournalThatBeginsAnew", Mutation::kJournalBeginsAnew, "have a gap"},
        Misbehaviour{"AJournalThatTakesAnOlderCopy", Mutation::kJournalTakesOldCopy, "have a gap"}),
    [](const auto& test) { return test.param.name; });

// --- a falsified history

class Doctored : public testing::Test {
 protected:
  Doctored() {
    SimOptions options;
    options.safe_ms = 120'000;
    Simulation simulation(options);
    EXPECT_FALSE(simulation.RunAll());
    history_ = simulation.history();
    playbook_ = simulation.playbook();
    EXPECT_EQ(Complaint(), "");
  }
  std::string Complaint() const {
    Invariants invariants(playbook_);
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
  // Inserts an event into the journal after `at`.
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

  // The first step that a dead man guards, while its lease is armed.
  std::string GuardedPath() {
    const auto armed = FirstRecorded<engine::DeadManArmed>();
    return std::get<engine::DeadManArmed>(std::get<Recorded>(armed->what).event.body).path;
  }

  History history_;
  std::shared_ptr<const Playbook> playbook_;
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

TEST_F(Doctored, NoticeAnAlertThatIsAnsweredAfterItsEnd) {
  const auto decided = FirstRecorded<engine::AlertDecided>();
  auto body = std::get<engine::AlertDecided>(std::get<Recorded>(decided->what).event.body);
  ASSERT_EQ(body.decision, engine::Decision::kStartedRun);
  body.firing = false;
  body.notification = "n0";
  body.decision = engine::Decision::kResolved;
  Observation end = *decided;
  std::get<Recorded>(end.what).event.body = body;
  history_.insert(decided, end);
  NumberAnew();
  EXPECT_THAT(Complaint(), HasSubstr("its end had been told before"));
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

TEST_F(Doctored, NoticeAStepThatBeginsWhileAnotherIsUnderWay) {
  const auto started = FirstRecorded<engine::StepStarted>();
  auto body = std::get<engine::StepStarted>(std::get<Recorded>(started->what).event.body);
  body.path = "4";
  Record(started, body);
  EXPECT_THAT(Complaint(), HasSubstr("was under way"));
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
  const auto stopped = std::find_if(history_.begin(), history_.end(), [](const auto& one) {
    const auto* service = std::get_if<ServiceChanged>(&one.what);
    return service != nullptr && !service->up;
  });
  const auto& service = std::get<ServiceChanged>(stopped->what);
  const std::string lease = service.key.substr(0, service.key.rfind('/'));
  const std::string expected = "nothing guards " + service.name + " on " + service.host;
  history_.insert(stopped + 1, {stopped->at_ms, LeaseChanged{service.host, lease, false}});
  EXPECT_THAT(Complaint(), HasSubstr(expected));
}

TEST_F(Doctored, NoticeAServiceLeftStopped) {
  const auto finished = FirstRecorded<engine::RunFinished>();
  const auto stopped = std::find_if(history_.begin(), history_.end(), [](const auto& one) {
    const auto* service = std::get_if<ServiceChanged>(&one.what);
    return service != nullptr && !service->up;
  });
  history_.insert(finished + 1, {finished->at_ms, stopped->what});
  EXPECT_THAT(Complaint(), HasSubstr("nobody brought back; its run is finished"));
}

TEST_F(Doctored, NoticeADeedAfterADeadManHasActed) {
  const auto armed = FirstRecorded<engine::DeadManArmed>();
  const auto& event = std::get<Recorded>(armed->what).event;
  const std::string host = std::get<engine::DeadManArmed>(event.body).host;
  const std::string lease = event.run + '/' + GuardedPath();
  const int64_t at_ms = armed->at_ms;
  const auto after = armed - history_.begin() + 1;
  std::erase_if(history_, [&](const Observation& one) {
    const auto* changed = std::get_if<LeaseChanged>(&one.what);
    return changed != nullptr && changed->key == lease;
  });
  const std::vector<Observation> acted = {{at_ms, LeaseChanged{host, lease, true, INT64_MAX}},
                                          {at_ms, DeedBegan{host, lease, "start", true, {}}}};
  history_.insert(history_.begin() + after, acted.begin(), acted.end());
  EXPECT_THAT(Complaint(), HasSubstr("began after the dead man of " + GuardedPath()));
}

TEST_F(Doctored, NoticeADeedThatBeginsWhenItsLeaseHasRunOut) {
  const std::string path = GuardedPath();
  for (Observation& one : history_) {
    auto* changed = std::get_if<LeaseChanged>(&one.what);
    if (changed != nullptr && changed->key.ends_with('/' + path)) changed->expires_ms = 0;
  }
  EXPECT_THAT(Complaint(), HasSubstr("began when the lease of " + path + " had run out"));
}

TEST_F(Doctored, NoticeADeadManThatNoHoldTellsOf) {
  const std::string path = GuardedPath();
  Record(FirstRecorded<engine::DeadManArmed>(), engine::DeadManRestored{path, ""});
  EXPECT_THAT(Complaint(), HasSubstr("the dead man of " + path + " acted, and no hold says so"));
}

TEST_F(Doctored, NoticeAVerbAboutSomethingElse) {
  const auto begun = FirstRecorded<engine::StepStarted>();
  const std::string run = std::get<Recorded>(begun->what).event.run;
  const Observation seen = {begun->at_ms,
                            Asked{"person1#1", run, engine::Verb::kConfirm, {}, "77", 1, false}};
  Record(begun, engine::OperatorActed{engine::Verb::kConfirm, "1.1", "person1#1", ""});
  history_.insert(FirstRecorded<engine::StepStarted>(), seen);
  EXPECT_THAT(Complaint(), HasSubstr("its person saw the question of 77"));
}

TEST_F(Doctored, NoticeAVerbThatAnswersAnUnseenHold) {
  for (const auto verb : {engine::Verb::kSkip, engine::Verb::kResume}) {
    const History before = history_;
    const auto begun = FirstRecorded<engine::StepStarted>();
    const std::string run = std::get<Recorded>(begun->what).event.run;
    const Observation seen = {begun->at_ms, Asked{"person1#1", run, verb, {1}, "1", 1, false}};
    Record(begun, engine::OperatorActed{verb, "1.1", "person1#1", ""});
    history_.insert(FirstRecorded<engine::StepStarted>(), seen);
    Record(FirstRecorded<engine::StepStarted>(),
           engine::RunHeld{"1.1", engine::HoldReason::kRefused, ""});
    history_.insert(history_.begin(), {0, KeyChanged{"x500", true}});  // the reason of the hold
    EXPECT_THAT(Complaint(),
                HasSubstr(verb == engine::Verb::kSkip ? "saw another hold" : "did not see"));
    history_ = before;
  }
}

TEST_F(Doctored, NoticeARunWithoutProgress) {
  const auto begun = FirstRecorded<engine::StepStarted>();
  history_.insert(begun + 1, {begun->at_ms + 86'400'000, Happened{"nothing"}});
  EXPECT_THAT(Complaint(), HasSubstr("neither moved nor held"));
}

TEST_F(Doctored, NoticeAlertsThatAreSilencedByARunThatDoesNotAct) {
  const auto begun = FirstRecorded<engine::RunStarted>();
  history_.insert(begun, {begun->at_ms, Looked{{{"x500", "mailhub-rebuild"}}, {}}});
  EXPECT_THAT(Complaint(), HasSubstr("it is not under way, and alerts about x500 are silenced"));
}

TEST_F(Doctored, NoticeAnEstimateThatCountsWaiting) {
  const std::string run = std::get<Recorded>(FirstRecorded<engine::RunFinished>()->what).event.run;
  history_.insert(history_.end() - 1,
                  {history_.back().at_ms, Looked{{}, {{run, int64_t{360'000'000}}}}});
  EXPECT_THAT(Complaint(), HasSubstr("longer than any worked"));
}

TEST_F(Doctored, NoticeAGateThatIsCalledShutAtOnce) {
  const auto* rebuild =
      &std::get<engine::RunQueued>(
           std::get<Recorded>(FirstRecorded<engine::RunQueued>()->what).event.body)
           .plan;
  const auto gate =
      std::find_if(rebuild->steps.begin(), rebuild->steps.end(),
                   [](const auto& step) { return step.gate && step.gate->window.count() > 0; });
  const std::string path = gate->path;                      // its owner moves with the next line
  history_.insert(history_.begin(), {0, ClockStepped{1}});  // so that it can have taken long enough
  const auto begun = std::find_if(history_.begin(), history_.end(), [&](const auto& one) {
    const auto* recorded = std::get_if<Recorded>(&one.what);
    const auto* started =
        recorded == nullptr ? nullptr : std::get_if<engine::StepStarted>(&recorded->event.body);
    return started != nullptr && started->path == path;
  });
  Record(begun, engine::RunHeld{path, engine::HoldReason::kGateShut, ""});
  EXPECT_THAT(Complaint(), HasSubstr("was called shut after a look of"));
}

TEST_F(Doctored, NoticeAnAlertWithoutAnAnswer) {
  const auto decided = FirstRecorded<engine::AlertDecided>();
  auto body = std::get<engine::AlertDecided>(std::get<Recorded>(decided->what).event.body);
  body.fingerprint = "another";
  body.decision = engine::Decision::kJoined;
  body.run = "nobody's";
  Record(decided, body);
  EXPECT_THAT(Complaint(), HasSubstr("no run answers for it"));
}

TEST_F(Doctored, NoticeAnAlertThatLeansOnARunThatDidNothingForIt) {
  const auto finished = FirstRecorded<engine::RunFinished>();
  const auto decided = FirstRecorded<engine::AlertDecided>();
  auto body = std::get<engine::AlertDecided>(std::get<Recorded>(decided->what).event.body);
  body.fingerprint = "another";
  body.decision = engine::Decision::kRepeat;
  body.run = std::get<Recorded>(finished->what).event.run;
  Record(finished, body);
  EXPECT_THAT(Complaint(), HasSubstr("has done nothing for it"));
}

TEST_F(Doctored, NoticeARunThatHadFailedAndIsDoneOnceMore) {
  const auto decided = FirstRecorded<engine::AlertDecided>();
  auto body = std::get<engine::AlertDecided>(std::get<Recorded>(decided->what).event.body);
  body.fingerprint = "another";
  body.notification = "";
  auto again = body;
  body.decision = engine::Decision::kJoined;
  Record(decided, body);
  const auto finished = FirstRecorded<engine::RunFinished>();
  std::get<Recorded>(finished->what).event.body =
      engine::RunFinished{engine::RunResult::kFailed, ""};
  Record(finished, again);
  EXPECT_THAT(Complaint(), HasSubstr("once more for an alert that had joined it"));
}

TEST_F(Doctored, NoticeAnAlertThatIsForgottenWithTheRunThatItHadJoined) {
  const auto decided = FirstRecorded<engine::AlertDecided>();
  auto body = std::get<engine::AlertDecided>(std::get<Recorded>(decided->what).event.body);
  body.fingerprint = "another";
  body.notification = "sent again";
  Record(decided, body);
  Record(FirstRecorded<engine::AlertDecided>(), engine::RunDropped{"no longer true"});
  body.notification = "";
  body.decision = engine::Decision::kJoined;
  Record(FirstRecorded<engine::AlertDecided>(), body);
  EXPECT_THAT(Complaint(), HasSubstr("was heard only when it was sent again"));
}

TEST_F(Doctored, NoticeACooldownThatAWrongClockBegan) {
  const auto finished = FirstRecorded<engine::RunFinished>();
  const auto decided = FirstRecorded<engine::AlertDecided>();
  auto body = std::get<engine::AlertDecided>(std::get<Recorded>(decided->what).event.body);
  body.fingerprint = "another";
  body.decision = engine::Decision::kCooldown;
  Record(finished, body);
  for (auto one = FirstRecorded<engine::RunFinished>() + 1; one != history_.end(); ++one) {
    one->at_ms += 1000;
    if (auto* recorded = std::get_if<Recorded>(&one->what)) recorded->event.at -= Seconds(1);
  }
  EXPECT_THAT(Complaint(), HasSubstr("a cooldown of 0 s after"));
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
