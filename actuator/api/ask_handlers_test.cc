// Requests that ask what would happen: who may, what comes in, what is answered, one at a time.
#include <future>
#include <thread>

#include "actuator/api/testing_api.h"

namespace mailhub::api {
namespace {

using ::testing::IsEmpty;

constexpr const char* kAlerts =
    R"({"version":"4","truncatedAlerts":3,"alerts":[{"status":"firing",
        "labels":{"alertname":"Leak","instance":"x500"},"startsAt":"2024-03-01T00:00:00Z",
        "fingerprint":"00000000000000aa"}]})";

engine::AlertTrial Started() {
  engine::AlertTrial trial;
  trial.decided.alertname = "Leak";
  trial.decided.fingerprint = "00000000000000aa";
  trial.decided.decision = engine::Decision::kStartedRun;
  trial.decided.detail = "started restart";
  trial.decided.trigger = "restart";
  trial.decided.run = "new-1";
  trial.new_run = true;
  trial.parameters = std::map<std::string, std::string>{{"on", "x500"}};
  trial.only_if = "mailhub_up == 1";
  trial.passed = {{"first", {.label = "severity", .value = "page"}, std::nullopt}};
  return trial;
}

TEST_F(ApiTest, TellsWhatANotificationWouldDo) {
  backend_.TryWith(std::vector<engine::AlertTrial>{Started()});
  const Json data = Data(Post("/api/v1/alerts/test", kAlerts));
  EXPECT_EQ(data["leftOut"], 3);
  const Json& alert = data["alerts"].at(0);
  EXPECT_EQ(alert["decision"], "started_run");
  EXPECT_EQ(alert["trigger"], "restart");
  EXPECT_EQ(alert["newRun"], true);
  EXPECT_EQ(alert["run"], "") << "a run that is never queued has no id";
  EXPECT_EQ(alert["parameters"]["on"], "x500");
  EXPECT_EQ(alert["onlyIf"]["holds"], true);
  EXPECT_EQ(alert["passed"].at(0)["operator"], "=");
  EXPECT_TRUE(alert["passed"].at(0)["value"].is_null());
  ASSERT_EQ(backend_.Tried().size(), 1U);
  EXPECT_EQ(backend_.Tried()[0].alerts.at(0).labels.at("instance"), "x500");

  backend_.HoldsIs(Fail(ErrorKind::kUnreachable, "connection refused"));
  const Json unknown = Data(Post("/api/v1/alerts/test", kAlerts))["alerts"].at(0)["onlyIf"];
  EXPECT_TRUE(unknown["holds"].is_null()) << "not known is not false";
  EXPECT_EQ(unknown["why"], "connection refused");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
}

TEST_F(ApiTest, AsksOnlyForThoseWhoMayChange) {
  for (const char* path : {"/api/v1/alerts/test", "/api/v1/plan/check"}) {
    ExpectError(Post(path, kAlerts, ""), 401, "unauthorized", "");
    ExpectError(Post(path, kAlerts, "another-wrong-token"), 401, "unauthorized", "");
  }
  ExpectError(Post("/api/v1/alerts/test", kAlerts, "correct-horse-battery", "text/plain"), 400,
              "invalid", "application/json");
  EXPECT_THAT(backend_.Tried(), IsEmpty());
  EXPECT_EQ(backend_.Checks(), 0);
}

TEST_F(ApiTest, NamesWhatIsWrongWithATestedNotification) {
  ExpectError(Post("/api/v1/alerts/test", "{"), 400, "invalid", "not JSON");
  ExpectError(Post("/api/v1/alerts/test", R"({"version":"1","alerts":[]})"), 400, "invalid",
              "version");
  backend_.TryWith(Fail(ErrorKind::kOverloaded, "too many open episodes; send it again later"));
  ExpectError(Post("/api/v1/alerts/test", kAlerts), 503, "overloaded", "too many open episodes");
}

TEST_F(ApiTest, SaysWhatTheAskingPersonMayDo) {
  engine::AlertTrial trial = Started();
  engine::Step ask{.path = "2", .name = "Go on?", .kind = engine::StepKind::kConfirm};
  ask.approval = engine::Approval{.by = {}, .not_the_starter = true};
  trial.questions = {ask};
  trial.start = engine::StartView{.refused = "", .now = true, .begin = {}, .why = "", .needed = {}};
  backend_.TryWith(std::vector<engine::AlertTrial>{trial});
  const Json data = Data(Post("/api/v1/alerts/test", kAlerts));
  EXPECT_EQ(data["person"], Json::parse(R"({"name":"api","login":false,"mayStart":true})"));
  const Json& alert = data["alerts"].at(0);
  EXPECT_EQ(alert["start"]["now"], true);
  EXPECT_TRUE(alert["start"]["reservedSeconds"].is_null());
  ASSERT_EQ(alert["questions"].size(), 1U);
  EXPECT_EQ(alert["questions"][0]["may"], false) << "the name is only a claim";

  engine::LivePlan live;
  live.plan = testing::RebuildPlan();
  live.plan.steps = {ask};
  live.start.why = "paused";
  backend_.CheckWith(live);
  const Json plan =
      Data(Post("/api/v1/plan/check", R"({"runbook":"mailhub-rebuild","by":"anna"})"));
  EXPECT_EQ(plan["person"]["name"], "anna");
  EXPECT_EQ(plan["start"]["waitingFor"], "paused");
  EXPECT_EQ(plan["questions"][0]["whom"], "not anna, who started the run");
}

engine::LivePlan Live() {
  engine::LivePlan live;
  live.plan = testing::RebuildPlan();
  engine::LiveGate gate;
  gate.path = "3";
  gate.gate.expr = "mailhub_x >= 0.9";
  gate.reading = engine::GateReading{engine::GateState::kFalse, 0.72, 0.9, ">=", "x500 is busy"};
  live.gates = {gate};
  live.hosts = {{"x500", {{engine::HostQuestion::kFence, engine::Known::kNo, "obeys another"}}}};
  live.locks = {{"directory", "", "", engine::RunState::kQueued}};
  live.cooldowns = {{"restart", "0123", Milliseconds(90'000)}};
  live.obstacles = {{"x500", "fence: obeys another", ""}};
  return live;
}

TEST_F(ApiTest, ShowsAPlanWithLiveValues) {
  backend_.CheckWith(Live());
  const Json data = Data(Post(
      "/api/v1/plan/check", R"({"runbook":"mailhub-rebuild","parameters":{"target":"mailhub2"}})"));
  EXPECT_EQ(data["plan"]["runbook"], "mailhub-rebuild");
  EXPECT_EQ(data["gates"].at(0)["state"], "false");
  EXPECT_EQ(data["gates"].at(0)["value"], 0.72);
  EXPECT_EQ(data["hosts"].at(0)["facts"].at(0)["about"], "fence");
  EXPECT_EQ(data["hosts"].at(0)["facts"].at(0)["known"], "no");
  EXPECT_EQ(data["locks"].at(0)["state"], "free");
  EXPECT_EQ(data["cooldowns"].at(0)["leftSeconds"], 90);
  EXPECT_EQ(data["obstacles"].at(0)["what"], "fence: obeys another");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
  ExpectError(Post("/api/v1/plan/check", "{}"), 400, "invalid", "runbook: missing");
  ExpectError(Post("/api/v1/plan/check", R"({"runbook":"x"})"), 404, "not_found", "no runbook");
}

TEST_F(ApiTest, LooksAtOnePlanAtATime) {
  const char* body = R"({"runbook":"mailhub-rebuild"})";
  backend_.BlockChecks(true);
  auto first = std::async(std::launch::async, [&] { return Post("/api/v1/plan/check", body); });
  while (backend_.Checks() == 0) std::this_thread::yield();
  ExpectError(Post("/api/v1/plan/check", body), 503, "overloaded", "is under way");
  backend_.BlockChecks(false);
  EXPECT_EQ(first.get().status, 200);
  EXPECT_EQ(Post("/api/v1/plan/check", body).status, 200);
}

}  // namespace
}  // namespace mailhub::api
