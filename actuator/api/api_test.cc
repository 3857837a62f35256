// The pages, the event stream, and the mode.
#include "actuator/api/api.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "actuator/api/event_stream.h"
#include "actuator/api/render.h"
#include "actuator/api/testing_api.h"

namespace mailhub::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(ApiTest, PutsTheServersOwnRefusalsInAnEnvelope) {
  ExpectError(Get("/api/v1/nothing"), 404, "not_found", "no such page");
  ExpectError(Post("/api/v1/status", "{}"), 405, "invalid", "does not know that method");
  for (const char* path : {"/api/v1/runs/a%00", "/api/v1/runs/..%2fx", "/api/v1/runs?limit=%00"})
    ExpectError(Get(path), 400, "invalid", "malformed");
  ExpectError(Get("/api/" + std::string(5'000, 'x')), 414, "invalid", "too long");
}

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

TEST_F(ApiTest, TakesNoQueryParameterThatItDoesNotKnow) {
  for (const char* path : {"/api/v1/runs", "/api/v1/runs/3f2a91", "/api/v1/runs/3f2a91/events",
                           "/api/v1/alerts", "/api/v1/episodes", "/api/v1/history", "/api/v1/plan",
                           "/api/v1/mode", "/api/v1/status", "/api/v1/events"}) {
    ExpectError(Get(std::string(path) + "?foo=1"), 400, "invalid",
                "unknown query parameter 'foo'; known here: ");
  }
  for (const char* path : {"/", "/metrics", "/-/healthy", "/-/ready"}) {
    const auto refused = Get(std::string(path) + "?foo=1");
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_THAT(refused.body, HasSubstr("unknown query parameter 'foo'; known here: none"));
  }
  for (const char* path :
       {"/api/v1/runs", "/api/v1/runs/3f2a91/cancel", "/api/v1/mode", "/api/v1/hosts/x500/takeover",
        "/api/v1/episodes/00ff12ab34cd56ef/close", "/-/reload"}) {
    const auto refused = Post(std::string(path) + "?x=1",
                              R"({"runbook":"mailhub-rebuild","mode":"halted","reason":"r"})");
    ExpectError(refused, 400, "invalid", "unknown query parameter 'x'; known here: none");
  }
  ExpectError(Get("/api/v1/runs?limit=1&limit=2"), 400, "invalid",
              "duplicate query parameter 'limit'");
  EXPECT_THAT(backend_.Commands(), IsEmpty());
  EXPECT_THAT(backend_.Modes(), IsEmpty());
  EXPECT_EQ(backend_.Reloads(), 0);
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
  EXPECT_EQ(hold["number"], 1);
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

TEST_F(ApiTest, ShowsEveryHold) {
  engine::RunView run = testing::HeldRun();
  run.holds.push_back({4, "1", "Stop the main directory process",
                       engine::HoldReason::kDeadManRestored, "started by the host",
                       testing::kStart + Seconds(30)});
  Show(run);
  const Json shown = Data(Get("/api/v1/runs/3f2a91"));
  ASSERT_EQ(shown["holds"].size(), 2U);
  EXPECT_EQ(shown["holds"][0]["number"], 1);
  EXPECT_EQ(shown["holds"][0]["step"], "Wait for a quiet directory server");
  EXPECT_EQ(shown["holds"][1]["number"], 4);
  EXPECT_EQ(shown["holds"][1]["path"], "1");
  EXPECT_EQ(shown["holds"][1]["reason"], "dead_man_restored");
  EXPECT_EQ(shown["holds"][1]["since"], "2026-03-01T10:00:30.000Z");
  EXPECT_EQ(shown["hold"], shown["holds"][0]);
  EXPECT_EQ(Data(Get("/api/v1/runs"))["runs"][0]["holds"].size(), 2U);
}

TEST_F(ApiTest, ShowsTheQuestionWithTheFieldsOfAnAnswer) {
  engine::RunView run = testing::RunAtItsGate();
  run.steps[2].phase = engine::StepPhase::kConfirm;
  run.steps[2].kind = engine::StepKind::kConfirm;
  run.asks = "Really delete all of it?";
  Show(run);
  const Json asks = Data(Get("/api/v1/runs/3f2a91"))["asks"];
  EXPECT_EQ(asks["question"], "Really delete all of it?");
  EXPECT_EQ(asks["path"], "3");
  EXPECT_EQ(asks["attempt"], 1);
  Show(testing::RunAtItsGate());
  EXPECT_EQ(Data(Get("/api/v1/runs/3f2a91"))["asks"], nullptr);
}

TEST_F(ApiTest, ShowsWhetherADeadManIsArmed) {
  engine::RunView run = testing::RunAtItsGate();
  run.dead_men.push_back(
      {"1", "x500", engine::DeadManPhase::kArmed, Seconds(900), Seconds(12), ""});
  run.dead_men.push_back(
      {"2", "mailhub2", engine::DeadManPhase::kUnconfirmed, Seconds(60), std::nullopt, "no route"});
  Show(run);
  const Json shown = Data(Get("/api/v1/runs/3f2a91"));
  const Json dead_men = shown["deadMen"];
  EXPECT_EQ(shown["leases"], dead_men) << "older clients know them by that name";
  ASSERT_EQ(dead_men.size(), 2U);
  EXPECT_EQ(dead_men[0]["state"], "armed");
  EXPECT_EQ(dead_men[0]["host"], "x500");
  EXPECT_EQ(dead_men[0]["step"], "Stop the main directory process");
  EXPECT_EQ(dead_men[0]["afterSeconds"], 900.0);
  EXPECT_EQ(dead_men[0]["confirmedSecondsAgo"], 12.0);
  EXPECT_EQ(dead_men[1]["confirmedSecondsAgo"], nullptr);
  EXPECT_EQ(dead_men[1]["trouble"], "no route");
  EXPECT_EQ(Data(Get("/api/v1/status"))["deadMen"]["armed"], 1);
  EXPECT_EQ(Data(Get("/api/v1/status"))["deadMen"]["unconfirmed"], 1);
  EXPECT_EQ(Data(Get("/api/v1/status"))["deadMen"]["restored"], 0);
}

TEST_F(ApiTest, RefusesAWordThatNoStateResultOrDecisionHas) {
  ExpectError(Get("/api/v1/runs?state=helt"), 400, "invalid",
              "state: expected queued, running, held, paused, ending or finished");
  ExpectError(Get("/api/v1/runs?result=sucseeded"), 400, "invalid",
              "result: expected succeeded, failed, cancelled or dropped");
  ExpectError(Get("/api/v1/history?result=sucseeded"), 400, "invalid", "result: expected");
  ExpectError(Get("/api/v1/alerts?decision=rejekted"), 400, "invalid", "decision: expected");
  ExpectError(Get("/api/v1/episodes?state=open"), 400, "invalid", "state: expected");
}

TEST_F(ApiTest, SaysHowLongTheExpectedEndHasPassed) {
  engine::RunView run = testing::RunAtItsGate();
  run.eta = testing::kStart + Seconds(20);
  Show(run);
  const Json shown = Data(Get("/api/v1/runs/3f2a91"));
  EXPECT_EQ(shown["remainingSeconds"], 0.0);
  EXPECT_EQ(shown["etaPassedSeconds"], 40.0);
}

TEST_F(ApiTest, FindsDecisionsByTheBeginningOfAFingerprintOrARunsId) {
  EXPECT_EQ(Data(Get("/api/v1/alerts?fingerprint=f0"))["alerts"].size(), 1U);
  EXPECT_EQ(Data(Get("/api/v1/alerts?run=3f2a91c0aa55"))["alerts"].size(), 1U);
  const Json all = Data(Get("/api/v1/alerts"))["alerts"];
  ASSERT_EQ(all.size(), 2U);
  const Json older = Data(Get("/api/v1/alerts?before=" + all[0]["seq"].dump()))["alerts"];
  ASSERT_EQ(older.size(), 1U);
  EXPECT_EQ(older[0]["seq"], all[1]["seq"]);
  ExpectError(Get("/api/v1/alerts?before=x"), 400, "invalid", "before: expected a whole number");
  ExpectError(Get("/api/v1/alerts?run="), 400, "invalid", "run: empty");
}

TEST_F(ApiTest, SaysWhereTheNextPageBegins) {
  const Json first = Data(Get("/api/v1/alerts?limit=1"));
  EXPECT_EQ(first["alerts"].size(), 1U);
  EXPECT_EQ(first["next"], 9);
  EXPECT_EQ(Data(Get("/api/v1/alerts?limit=2"))["next"], nullptr) << "there is no more";
  const Json runs = Data(Get("/api/v1/history?before=40&limit=1"));
  EXPECT_EQ(runs["runs"][0]["seq"], 39);
  EXPECT_EQ(runs["next"], 39);
  ExpectError(Get("/api/v1/runs/3f2a91?after=3"), 400, "invalid", "after: only of");
}

// Unfinished runs that were queued with events 1 to 3, and runs that ended with 22 and 21.
engine::View FiveRuns() {
  engine::View view;
  for (const uint64_t seq : {1, 2, 3}) {
    view.unfinished.push_back(testing::RunAtItsGate());
    view.unfinished.back().id = "run-" + std::to_string(seq);
    view.unfinished.back().seq = seq;
  }
  for (const uint64_t seq : {22, 21}) {
    view.finished.push_back(testing::FinishedRun(engine::RunResult::kSucceeded));
    view.finished.back().id = "run-" + std::to_string(seq);
    view.finished.back().seq = seq;
  }
  return view;
}

TEST_F(ApiTest, HasPagesOfRunsThatLeaveNoneOut) {
  engine::View view = FiveRuns();
  for (const bool one_ends : {false, true}) {
    backend_.Show(FiveRuns());
    std::vector<std::string> seen;
    std::string after;
    for (int pages = 0; pages < 9; ++pages) {
      const Json page = Data(Get("/api/v1/runs?limit=1" + after));
      ASSERT_EQ(page["runs"].size(), 1U);
      seen.push_back(page["runs"][0]["id"]);
      if (page["next"].is_null()) break;
      after = "&after=" + page["next"].get<std::string>();
      if (!one_ends || pages > 0) continue;
      // The run of the first page and one that is still to come end.
      for (const size_t ends : {size_t{0}, size_t{1}}) {
        engine::RunView ended = testing::FinishedRun(engine::RunResult::kSucceeded);
        ended.id = view.unfinished[ends].id;
        ended.seq = 30 + ends;
        view.finished.insert(view.finished.begin(), ended);
      }
      view.unfinished.erase(view.unfinished.begin(), view.unfinished.begin() + 2);
      backend_.Show(view);
    }
    if (one_ends) {
      EXPECT_THAT(seen, ElementsAre("run-1", "run-3", "run-2", "run-1", "run-22", "run-21"));
    } else {
      EXPECT_THAT(seen, ElementsAre("run-1", "run-2", "run-3", "run-22", "run-21"));
    }
  }
}

TEST_F(ApiTest, RefusesAPlaceThatIsOfNoPageOfRuns) {
  for (const char* place : {"", "3", "unfinished-", "finished-x", "unfinished-3x", "unfinished--3",
                            "finished-99999999999999999999", "held-3"}) {
    ExpectError(Get(std::string("/api/v1/runs?after=") + place), 400, "invalid", "after: expected");
  }
  backend_.Show(FiveRuns());
  EXPECT_EQ(Data(Get("/api/v1/runs?after=unfinished-3"))["runs"].size(), 2U);
  EXPECT_EQ(Data(Get("/api/v1/runs?after=finished-21"))["runs"].size(), 0U);
  EXPECT_EQ(Data(Get("/api/v1/runs?after=unfinished-1&state=finished"))["runs"].size(), 2U);
}

TEST_F(ApiTest, GoesOnBehindASearchThatFoundNothing) {
  backend_.LookAtMost(1);
  const Json first = Data(Get("/api/v1/alerts?decision=rejected"));
  EXPECT_TRUE(first["alerts"].empty());
  EXPECT_EQ(first["next"], 8);
  const Json second = Data(Get("/api/v1/alerts?decision=rejected&before=8"));
  EXPECT_EQ(second["alerts"].size(), 1U);
  EXPECT_EQ(second["next"], nullptr);
  const Json runs = Data(Get("/api/v1/history?result=failed"));
  EXPECT_TRUE(runs["runs"].empty());
  EXPECT_EQ(runs["next"], 40);
  EXPECT_EQ(Data(Get("/api/v1/history?result=failed&before=40"))["runs"][0]["seq"], 39);
}

TEST_F(ApiTest, HasNoPageMuchLongerThanAMebibyte) {
  constexpr size_t kMost = size_t{1} << 20;
  backend_.SetEvents(testing::EventsOfASuccess("0ld0ld0ld0ld"));
  backend_.Lengthen(kMost * 2 / 5);
  for (const auto& [path, list] : {std::pair{"/api/v1/history?limit=10", "runs"},
                                   {"/api/v1/runs/0ld0ld/events?after=3", "events"}}) {
    const auto answer = Get(path);
    EXPECT_LT(answer.body.size(), kMost + 4'096) << path;
    const Json data = Data(answer);
    EXPECT_EQ(data["next"], data[list].back()["seq"]) << path;
  }
  engine::View view = FiveRuns();
  for (engine::RunView& run : view.unfinished) run.summary = std::string(kMost * 2 / 5, 'x');
  backend_.Show(view);
  const auto runs = Get("/api/v1/runs");
  EXPECT_LT(runs.body.size(), kMost + 4'096);
  EXPECT_EQ(Data(runs)["next"], "unfinished-2");
  // One item comes in any case.
  backend_.Lengthen(2 * kMost);
  EXPECT_EQ(Data(Get("/api/v1/alerts"))["alerts"].size(), 1U);
}

TEST_F(ApiTest, HasARootPageThatLeadsOn) {
  const auto root = Get("/");
  EXPECT_EQ(root.status, 200);
  EXPECT_THAT(root.body, HasSubstr("href=\"metrics\""));
  EXPECT_THAT(root.body, HasSubstr("href=\"api/v1/runs\""));
  EXPECT_THAT(root.body, HasSubstr("<p>Version 1.2.3. Runs runbooks"));
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

TEST(PastRun, WithoutABeginningHasNoDuration) {
  engine::PastRun past;
  past.finished = testing::kStart;
  const Json run = Json::parse(PastRunText(past));
  EXPECT_EQ(run["startedAt"], nullptr);
  EXPECT_EQ(run["durationSeconds"], nullptr);
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

TEST_F(ApiTest, ReportsReadiness) {
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

// Alertmanager writes an unset time as the first of the year 1.
TEST(FormatUtc, HasFourDigitsOfEachYear) {
  EXPECT_EQ(FormatUtc(WallTime(Milliseconds(-62'135'596'800'000))), "0001-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatUtc(WallTime(Milliseconds(1'772'359'200'042))), "2026-03-01T10:00:00.042Z");
}

TEST(EventStream, SendsEverythingFirstAndThenChanges) {
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

  backend.Show(view);  // a new object with the same content
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
    const http::Response first = ServeEvents({}, backend, clock, tickets);
    EXPECT_TRUE(first.stream.has_value());
    EXPECT_EQ(ServeEvents({}, backend, clock, tickets).status, 503);
  }
  EXPECT_EQ(ServeEvents({}, backend, clock, tickets).status, 200);
}

TEST(EventStream, LeavesHalfOfTheTicketsToOtherAddresses) {
  testing::FakeBackend backend;
  FixedClock clock;
  const auto tickets = std::make_shared<Tickets>(4);
  const auto ask = [&](const char* origin) {
    http::Request request;
    request.origin = origin;
    return ServeEvents(request, backend, clock, tickets);
  };
  std::vector<http::Response> open;
  for (const int status : {200, 200, 503, 503}) {
    open.push_back(ask("192.0.2.1"));
    EXPECT_EQ(open.back().status, status);
  }
  EXPECT_EQ(ask("192.0.2.2").status, 200);
  open.clear();
  EXPECT_EQ(ask("192.0.2.1").status, 200);
}

// A client that keeps its connection; http::Client waits for an answer's end.
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

  // All received text, once it contains `text` or nothing has arrived for 5 s.
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
