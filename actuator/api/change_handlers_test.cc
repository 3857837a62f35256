// Changes: verbs with what their person saw, tokens, bodies.
#include "actuator/api/change_handlers.h"

#include "actuator/api/guard.h"
#include "actuator/api/testing_api.h"

namespace mailhub::api {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(ApiTest, StartsARunWithParametersReasonAndName) {
  const auto response =
      Post("/api/v1/runs", R"({"runbook":"mailhub-rebuild","parameters":{"target":"mailhub2"},)"
                           R"("reason":"monthly","by":"anna"})");
  EXPECT_EQ(Data(response)["run"], "0123456789abcdef0123456789abcdef");
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].verb, engine::Verb::kStart);
  EXPECT_EQ(commands[0].runbook, "mailhub-rebuild");
  EXPECT_EQ(commands[0].parameters.at("target"), "mailhub2");
  EXPECT_EQ(commands[0].detail, "monthly");
  EXPECT_EQ(commands[0].by, "anna");
}

TEST_F(ApiTest, PassesEachVerbOnWithWhatThePersonSaw) {
  const std::pair<const char*, const char*> requests[] = {
      {"pause", "{}"},
      {"resume", R"({"hold":2})"},
      {"confirm", R"({"step":"3","attempt":2})"},
      {"cancel", R"({"reason":"enough"})"},
      {"retry", R"({"hold":1})"},
      {"skip", R"({"hold":1,"reason":"r"})"},
      {"resolve", R"({"hold":7,"reason":"because"})"}};
  for (const auto& [verb, body] : requests)
    Data(Post(std::string("/api/v1/runs/3f2a91/") + verb, body));
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 7U);
  EXPECT_EQ(commands[0].verb, engine::Verb::kPause);
  EXPECT_EQ(commands[1].hold, 2);
  EXPECT_EQ(commands[2].step, "3");
  EXPECT_EQ(commands[2].attempt, 2);
  EXPECT_EQ(commands[4].hold, 1);
  EXPECT_EQ(commands[6].verb, engine::Verb::kResolve);
  EXPECT_EQ(commands[6].hold, 7);
  EXPECT_EQ(commands[6].run, "3f2a91");
  EXPECT_EQ(commands[6].detail, "because");
  EXPECT_EQ(commands[6].by, "api");
}

TEST_F(ApiTest, RefusesAVerbThatDoesNotSayWhatItAnswers) {
  ExpectError(Post("/api/v1/runs/3f2a91/confirm", "{}"), 400, "invalid", "step: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/confirm", R"({"step":"3"})"), 400, "invalid",
              "attempt: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/retry", "{}"), 400, "invalid", "hold: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/skip", R"({"reason":"r"})"), 400, "invalid",
              "hold: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/resolve", R"({"reason":"r"})"), 400, "invalid",
              "hold: missing");
  for (const char* number : {"0", "-1", "1.5", "\"1\"", "true", "4294967297", "null"}) {
    ExpectError(Post("/api/v1/runs/3f2a91/retry", std::string("{\"hold\":") + number + "}"), 400,
                "invalid", "hold: expected a whole number");
  }
  ExpectError(Post("/api/v1/runs/3f2a91/cancel", R"({"hold":1})"), 400, "invalid", "unknown key");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
}

TEST_F(ApiTest, ResumesARunOnlyByTheNumberOfTheSeenPauseOrHold) {
  Data(Post("/api/v1/runs/3f2a91/resume", "{}"));
  ASSERT_EQ(backend_.Commands().size(), 1U);
  EXPECT_EQ(backend_.Commands()[0].hold, 0);
  Show(testing::HeldRun());
  ExpectError(Post("/api/v1/runs/3f2a91/resume", "{}"), 400, "invalid", "hold: missing");
  Data(Post("/api/v1/runs/3f2a91/resume", R"({"hold":1})"));
  EXPECT_EQ(backend_.Commands().size(), 2U);
  engine::RunView paused = testing::RunAtItsGate();
  paused.pause = {1, "ann", "", {}};
  Show(paused);
  ExpectError(Post("/api/v1/runs/3f2a91/resume", "{}"), 400, "invalid", "pause: missing");
  Data(Post("/api/v1/runs/3f2a91/resume", R"({"pause":1})"));
  ExpectError(Post("/api/v1/runs/3f2a91/resume", R"({"pause":1,"hold":1})"), 400, "invalid",
              "not both");
  EXPECT_EQ(backend_.Commands().size(), 3U);
}

TEST_F(ApiTest, TellsAWrongTokenFromNone) {
  ExpectError(Post("/api/v1/mode", "{}", ""), 401, "unauthorized", "needs the API token");
  ExpectError(Post("/api/v1/mode", "{}", "wrong"), 401, "unauthorized", "not the API token");
}

TEST_F(ApiTest, TakesOverOnlyValidHostNames) {
  for (const char* host : {"a/b", "a:b", "a@b"}) {
    ExpectError(Post(std::string("/api/v1/hosts/") + host + "/takeover", R"({"reason":"r"})"), 404,
                "not_found", "no host has such a name");
  }
  ExpectError(Post("/api/v1/hosts/x500/takeover", "{}"), 400, "invalid", "reason: missing");
}

TEST_F(ApiTest, RequiresAReasonToResolve) {
  ExpectError(Post("/api/v1/runs/3f2a91/skip", R"({"hold":1})"), 400, "invalid", "reason: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/skip", R"({"hold":1,"reason":"  "})"), 400, "invalid",
              "reason: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/resolve", R"({"hold":1})"), 400, "invalid",
              "reason: missing");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
}

TEST_F(ApiTest, AllowsNoChangeWithoutTheToken) {
  for (const char* path : {"/api/v1/runs", "/api/v1/runs/3f2a91/cancel", "/api/v1/mode",
                           "/api/v1/hosts/x500/takeover", "/-/reload"}) {
    const auto none = Post(path, "{}", "");
    ExpectError(none, 401, "unauthorized", "API token");
    EXPECT_THAT(std::string(none.Header("www-authenticate")), HasSubstr("Bearer"));
    ExpectError(Post(path, "{}", "correct-horse-batter"), 401, "unauthorized", "API token");
    ExpectError(Post(path, "{}", "correct-horse-battery2"), 401, "unauthorized", "API token");
  }
  EXPECT_THAT(backend_.Commands(), IsEmpty());
  EXPECT_THAT(backend_.Modes(), IsEmpty());
  EXPECT_EQ(backend_.Reloads(), 0);
}

TEST_F(ApiTest, TakesANewTokenWithoutARestartAndNoneFromAnEmptyFile) {
  const std::string other = "battery-horse-correct";
  std::ofstream(token_file_, std::ios::app) << other;
  Data(Post("/-/reload", ""));
  Data(Post("/-/reload", "", other));
  std::ofstream(token_file_) << other;
  ExpectError(Post("/-/reload", ""), 401, "unauthorized", "API token");
  EXPECT_EQ(backend_.Reloads(), 2);
  for (const char* text : {"\n", "short\n"}) {
    std::ofstream(token_file_) << text;
    ExpectError(Post("/-/reload", "", "short"), 503, "unreachable", token_file_);
  }
  unlink(token_file_.c_str());
  ExpectError(Post("/-/reload", "", other), 503, "unreachable", token_file_);
  EXPECT_EQ(backend_.Reloads(), 2);
}

TEST_F(ApiTest, RefusesBodiesThatABrowserFormOrAMistakeWouldSend) {
  ExpectError(Post("/api/v1/runs", R"({"runbook":"x"})", "correct-horse-battery", "text/plain"),
              400, "invalid", "Content-Type");
  ExpectError(Post("/api/v1/runs", "{"), 400, "invalid", "no valid JSON");
  ExpectError(Post("/api/v1/runs", "[]"), 400, "invalid", "JSON object");
  ExpectError(Post("/api/v1/runs", R"({"runbook":"a","runbook":"b"})"), 400, "invalid",
              "duplicate key");
  ExpectError(Post("/api/v1/runs", R"({"runbok":"a"})"), 400, "invalid", "unknown key 'runbok'");
  ExpectError(Post("/api/v1/runs", R"({"runbook":7})"), 400, "invalid", "expected a string");
  ExpectError(Post("/api/v1/runs", R"({"runbook":"a","parameters":{"t":{"u":1}}})"), 400, "invalid",
              "parameters.t");
  ExpectError(Post("/api/v1/runs", R"({"runbook":"a","by":"x\u001b[2J"})"), 400, "invalid",
              "control characters");
  ExpectError(Post("/api/v1/runs", std::string(70'000, ' ')), 400, "invalid", "64 KiB");
  ExpectError(Post("/api/v1/runs", std::string(60'000, '[')), 400, "invalid", "nested too deep");
  ExpectError(Post("/api/v1/runs", "{}"), 400, "invalid", "runbook: missing");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
}

TEST_F(ApiTest, TurnsErrorsIntoTheirStatus) {
  const std::pair<ErrorKind, int> kinds[] = {
      {ErrorKind::kInvalid, 400},     {ErrorKind::kNotFound, 404},
      {ErrorKind::kRefused, 409},     {ErrorKind::kOverloaded, 503},
      {ErrorKind::kUnreachable, 503}, {ErrorKind::kOutcomeUnknown, 504},
      {ErrorKind::kInternal, 500}};
  for (const auto& [kind, status] : kinds) {
    backend_.AnswerWith(Fail(kind, "the reason"));
    ExpectError(Post("/api/v1/runs/3f2a91/pause", "{}"), status, Name(kind), "the reason");
  }
}

TEST_F(ApiTest, StartsARunAtAnyTimeOnlyIfThatIsSaid) {
  Post("/api/v1/runs", R"({"runbook":"mailhub-rebuild","reason":"monthly"})");
  Post("/api/v1/runs", R"({"runbook":"mailhub-rebuild","now":true,"reason":"it is broken"})");
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_FALSE(commands[0].at_once);
  EXPECT_TRUE(commands[1].at_once);
  EXPECT_EQ(commands[1].detail, "it is broken");
  EXPECT_FALSE(commands[1].login) << "the token's holder may claim any name";
  ExpectError(Post("/api/v1/runs", R"({"runbook":"x","now":"yes"})"), 400, "invalid",
              "now: expected true or false");
}

TEST_F(ApiTest, ShowsWhenAQueuedRunStartsAndWhoMayAnswerAQuestion) {
  engine::RunView run = testing::RunAtItsGate();
  run.state = engine::RunState::kQueued;
  run.waiting_for = "window nights is closed";
  run.starts_at = testing::kStart + Seconds(3600);
  run.needed = {Milliseconds(7'200'000), "`expected` of its runbook"};
  run.suitable = {{"nights"}, {"exams"}};
  run.at_once = "";
  Show(run);
  const Json queued = Data(Get("/api/v1/runs/3f2a91"));
  EXPECT_EQ(queued["startsAt"], "2026-03-01T11:00:00.000Z");
  EXPECT_EQ(queued["reservedSeconds"], 7200);
  EXPECT_EQ(queued["windows"][0], "nights");
  run = testing::RunAtItsGate();
  run.steps[2].phase = engine::StepPhase::kConfirm;
  run.asks = "Now?";
  run.asks_whom = "alice";
  run.asks_until = testing::kStart;
  Show(run);
  const Json asks = Data(Get("/api/v1/runs/3f2a91"))["asks"];
  EXPECT_EQ(asks["whom"], "alice");
  EXPECT_EQ(asks["until"], "2026-03-01T10:00:00.000Z");
}

TEST(Guard, TakesALoginOnlyWithTheHeaderThatAForeignPageCannotSend) {
  const Guard guard("");
  http::Request request;
  request.user = "anna";
  ASSERT_FALSE(guard.MayChange(request));
  EXPECT_EQ(guard.MayChange(request).error().kind, ErrorKind::kRefused);
  request.headers = {{"x-mailhub-request", "1"}};
  ASSERT_TRUE(guard.MayChange(request));
  EXPECT_EQ(guard.MayChange(request)->login, "anna");
}

TEST(Guard, KnowsWhatEachLoginMayDo) {
  using engine::Role;
  const Guard guard(
      "", {{"vera", {Role::kViewer}}, {"olaf", {Role::kOperator}}, {"adam", {Role::kApprover}}});
  const auto may = [&](const std::string& login, Role needed) {
    http::Request request;
    request.user = login;
    request.headers = {{"x-mailhub-request", "1"}};
    const auto author = guard.MayChange(request, needed);
    return author ? "yes" : author.error().message;
  };
  EXPECT_EQ(may("vera", Role::kOperator), "vera is a viewer, and may only look");
  EXPECT_EQ(may("vera", Role::kApprover), "vera is a viewer, and may only look");
  EXPECT_EQ(may("olaf", Role::kOperator), "yes");
  EXPECT_EQ(may("olaf", Role::kApprover), "olaf may not do this: it needs the role approver");
  EXPECT_EQ(may("adam", Role::kOperator), "adam may not do this: it needs the role operator");
  EXPECT_EQ(may("adam", Role::kApprover), "yes");
  EXPECT_EQ(may("anna", Role::kOperator), "yes") << "not listed";
  EXPECT_EQ(may("anna", Role::kApprover), "yes");
}

TEST(Guard, AllowsNoChangeWhenNoTokenIsConfigured) {
  http::Request request;
  request.remote_address = "127.0.0.1";
  request.headers = {{"X-Mailhub-Request", "1"}, {"Authorization", "Bearer "}};
  EXPECT_FALSE(Guard("").MayChange(request));
}

TEST_F(ApiTest, ClosesAnEpisodeForAReason) {
  engine::View view;
  engine::EpisodeView episode;
  episode.fingerprint = "00ff12ab34cd56ef";
  episode.alertname = "TablesStale";
  episode.run = testing::kRunId;
  episode.state = engine::EpisodeState::kUnanswered;
  episode.decided = testing::kStart;
  view.episodes = {episode};
  view.open_episodes = 1;
  backend_.Show(view);
  const Json shown = Data(Get("/api/v1/episodes"));
  ASSERT_EQ(shown["episodes"].size(), 1U);
  EXPECT_EQ(shown["episodes"][0]["state"], "unanswered");
  EXPECT_EQ(shown["episodes"][0]["decidedAt"], "2026-03-01T10:00:00.000Z");
  EXPECT_EQ(shown["open"], 1);
  EXPECT_EQ(Data(Get("/api/v1/status"))["unansweredAlerts"], 1);
  EXPECT_EQ(Data(Get("/api/v1/episodes?state=answered"))["episodes"].size(), 0U);
  const std::string path = "/api/v1/episodes/00ff12ab/close";
  ExpectError(Post(path, "{}"), 400, "invalid", "reason: missing");
  ExpectError(Post(path, R"({"reason":"mended"})"), 400, "invalid", "run: missing");
  ExpectError(Post("/api/v1/episodes/xy/close", R"({"reason":"r"})"), 404, "not_found",
              "FINGERPRINT/close");
  EXPECT_EQ(Data(Post(path, R"({"run":"3f2a91c0","reason":"mended","by":"anna"})"))["fingerprint"],
            "00ff12ab34cd56ef");
  const auto closed = backend_.Closed();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].fingerprint, "00ff12ab34cd56ef") << "the beginning is enough";
  EXPECT_EQ(closed[0].run, "3f2a91c0");
  EXPECT_EQ(closed[0].by, "anna");
  EXPECT_EQ(closed[0].detail, "mended");
}

}  // namespace
}  // namespace mailhub::api
