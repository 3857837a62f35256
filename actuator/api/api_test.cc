// The whole API over a real server on loopback, with a fake backend behind it.
#include "actuator/api/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "actuator/api/event_stream.h"
#include "actuator/api/guard.h"
#include "actuator/api/testing_backend.h"
#include "lib/http/client.h"

namespace mailhub::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

class FixedClock final : public Clock {
 public:
  WallTime Now() const override { return testing::kStart + Seconds(60); }
  SteadyTime Steady() const override { return SteadyTime(); }
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() : token_file_("/tmp/mailhub-api-token-" + std::to_string(getpid())) {
    std::ofstream(token_file_) << "s3cret\n";
    ApiOptions options;
    options.version = "1.2.3";
    options.token_file = token_file_;
    options.max_event_streams = 1;
    AddRoutes(server_, backend_, metrics_, clock_, options);
    const Status started = server_.Start();
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    engine::View view;
    view.unfinished = {testing::RunAtItsGate()};
    view.epoch = 7;
    backend_.Show(view);
  }
  ~ApiTest() override {
    server_.Stop();
    unlink(token_file_.c_str());
  }

  http::HttpResponse Get(const std::string& path) {
    http::Client client;
    auto response = client.Get(Url(path));
    EXPECT_TRUE(response) << (response ? "" : response.error().message);
    return response ? *response : http::HttpResponse();
  }
  http::HttpResponse Post(const std::string& path, const std::string& body,
                          const std::string& token = "s3cret",
                          const std::string& type = "application/json") {
    http::Client client;
    http::RequestOptions options;
    if (!token.empty()) options.headers = {{"Authorization", "Bearer " + token}};
    auto response = client.Post(Url(path), body, type, options);
    EXPECT_TRUE(response) << (response ? "" : response.error().message);
    return response ? *response : http::HttpResponse();
  }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_.Port()) + path;
  }
  static Json Data(const http::HttpResponse& response) {
    const Json json = Json::parse(response.body, nullptr, false);
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(json.value("status", ""), "success") << response.body;
    return json.value("data", Json());
  }
  static void ExpectError(const http::HttpResponse& response, int status, const std::string& type,
                          const std::string& says) {
    const Json json = Json::parse(response.body, nullptr, false);
    EXPECT_EQ(response.status, status) << response.body;
    ASSERT_TRUE(json.is_object()) << response.body;
    EXPECT_EQ(json.value("status", ""), "error");
    EXPECT_EQ(json.value("errorType", ""), type);
    EXPECT_THAT(json.value("error", ""), HasSubstr(says));
  }

  const std::string token_file_;
  testing::FakeBackend backend_;
  ActuatorMetrics metrics_{"1.2.3"};
  FixedClock clock_;
  http::Server server_{http::ServerOptions{}};
};

TEST_F(ApiTest, ListsRunsWithTheirCurrentStep) {
  const Json runs = Data(Get("/api/v1/runs"))["runs"];
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0]["id"], testing::kRunId);
  EXPECT_EQ(runs[0]["state"], "running");
  EXPECT_EQ(runs[0]["startedAt"], "2026-03-01T10:00:00.000Z");
  EXPECT_EQ(runs[0]["elapsedSeconds"], 60.0);
  EXPECT_EQ(runs[0]["remainingSeconds"], 14'340.0);
  EXPECT_EQ(runs[0]["stepsDone"], 2);
  EXPECT_EQ(runs[0]["stepsTotal"], 4);
  EXPECT_EQ(runs[0]["currentStep"]["name"], "Wait for a quiet directory server");
  EXPECT_EQ(runs[0]["hold"], nullptr);
}

TEST_F(ApiTest, FiltersRuns) {
  EXPECT_EQ(Data(Get("/api/v1/runs?target=mailhub2&state=running"))["runs"].size(), 1U);
  EXPECT_EQ(Data(Get("/api/v1/runs?target=mailhub3"))["runs"].size(), 0U);
  ExpectError(Get("/api/v1/runs?stat=held"), 400, "invalid", "unknown query parameter 'stat'");
  ExpectError(Get("/api/v1/runs?limit=0"), 400, "invalid", "from 1 to 10000");
  ExpectError(Get("/api/v1/runs?limit=1e3"), 400, "invalid", "from 1 to 10000");
}

TEST_F(ApiTest, ShowsOneRunWithEveryStepGateAndOutput) {
  const Json run = Data(Get("/api/v1/runs/3f2a91"));
  ASSERT_EQ(run["steps"].size(), 5U);
  const Json& gate = run["steps"][2]["gate"];
  EXPECT_EQ(gate["state"], "false");
  EXPECT_EQ(gate["value"], 0.72);
  EXPECT_EQ(gate["threshold"], 0.9);
  EXPECT_EQ(gate["comparison"], ">=");
  EXPECT_EQ(gate["why"], "x500 is busy");
  EXPECT_EQ(run["steps"][2]["elapsedSeconds"], 57.0);
  EXPECT_EQ(run["steps"][0]["exitStatus"], 0);
  EXPECT_THAT(run["steps"][0]["output"].get<std::string>(), HasSubstr("stopped"));
  EXPECT_EQ(run["steps"][4]["always"], true);
}

TEST_F(ApiTest, ShowsAHoldWithItsReason) {
  engine::View view;
  view.unfinished = {testing::HeldRun()};
  backend_.Show(view);
  const Json hold = Data(Get(std::string("/api/v1/runs/") + testing::kRunId))["hold"];
  EXPECT_EQ(hold["reason"], "gate_shut");
  EXPECT_EQ(hold["step"], "Wait for a quiet directory server");
  EXPECT_EQ(hold["detail"], "the gate did not open within 1h");
}

TEST_F(ApiTest, RefusesAPrefixThatIsNotUnique) {
  engine::RunView other = testing::RunAtItsGate();
  other.id = "3f2a91ffaa55aa55aa55aa55aa55aa55";
  engine::View view;
  view.unfinished = {testing::RunAtItsGate(), other};
  backend_.Show(view);
  ExpectError(Get("/api/v1/runs/3f2a91"), 400, "invalid", "several runs");
  EXPECT_EQ(Data(Get("/api/v1/runs/3f2a91f"))["id"], other.id);
}

TEST_F(ApiTest, PutsARunOfLongAgoTogetherFromTheJournal) {
  backend_.SetEvents(testing::EventsOfASuccess("0ld0ld0ld0ld"));
  const Json run = Data(Get("/api/v1/runs/0ld0ld0ld"));
  EXPECT_EQ(run["state"], "finished");
  EXPECT_EQ(run["result"], "succeeded");
  EXPECT_EQ(run["elapsedSeconds"], 14'001.0);
  EXPECT_EQ(run["steps"][3]["elapsedSeconds"], 13'902.0);
  EXPECT_EQ(run["steps"][3]["output"], "fine\n");
}

TEST_F(ApiTest, ShowsTheEventsOfARun) {
  backend_.SetEvents(testing::EventsOfASuccess("0ld0ld0ld0ld"));
  const Json events = Data(Get("/api/v1/runs/0ld0ld/events"))["events"];
  ASSERT_EQ(events.size(), 15U);
  EXPECT_EQ(events[0]["kind"], "run_queued");
  EXPECT_EQ(events[0]["plan"]["steps"][3]["command"], "/home/exim/scripts/rebuild");
  EXPECT_EQ(events[3]["kind"], "step_settled");
  EXPECT_EQ(events[3]["exitStatus"], 0);
  EXPECT_EQ(events[14]["result"], "succeeded");
}

TEST_F(ApiTest, AnswersUnknownRunsAndPagesWith404) {
  ExpectError(Get("/api/v1/runs/ffffff"), 404, "not_found", "ffffff");
  ExpectError(Get("/api/v1/runs/ffffff/steps"), 404, "not_found", "ID/events");
  ExpectError(Post("/api/v1/runs/ffffff/explode", "{}"), 404, "not_found", "one of pause");
}

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

TEST_F(ApiTest, PassesEachVerbOn) {
  for (const char* verb : {"pause", "resume", "confirm", "cancel", "retry", "skip", "resolve"})
    Data(Post(std::string("/api/v1/runs/3f2a91/") + verb, R"({"reason":"because"})"));
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 7U);
  EXPECT_EQ(commands[0].verb, engine::Verb::kPause);
  EXPECT_EQ(commands[6].verb, engine::Verb::kResolve);
  EXPECT_EQ(commands[6].run, "3f2a91");
  EXPECT_EQ(commands[6].detail, "because");
  EXPECT_EQ(commands[6].by, "api");
}

TEST_F(ApiTest, TakesOverOnlyWhatCouldBeAHost) {
  for (const char* host : {"a/b", "a:b", "a@b"}) {
    ExpectError(Post(std::string("/api/v1/hosts/") + host + "/takeover", R"({"reason":"r"})"), 404,
                "not_found", "no host has such a name");
  }
  ExpectError(Post("/api/v1/hosts/x500/takeover", "{}"), 400, "invalid", "reason: missing");
}

TEST_F(ApiTest, WantsAReasonForWhatOnlyAPersonCanKnow) {
  ExpectError(Post("/api/v1/runs/3f2a91/skip", "{}"), 400, "invalid", "reason: missing");
  ExpectError(Post("/api/v1/runs/3f2a91/resolve", ""), 400, "invalid", "reason: missing");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
}

TEST_F(ApiTest, LetsNobodyChangeAnythingWithoutTheToken) {
  for (const char* path : {"/api/v1/runs", "/api/v1/runs/3f2a91/cancel", "/api/v1/mode",
                           "/api/v1/hosts/x500/takeover", "/-/reload"}) {
    const auto none = Post(path, "{}", "");
    ExpectError(none, 401, "unauthorized", "API token");
    EXPECT_THAT(std::string(none.Header("www-authenticate")), HasSubstr("Bearer"));
    ExpectError(Post(path, "{}", "s3cre"), 401, "unauthorized", "API token");
    ExpectError(Post(path, "{}", "s3cret2"), 401, "unauthorized", "API token");
  }
  EXPECT_THAT(backend_.Commands(), IsEmpty());
  EXPECT_THAT(backend_.Modes(), IsEmpty());
  EXPECT_EQ(backend_.Reloads(), 0);
}

TEST_F(ApiTest, TakesANewTokenWithoutARestartAndNoneFromAnEmptyFile) {
  std::ofstream(token_file_) << "other";
  ExpectError(Post("/-/reload", ""), 401, "unauthorized", "API token");
  Data(Post("/-/reload", "", "other"));
  EXPECT_EQ(backend_.Reloads(), 1);
  std::ofstream(token_file_) << "\n";
  ExpectError(Post("/-/reload", "", ""), 503, "unreachable", "empty");
  unlink(token_file_.c_str());
  ExpectError(Post("/-/reload", "", "other"), 503, "unreachable", "token");
  EXPECT_EQ(backend_.Reloads(), 1);
}

TEST_F(ApiTest, RefusesBodiesThatABrowserFormOrAMistakeWouldSend) {
  ExpectError(Post("/api/v1/runs", R"({"runbook":"x"})", "s3cret", "text/plain"), 400, "invalid",
              "Content-Type");
  ExpectError(Post("/api/v1/runs", "{"), 400, "invalid", "no valid JSON");
  ExpectError(Post("/api/v1/runs", "[]"), 400, "invalid", "JSON object");
  ExpectError(Post("/api/v1/runs", R"({"runbook":"a","runbook":"b"})"), 400, "invalid", "twice");
  ExpectError(Post("/api/v1/runs", R"({"runbok":"a"})"), 400, "invalid", "unknown key 'runbok'");
  ExpectError(Post("/api/v1/runs", R"({"runbook":7})"), 400, "invalid", "expected a string");
  ExpectError(Post("/api/v1/runs", R"({"runbook":"a","parameters":{"t":{"u":1}}})"), 400, "invalid",
              "parameters.t");
  ExpectError(Post("/api/v1/runs", R"({"runbook":"a","by":"x\u001b[2J"})"), 400, "invalid",
              "control characters");
  ExpectError(Post("/api/v1/runs", std::string(70'000, ' ')), 400, "invalid", "64 KiB");
  ExpectError(Post("/api/v1/runs", std::string(60'000, '[')), 400, "invalid", "no valid JSON");
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

TEST_F(ApiTest, ShowsDecisionsAndHistoryFiltered) {
  const Json alerts = Data(Get("/api/v1/alerts?decision=rejected"))["alerts"];
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0]["detail"], "the site file has no host mailhub9");
  const Json runs = Data(Get("/api/v1/history?runbook=mailhub-rebuild&result=failed"))["runs"];
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0]["target"], "mailhub2");
  EXPECT_EQ(runs[0]["durationSeconds"], 14'401.0);
}

TEST_F(ApiTest, PlansWithoutQueueing) {
  const Json plan = Data(Get("/api/v1/plan?runbook=mailhub-rebuild&parameter=target%3Dmailhub3"));
  EXPECT_EQ(plan["parameters"]["target"], "mailhub3");
  EXPECT_EQ(plan["steps"][0]["deadMan"]["afterSeconds"], 900.0);
  EXPECT_EQ(plan["steps"][2]["gate"]["expr"], "idle >= 0.9");
  ExpectError(Get("/api/v1/plan?runbook=nonsense"), 404, "not_found", "nonsense");
  ExpectError(Get("/api/v1/plan"), 400, "invalid", "runbook: missing");
  ExpectError(Get("/api/v1/plan?runbook=x&parameter=y"), 400, "invalid", "NAME=VALUE");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
}

TEST_F(ApiTest, ShowsAndSetsTheMode) {
  EXPECT_EQ(Data(Get("/api/v1/mode"))["mode"], "active");
  EXPECT_EQ(Data(Post("/api/v1/mode", R"({"mode":"halted"})"))["mode"], "halted");
  EXPECT_THAT(backend_.Modes(), ElementsAre(engine::Mode::kHalted));
  ExpectError(Post("/api/v1/mode", R"({"mode":"off"})"), 400, "invalid", "active, observe or");
}

TEST_F(ApiTest, SaysHowItIs) {
  const Json status = Data(Get("/api/v1/status"));
  EXPECT_EQ(status["version"], "1.2.3");
  EXPECT_EQ(status["epoch"], 7);
  EXPECT_EQ(status["ready"], true);
  EXPECT_EQ(Get("/-/ready").status, 200);
  EXPECT_EQ(Get("/-/healthy").status, 200);
  backend_.SetReady(false);
  EXPECT_EQ(Get("/-/ready").status, 503);
  EXPECT_EQ(Get("/-/healthy").status, 200);
  EXPECT_THAT(Get("/metrics").body, HasSubstr("mailhub_actuator_build_info{version=\"1.2.3\"} 1"));
}

TEST(Guard, TakesALoginOnlyWithTheHeaderThatAForeignPageCannotSend) {
  const Guard guard("");
  http::Request request;
  request.user = "anna";
  ASSERT_FALSE(guard.MayChange(request));
  EXPECT_EQ(guard.MayChange(request).error().kind, ErrorKind::kRefused);
  request.headers = {{"x-mailhub-request", "1"}};
  ASSERT_TRUE(guard.MayChange(request));
  EXPECT_EQ(*guard.MayChange(request), "anna");
}

TEST(Guard, LetsNobodyInWhenNoTokenIsConfigured) {
  http::Request request;
  request.remote_address = "127.0.0.1";
  request.headers = {{"X-Mailhub-Request", "1"}, {"Authorization", "Bearer "}};
  EXPECT_FALSE(Guard("").MayChange(request));
}

TEST(EventStream, BeginsWithEverythingAndThenSendsWhatDiffers) {
  testing::FakeBackend backend;
  FixedClock clock;
  EventStream stream(backend, clock);
  engine::View view;
  view.unfinished = {testing::RunAtItsGate()};
  view.finished = {testing::FinishedRun(engine::RunResult::kSucceeded)};
  view.finished[0].id = "0ld";
  backend.Show(view);
  std::string chunk;
  stream.Next(&chunk, Milliseconds(0));
  EXPECT_THAT(chunk, HasSubstr("event: view\ndata: {\"mode\":\"active\""));
  EXPECT_THAT(chunk, HasSubstr("event: run\ndata: {\"id\":\"3f2a91c0"));
  EXPECT_THAT(chunk, HasSubstr("event: run\ndata: {\"id\":\"0ld\""));

  backend.Show(view);  // another object, the same content
  chunk.clear();
  stream.Next(&chunk, Milliseconds(0));
  EXPECT_EQ(chunk, "");

  view.unfinished[0].steps[2].gate->value = 0.95;
  backend.Show(view);
  stream.Next(&chunk, Milliseconds(0));
  EXPECT_THAT(chunk, HasSubstr("0.95"));
  EXPECT_THAT(chunk, Not(HasSubstr("event: view")));
  EXPECT_THAT(chunk, Not(HasSubstr("0ld")));
}

TEST(EventStream, IsRefusedWhenAllTicketsAreTakenAndGivesItsOwnBack) {
  testing::FakeBackend backend;
  FixedClock clock;
  const auto tickets = std::make_shared<Tickets>(1);
  {
    const http::Response first = ServeEvents(backend, clock, tickets);
    EXPECT_TRUE(first.stream.has_value());
    EXPECT_EQ(ServeEvents(backend, clock, tickets).status, 503);
  }
  EXPECT_EQ(ServeEvents(backend, clock, tickets).status, 200);
}

// A client that keeps its connection: what http::Client, which waits for an answer's end, cannot
// do.
class StreamClient {
 public:
  explicit StreamClient(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{5, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    EXPECT_EQ(send(socket_, request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
  }
  ~StreamClient() { close(socket_); }
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  // Everything received, once it holds `text` or nothing more came for 5 s.
  const std::string& ReadUntil(const std::string& text) {
    std::array<char, 4096> part{};
    while (received_.find(text) == std::string::npos) {
      const ssize_t got = recv(socket_, part.data(), part.size(), 0);
      if (got <= 0) break;
      received_.append(part.data(), static_cast<size_t>(got));
    }
    return received_;
  }

 private:
  const int socket_;
  std::string received_;
};

TEST_F(ApiTest, StreamsEventsOverHttpToAsManyAsAllowed) {
  StreamClient client(server_.Port());
  EXPECT_THAT(client.ReadUntil("3f2a91c0"), HasSubstr("event: run"));
  EXPECT_THAT(client.ReadUntil("3f2a91c0"), HasSubstr("text/event-stream"));
  ExpectError(Get("/api/v1/events"), 503, "overloaded", "event streams");
  engine::View view;
  view.unfinished = {testing::HeldRun()};
  backend_.Show(view);
  EXPECT_THAT(client.ReadUntil("gate_shut"), HasSubstr("\"state\":\"held\""));
}

}  // namespace
}  // namespace mailhub::api
