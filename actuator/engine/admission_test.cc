#include "actuator/engine/admission.h"

#include "actuator/engine/testing_machine.h"

namespace mailhub::engine {
namespace {

class AdmissionTest : public Machine {
 protected:
  QueryDone Reading(Result<bool> holds) {
    const std::vector<Effect> asked = Asked();
    EXPECT_EQ(asked.size(), 1U) << "Prometheus is asked";
    return {asked.empty() ? 0 : asked[0].id, {std::move(holds)}};
  }
  Admission admission_{&context_, &run_};
};

TEST_F(AdmissionTest, StartsARunWithoutObstacles) {
  Queue();
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kActive);
}

TEST_F(AdmissionTest, WaitsForTheModeAPauseAndALock) {
  Queue();
  mode_.mode = Mode::kObserve;
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kQueued);
  EXPECT_EQ(admission_.WaitingFor(), "the mode is observe: no run starts and no step begins");

  mode_.mode = Mode::kActive;
  Emit(OperatorActed{Verb::kPause, "", "ann", "", kNoHold});
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kQueued);
  EXPECT_EQ(admission_.WaitingFor(), "paused by ann");

  Emit(OperatorActed{Verb::kResume, "", "ann", "", kNoHold});
  engine::Run other = run_;
  other.id = "another-run-1";
  blocked_by_ = &other;
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kQueued);
  EXPECT_EQ(admission_.WaitingFor(), "run another-run- (restart) has a lock that this run needs");

  blocked_by_ = nullptr;
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kActive);
}

TEST_F(AdmissionTest, StartsARunThatIsStillNeeded) {
  Queue("x == 1");
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kQueued);
  EXPECT_TRUE(admission_.Hear(Reading(true)));
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kActive);
}

TEST_F(AdmissionTest, DropsARunWhoseOnlyIfIsNoLongerTrue) {
  Queue("x == 1");
  admission_.Work();
  admission_.Hear(Reading(false));
  EXPECT_EQ(run_.result, RunResult::kDropped);
  EXPECT_EQ(run_.result_detail, "no longer true: x == 1");
}

TEST_F(AdmissionTest, AFailedQueryIsNotTakenForNoLongerTrue) {
  Queue("x == 1");
  const Result<bool> unreachable = Fail(ErrorKind::kUnreachable, "no route");
  for (Milliseconds waited{0}; waited < config_.patience; waited += config_.remote_retry) {
    admission_.Work();
    admission_.Hear(Reading(unreachable));
    ASSERT_EQ(run_.stage, Stage::kQueued);
    Pass(config_.remote_retry);
  }
  admission_.Work();
  admission_.Hear(Reading(unreachable));
  EXPECT_EQ(run_.result, RunResult::kDropped) << "ten minutes without an answer";
  EXPECT_EQ(run_.result_detail, "not known whether it is still needed, for 10m: no route");
}

TEST_F(AdmissionTest, DropsAtOnceARunWhoseQueryPrometheusRefuses) {
  Queue("x ==");
  admission_.Work();
  admission_.Hear(Reading(Fail(ErrorKind::kInvalid, "parse error")));
  EXPECT_EQ(run_.result_detail, "only_if cannot be asked: parse error");
}

TEST_F(AdmissionTest, AsksAgainAfterItsTurnHasPassed) {
  Queue("x == 1");
  admission_.Work();
  admission_.Hear(Reading(true));
  blocked_by_ = &run_;
  admission_.Work();
  blocked_by_ = nullptr;
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kQueued) << "what was true then need not be true now";
  admission_.Hear(Reading(true));
  admission_.Work();
  EXPECT_EQ(run_.stage, Stage::kActive);
}

TEST_F(AdmissionTest, AnAnswerThatComesAfterItsTurnCountsForNothing) {
  Queue("x == 1");
  admission_.Work();
  const QueryDone answer = Reading(false);
  blocked_by_ = &run_;
  admission_.Hear(answer);
  EXPECT_EQ(run_.stage, Stage::kQueued);
}

}  // namespace
}  // namespace mailhub::engine
