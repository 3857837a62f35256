// `alert test` and `run plan --live`.
#include <filesystem>

#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

engine::AlertTrial Started() {
  engine::AlertTrial trial;
  trial.decided.alertname = "Leak";
  trial.decided.decision = engine::Decision::kStartedRun;
  trial.decided.detail = "started restart";
  trial.decided.trigger = "restart";
  trial.new_run = true;
  trial.parameters = std::map<std::string, std::string>{{"on", "x500"}};
  trial.only_if = "mailhub_up == 1";
  trial.passed = {{"first", {.label = "severity", .value = "page"}, "note"}};
  return trial;
}

TEST_F(MailhubctlTest, TestsAnAlertThatItMakesUp) {
  backend_.TryWith(std::vector<engine::AlertTrial>{Started()});
  const Outcome tested = CtlWithToken("alert test Leak instance=x500");
  EXPECT_EQ(tested.status, 0) << tested.out;
  EXPECT_THAT(tested.out, HasSubstr("started_run"));
  EXPECT_THAT(tested.out,
              HasSubstr("first: severity=\"page\" does not match, the alert has \"note\""));
  EXPECT_THAT(tested.out, HasSubstr("parameters: on=x500"));
  EXPECT_THAT(tested.out, HasSubstr("only_if mailhub_up == 1: holds now"));
  EXPECT_THAT(tested.out, HasSubstr("Nothing was changed."));
  ASSERT_EQ(backend_.Tried().size(), 1U);
  const engine::Alert& alert = backend_.Tried()[0].alerts.at(0);
  EXPECT_EQ(alert.labels.at("alertname"), "Leak");
  EXPECT_EQ(alert.labels.at("instance"), "x500");
  EXPECT_TRUE(alert.firing);

  backend_.HoldsIs(Fail(ErrorKind::kUnreachable, "connection refused"));
  EXPECT_THAT(CtlWithToken("alert test Leak").out, HasSubstr("not known whether it holds now"));
  EXPECT_THAT(CtlWithToken("alert test Leak --output json").out, HasSubstr("\"holds\": null"));
  EXPECT_EQ(CtlWithToken("alert test Leak --resolved").status, 0);
  EXPECT_FALSE(backend_.Tried().back().alerts.at(0).firing);
}

TEST_F(MailhubctlTest, GivesAMadeUpAlertTheFingerprintOfTheRealOne) {
  // As Alertmanager 0.25 answers for an alert with these labels.
  CtlWithToken(
      "alert test DirectoryMemoryHigh instance=x500 job=mailhub process=eddy "
      "runbook=directory-restart severity=warning site=example");
  ASSERT_EQ(backend_.Tried().size(), 1U);
  EXPECT_EQ(backend_.Tried()[0].alerts.at(0).fingerprint, "72a3b09f23e87539");
}

TEST_F(MailhubctlTest, TestsTheAlertsOfAFile) {
  const std::string file = MAILHUB_SOURCE_DIR "/actuator/webhook/testdata/alertmanager-0.26.json";
  EXPECT_EQ(CtlWithToken("alert test " + file).status, 0);
  EXPECT_EQ(CtlWithToken("alert test - <" + file).status, 0);
  ASSERT_EQ(backend_.Tried().size(), 2U);
  for (const engine::Notification& tried : backend_.Tried()) {
    EXPECT_EQ(tried.alerts.at(0).fingerprint, "056d0827869137ca");
  }
  const Outcome both = CtlWithToken("alert test " + file + " severity=page");
  EXPECT_EQ(both.status, 1);
  EXPECT_THAT(both.out, HasSubstr("is taken for a file"));
  EXPECT_THAT(CtlWithToken("alert test ./none.json").out, HasSubstr("none.json"));
  const Outcome denied = Ctl("alert test Leak");
  EXPECT_EQ(denied.status, 1);
  EXPECT_THAT(denied.out, HasSubstr("--token-file"));
}

engine::LivePlan Live() {
  engine::LivePlan live;
  live.plan = api::testing::RebuildPlan();
  engine::LiveGate gate;
  gate.path = "3";
  gate.step = "Wait";
  gate.gate.expr = "mailhub_x >= 0.9";
  gate.reading = engine::GateReading{engine::GateState::kFalse, 0.72, 0.9, ">=", ""};
  live.gates = {gate};
  live.hosts = {{"x500", {{engine::HostQuestion::kReachable, engine::Known::kYes, ""}}}};
  live.locks = {{"directory", "0123456789abcdef", "other", engine::RunState::kRunning}};
  live.cooldowns = {{"restart", "0123456789abcdef", Milliseconds(90'000)}};
  live.start.now = true;
  return live;
}

TEST_F(MailhubctlTest, ShowsAPlanWithWhatItMeetsNow) {
  backend_.CheckWith(Live());
  const Outcome well = CtlWithToken("run plan mailhub-rebuild target=mailhub2 --live");
  EXPECT_EQ(well.status, 0) << well.out;
  EXPECT_THAT(well.out, HasSubstr("3  Wait: now 0.72, wants >= 0.9, false\n"));
  EXPECT_THAT(well.out, HasSubstr("x500: reachable yes\n"));
  EXPECT_THAT(well.out, HasSubstr("lock directory: run 0123456789ab (other) has it, running\n"));
  EXPECT_THAT(well.out, HasSubstr("trigger restart would wait for 1m30s more"));
  EXPECT_THAT(well.out, HasSubstr("Nothing is in the way now."));
  EXPECT_THAT(well.out, Not(HasSubstr("would open")));
  engine::LivePlan later = Live();
  later.start.now = false;
  later.start.why = "window «night» is closed";
  backend_.CheckWith(later);
  const Outcome waits = CtlWithToken("run plan mailhub-rebuild target=mailhub2 --live");
  EXPECT_EQ(waits.status, 0) << waits.out;
  EXPECT_THAT(waits.out, HasSubstr("Nothing is in the way but that it would wait"));
}

TEST_F(MailhubctlTest, EndsWith1WhereThePlanHasObstaclesOrNotAllIsKnown) {
  engine::LivePlan live = Live();
  live.hosts[0].facts[0] = {engine::HostQuestion::kReachable, engine::Known::kNo, "x500: refused"};
  live.obstacles = {{"x500", "reachable: x500: refused", ""},
                    {"mode", "the mode is observe: no step begins", "mailhubctl mode set active"}};
  backend_.CheckWith(live);
  for (const char* format : {"", " --output json"}) {
    const Outcome blocked = CtlWithToken(std::string("run plan mailhub-rebuild --live") + format);
    EXPECT_EQ(blocked.status, 1);
    EXPECT_THAT(blocked.out, HasSubstr("2 obstacles, and 0 not known"));
  }
  EXPECT_THAT(CtlWithToken("run plan mailhub-rebuild --live").out,
              HasSubstr("no step begins. To do: mailhubctl mode set active"));
  live.obstacles.clear();
  live.unknowns = {{"step 3", "its condition is not known: not asked", ""}};
  backend_.CheckWith(live);
  EXPECT_EQ(CtlWithToken("run plan mailhub-rebuild --live").status, 1);
  EXPECT_EQ(CtlWithToken("run plan no-such --live").status, 1);
  EXPECT_EQ(Ctl("run plan mailhub-rebuild --live").status, 1) << "it needs the token";
  EXPECT_EQ(Ctl("run plan mailhub-rebuild").status, 0) << "without --live it needs none";
}

}  // namespace
}  // namespace mailhub::ctl
