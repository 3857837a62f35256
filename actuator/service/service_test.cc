// Requests and their effects, the past, and reloads.
#include <gtest/gtest.h>

#include <future>

#include "actuator/engine/testing_calendar.h"
#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

TEST(Service, ANotificationStartsARunAndTheRunComesToItsEnd) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const Result<std::string> answer = life.service->Submit(Firing("1"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "n1");
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  const auto view = life.service->Look();
  EXPECT_EQ(view->finished[0].result, engine::RunResult::kSucceeded);
  EXPECT_EQ(life.hosts.ran().size(), 1u);
}

// No event says so.
TEST(Service, ShowsThatAnAlertStillFiresThoughNothingElseHappens) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) {
    options.engine.triggers[0].still_firing_after = Milliseconds(300);
  });
  life.StartAndWait();
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  EXPECT_TRUE(life.Eventually([&] { return life.service->Look()->still_firing_episodes == 1; }));
}

TEST(Service, ANotificationIsAnsweredOnlyAfterItsCommit) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const int before = life.store.appends();
  const uint64_t recorded = life.journal->last_seq();
  life.store.Block(true);
  auto answer = std::async(std::launch::async, [&] { return life.service->Submit(Firing("1")); });
  ASSERT_TRUE(life.store.WaitForAppend(before));
  // The commit is under way and does not end: no answer, and no effect.
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_EQ(life.hosts.requests(), 0u);
  EXPECT_EQ(life.journal->last_seq(), recorded);
  life.store.Block(false);
  EXPECT_TRUE(answer.get());
  EXPECT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
}

TEST(Service, AnswersOfTheEngineComeBack) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  EXPECT_EQ(life.service->Submit(Start("nonsense")).error().kind, ErrorKind::kNotFound);
  const Result<std::string> run = life.service->Submit(Start("confirm"));
  ASSERT_TRUE(run);
  EXPECT_EQ(life.service->Look()->unfinished.at(0).id, *run) << "who asked sees it at once";
  EXPECT_EQ(life.service->Submit(Start("confirm")).error().kind, ErrorKind::kRefused);
  EXPECT_TRUE(life.service->Submit(engine::SetMode{engine::Mode::kHalted, "alice"}));
  EXPECT_EQ(life.service->Look()->mode, engine::Mode::kHalted);
  EXPECT_TRUE(life.service->MakePlan("touch", {}));
}

TEST(Service, ThePastCanBeRead) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  std::vector<engine::PastRun> history;
  ASSERT_TRUE(life.service->History({.runbook = "touch"}, [&](const engine::PastRun& run) {
    history.push_back(run);
    return true;
  }));
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].by, "alertmanager");
  EXPECT_EQ(history[0].seq, life.service->Look()->finished.at(0).seq);
  EXPECT_TRUE(history[0].started);
  const auto alerts = life.Alerts();
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].decided.decision, engine::Decision::kStartedRun);
  EXPECT_EQ(alerts[0].decided.run, history[0].id);
  size_t events = 0;
  ASSERT_TRUE(life.service->RunEvents(history[0].id.substr(0, 8), 0,
                                      [&](const engine::Event&) { return ++events > 0; }));
  EXPECT_GT(events, 4u);
}

TEST(Service, AMalformedAlertIsRecordedAsRejectedAndTheOthersCount) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  engine::Notification notification = Firing("1");
  engine::Alert malformed = notification.alerts[0];
  malformed.malformed = "alerts[0]: labels must be an object";
  notification.alerts.insert(notification.alerts.begin(), malformed);
  ASSERT_TRUE(life.service->Submit(notification));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  const auto alerts = life.Alerts();
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].decided.decision, engine::Decision::kStartedRun);
  EXPECT_EQ(alerts[1].decided.decision, engine::Decision::kRejected);
  EXPECT_EQ(alerts[1].decided.detail, "alerts[0]: labels must be an object");
}

TEST(Service, ATakeoverIsCommittedBeforeTheHostHearsOfItAndAnsweredAsTheHostDoes) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const int before = life.store.appends();
  life.store.Block(true);
  auto answer = std::async(std::launch::async, [&] {
    return life.service->Submit(engine::TakeOver{"h", "alice", "the old one is gone"});
  });
  ASSERT_TRUE(life.store.WaitForAppend(before));
  EXPECT_TRUE(life.hosts.taken_over().empty());
  life.store.Block(false);
  const Result<std::string> taken = answer.get();
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(*taken, "h");
  EXPECT_EQ(life.hosts.taken_over(), std::vector<std::string>{"h"});
  life.hosts.takeover_failure = Error{ErrorKind::kUnreachable, "h: no route"};
  EXPECT_EQ(life.service->Submit(engine::TakeOver{"h", "alice", "again"}).error().kind,
            ErrorKind::kUnreachable);
  life.service->Stop();
  const std::vector<std::string> recorded = life.Recorded();
  EXPECT_NE(recorded[recorded.size() - 2].find("the old one is gone"), std::string::npos);
  EXPECT_NE(recorded.back().find("host_takeover"), std::string::npos);
}

TEST(Service, AReloadCountsForLaterRequestsAndABadOneChangesNothing) {
  const TestDirectory directory;
  bool good = false;
  int applied = 0;
  std::vector<bool> told;
  Life life(directory, [&](ServiceOptions& options) {
    options.read_configuration = [&]() -> Result<Reconfigure> {
      if (!good) return Fail(ErrorKind::kInvalid, "actuator.yml:1:1: no");
      engine::EngineConfig config = QuickConfig();
      config.triggers.clear();
      return Reconfigure{
          .config = config, .plans = std::make_shared<FakePlans>(), .applied = [&] { ++applied; }};
    };
    options.on_reloaded = [&](const Status& status) { told.push_back(status.has_value()); };
  });
  life.StartAndWait();
  EXPECT_EQ(life.service->Reload().error().message, "actuator.yml:1:1: no");
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  good = true;
  EXPECT_TRUE(life.service->Reload());
  EXPECT_EQ(applied, 1);
  ASSERT_TRUE(life.service->Submit(Firing("2")));
  const auto alerts = life.Alerts();
  ASSERT_FALSE(alerts.empty());
  EXPECT_EQ(alerts[0].decided.decision, engine::Decision::kIgnored);
  // While the journal cannot be written a reload is refused as a whole.
  life.store.FailWith(kDiskFull);
  EXPECT_FALSE(life.service->Submit(Firing("3")));
  EXPECT_FALSE(life.service->Reload());
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(told, (std::vector<bool>{false, true, false}));
}

// Not at the next event or look at the clock: there may be none for a minute, or for ever.
TEST(Service, AReloadedCalendarLetsARunStartAtOnce) {
  const TestDirectory directory;
  auto closed = std::make_shared<engine::SpanCalendar>();
  closed->spans["closed"] = {{WallTime(), WallTime() + std::chrono::days(40'000)}};
  closed->always_blackouts = {"closed"};
  Life life(directory, [&](ServiceOptions& options) {
    options.engine.calendar = closed;
    options.read_configuration = []() -> Result<Reconfigure> {
      return Reconfigure{
          .config = QuickConfig(), .plans = std::make_shared<FakePlans>(), .applied = {}};
    };
  });
  life.StartAndWait();
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.service->Look()->unfinished.size() == 1; }));
  EXPECT_EQ(life.service->Look()->unfinished[0].state, engine::RunState::kQueued);
  EXPECT_TRUE(life.service->Reload());
  EXPECT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
}

TEST(Service, AReloadThatTakesAHostAwayFromAnUnfinishedRunIsRefused) {
  const TestDirectory directory;
  std::string known = "h";
  Life life(directory, [&](ServiceOptions& options) {
    options.read_configuration = [&]() -> Result<Reconfigure> {
      return Reconfigure{.config = QuickConfig(),
                         .plans = std::make_shared<FakePlans>(),
                         .applied = {},
                         .knows_host = [&](const std::string& host) { return host == known; }};
    };
  });
  life.StartAndWait();
  ASSERT_TRUE(life.service->Submit(Start("guarded")));
  EXPECT_TRUE(life.service->Reload());
  known = "other";
  const Status refused = life.service->Reload();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("no host \"h\""), std::string::npos);
}

}  // namespace
}  // namespace mailhub::service
