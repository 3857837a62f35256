// Questions to people: who may answer, and for how long they are asked.
#include <gmock/gmock.h>

#include "actuator/engine/testing_script.h"

namespace mailhub::engine {
namespace {

using testing::HasSubstr;

// One question; then a step. `steps` before it are none.
class Confirm : public Script {
 protected:
  Confirm() {
    plan_.steps.clear();
    plan_.steps.push_back({.path = "1", .name = "Now?", .kind = StepKind::kConfirm});
    AddStep("2", "work", "x500");
  }
  Approval& Approve() {
    if (!StepAt("1").approval) StepAt("1").approval = Approval();
    return *StepAt("1").approval;
  }
  void BeginBy(const std::string& name, bool login) {
    Boot();
    Command start;
    start.verb = Verb::kStart;
    start.by = name;
    start.login = login;
    start.runbook = "restart";
    ASSERT_TRUE(Tell(start));
  }
  Result<std::string> Answer(Verb verb, const std::string& by, bool login = true,
                             const Roles& roles = {Role::kOperator, Role::kApprover}) {
    Command command;
    command.verb = verb;
    command.run = "run-id";
    command.by = by;
    command.login = login;
    command.roles = roles;
    command.step = verb == Verb::kConfirm ? "1" : "";
    command.attempt = verb == Verb::kConfirm ? Look().steps[0].attempt : 0;
    command.hold = verb == Verb::kConfirm ? 0 : 1;
    command.detail = "because";
    return Tell(command);
  }
  std::string WhyNot(const Result<std::string>& answer) {
    return answer ? "accepted" : answer.error().message;
  }
  // The notification came under this login, or with the token.
  void BeginByAlert(const std::string& by) {
    Trigger trigger;
    trigger.name = "leak";
    trigger.matchers = {{.label = "alertname", .value = "Leak"}};
    trigger.runbook = "restart";
    config_.triggers = {trigger};
    Boot();
    Alert alert;
    alert.fingerprint = "a";
    alert.labels["alertname"] = "Leak";
    Hear(alert, by);
  }
  bool Worked() const { return Times("work") == 1; }
};

TEST_F(Confirm, OnlyThoseWhoAreNamedMayAnswer) {
  Approve().by = {"alice", "bob"};
  BeginBy("ann", true);
  EXPECT_EQ(Look().asks_whom, "alice, bob");
  EXPECT_EQ(WhyNot(Answer(Verb::kConfirm, "ann")),
            "ann may not answer this question; who may: alice, bob");
  EXPECT_FALSE(Worked());
  EXPECT_TRUE(Answer(Verb::kConfirm, "bob"));
  EXPECT_TRUE(Worked());
}

TEST_F(Confirm, ARoleMayBeNamedToo) {
  Approve().by = {"operator"};
  BeginBy("ann", true);
  EXPECT_THAT(WhyNot(Answer(Verb::kConfirm, "carl", true, {Role::kApprover})),
              HasSubstr("may not answer this question; who may: operator"));
  EXPECT_THAT(WhyNot(Answer(Verb::kConfirm, "operator", true, {Role::kApprover})),
              HasSubstr("may not answer"))
      << "a login of that name has not that role";
  EXPECT_TRUE(Answer(Verb::kConfirm, "ann"));
}

TEST_F(Confirm, EveryQuestionNeedsTheRoleApprover) {
  BeginBy("ann", false);
  EXPECT_EQ(WhyNot(Answer(Verb::kConfirm, "ann", false, {Role::kOperator})),
            "ann may not confirm: that needs the role approver");
  EXPECT_TRUE(Answer(Verb::kConfirm, "ann", false)) << "anybody may answer a plain question";
}

TEST_F(Confirm, ANameWithoutALoginIsOnlyAClaim) {
  Approve().by = {"alice"};
  BeginBy("ann", true);
  EXPECT_THAT(WhyNot(Answer(Verb::kConfirm, "alice", false)),
              HasSubstr("the name alice is only a claim: whoever answers must log in"));
}

TEST_F(Confirm, TheStarterMayBeExcluded) {
  Approve().not_the_starter = true;
  BeginBy("ann", true);
  EXPECT_EQ(Look().asks_whom, "not ann, who started the run");
  EXPECT_EQ(WhyNot(Answer(Verb::kConfirm, "ann")),
            "ann started the run, so somebody else must answer this question");
  EXPECT_TRUE(Answer(Verb::kConfirm, "bob"));
}

TEST_F(Confirm, WhoeverSentTheAlertUnderALoginIsTheStarter) {
  Approve().not_the_starter = true;
  BeginByAlert("ann");
  EXPECT_EQ(Look().by, "ann");
  EXPECT_EQ(WhyNot(Answer(Verb::kConfirm, "ann")),
            "ann started the run, so somebody else must answer this question");
  EXPECT_TRUE(Answer(Verb::kConfirm, "bob"));
}

TEST_F(Confirm, EverybodyMayAnswerForAnAlertThatCameWithTheToken) {
  Approve().not_the_starter = true;
  BeginByAlert("");
  EXPECT_EQ(Look().by, "alertmanager");
  EXPECT_EQ(WhyNot(Answer(Verb::kConfirm, "ann")), "accepted");
}

TEST_F(Confirm, NobodyIsKnownNotToBeAStarterWhoOnlyClaimedAName) {
  Approve().not_the_starter = true;
  BeginBy("ann", false);
  EXPECT_THAT(WhyNot(Answer(Verb::kConfirm, "bob")),
              HasSubstr("nobody knows who that was: ann is only a claim"));
}

TEST_F(Confirm, AHoldAtAQuestionDoesNotLetOthersPassItOver) {
  Approve().by = {"alice"};
  Approve().timeout = Seconds(60);
  BeginBy("ann", true);
  Pass(Seconds(61));
  ASSERT_EQ(Reasons(), std::vector{HoldReason::kNotConfirmed});
  EXPECT_THAT(WhyNot(Answer(Verb::kSkip, "ann")), HasSubstr("who may: alice"));
  EXPECT_THAT(WhyNot(Answer(Verb::kResolve, "ann")), HasSubstr("who may: alice"));
  EXPECT_FALSE(Worked());
  EXPECT_TRUE(Answer(Verb::kResolve, "alice"));
  EXPECT_TRUE(Worked());
}

TEST_F(Confirm, AQuestionWithoutATimeOutWaitsForEver) {
  Approve().by = {"alice"};
  BeginBy("ann", true);
  Pass(std::chrono::hours(100));
  EXPECT_EQ(Look().asks, "Now?");
  EXPECT_EQ(Look().asks_until, std::nullopt);
}

TEST_F(Confirm, AfterItsTimeOutTheRunHoldsOrIsAborted) {
  Approve().timeout = Seconds(60);
  BeginBy("ann", true);
  EXPECT_EQ(Look().asks_until, Now().wall + Seconds(60));
  Pass(Seconds(59));
  EXPECT_EQ(Look().asks, "Now?");
  Pass(Seconds(2));
  EXPECT_EQ(Reasons(), std::vector{HoldReason::kNotConfirmed});
  EXPECT_EQ(Look().holds[0].detail, "nobody has answered within 1m");

  StepAt("1").on_failure = OnFailure::kAbort;
  next_id_ = "run-two";
  Boot();
  BeginBy("ann", true);
  Pass(Seconds(61));
  EXPECT_EQ(Look().result, RunResult::kFailed);
  EXPECT_EQ(Look().result_detail, "Now?: nobody has answered within 1m");
}

TEST_F(Confirm, ARetryAsksAgainAndAResumeWaitsOn) {
  Approve().timeout = Seconds(60);
  BeginBy("ann", true);
  Pass(Seconds(61));
  ASSERT_TRUE(Say(Verb::kResume, 1));
  EXPECT_EQ(Look().steps[0].attempt, 1);
  Pass(Seconds(59));
  EXPECT_EQ(Look().asks, "Now?");
  Pass(Seconds(2));
  ASSERT_EQ(Reasons(), std::vector{HoldReason::kNotConfirmed});
  ASSERT_TRUE(Say(Verb::kRetry, 2));
  EXPECT_EQ(Look().steps[0].attempt, 2);
  Pass(Seconds(59));
  EXPECT_TRUE(Answer(Verb::kConfirm, "ann"));
  EXPECT_TRUE(Worked());
}

TEST_F(Confirm, TimeInWhichTheProgramIsStoppedDoesNotCount) {
  Approve().timeout = Seconds(60);
  BeginBy("ann", true);
  Pass(Seconds(30));
  Sleep(std::chrono::hours(3));
  Pass(Seconds(20));
  EXPECT_EQ(Look().asks, "Now?");
}

}  // namespace
}  // namespace mailhub::engine
