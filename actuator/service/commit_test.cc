// Commits that wait or fail: nothing is answered or done before its record is on disk.
#include <gtest/gtest.h>

#include <future>

#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

TEST(Service, WhileNoCommitSucceedsNothingIsDoneAndNothingNewIsTaken) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(kDiskFull);
  const Result<std::string> answer = life.service->Submit(Firing("1"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kOutcomeUnknown) << "it is kept";
  EXPECT_NE(answer.error().message.find("disk full"), std::string::npos);
  EXPECT_FALSE(life.service->Ready());
  const Result<std::string> next = life.service->Submit(Firing("2"));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, ErrorKind::kOverloaded);
  EXPECT_NE(next.error().message.find("disk full"), std::string::npos) << "refused at once";
  // Several more tries fail; still nothing reaches a host, and people see the committed state.
  const int seen = life.store.appends();
  ASSERT_TRUE(life.store.WaitForAppend(seen + 3));
  EXPECT_EQ(life.hosts.requests(), 0u);
  EXPECT_TRUE(life.service->Look()->unfinished.empty());
  EXPECT_GT(life.observer.failures(), 3);

  life.store.FailWith(std::nullopt);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; })) << "what was kept goes on";
  EXPECT_TRUE(life.service->Ready());
  EXPECT_TRUE(life.service->Submit(Firing("2")));
}

TEST(Service, ACommitThatHappenedButWasReportedFailedIsRecordedOnce) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(Error{ErrorKind::kOutcomeUnknown, "I/O error"}, /*happens=*/true);
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  life.store.FailWith(std::nullopt);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  life.service->Stop();
  size_t queued = 0;
  for (const std::string& event : life.Recorded()) {
    queued += event.find(" run_queued ") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(queued, 1u);
  EXPECT_EQ(life.hosts.ran().size(), 1u);
}

TEST(Service, NoEffectLeavesBeforeItsIntentIsCommitted) {
  const TestDirectory directory;
  Life life(directory);
  std::mutex mutex;
  std::vector<std::string> unannounced;
  const journal::JournalReader reader(directory / "j.db");
  life.hosts.on_request = [&](const engine::RemoteRequest& request) {
    if (request.verb != engine::RemoteVerb::kRun) return;
    bool announced = false;
    const std::string run = request.key.substr(0, request.key.find('/'));
    static_cast<void>(reader.RunEvents(run, 0, [&](const engine::Event& event) {
      announced = announced || std::holds_alternative<engine::StepStarted>(event.body);
      return !announced;
    }));
    const std::lock_guard lock(mutex);
    if (!announced) unannounced.push_back(request.key);
  };
  life.StartAndWait();
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(life.service->Submit(Firing(std::to_string(i))));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 5; }));
  EXPECT_EQ(life.hosts.ran().size(), 5u);
  EXPECT_TRUE(unannounced.empty()) << unannounced.front();
}

TEST(Service, DeadMenAreRenewedWhileACommitWaitsOrFails) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) { options.patience = Milliseconds(20); });
  life.StartAndWait();
  (void)life.service->Submit(Start("guarded"));
  ASSERT_TRUE(life.Eventually([&] {
    const auto view = life.service->Look();
    return !view->unfinished.empty() && view->unfinished[0].steps[1].attempt > 0;
  }));
  const auto renewed = [&] { return life.hosts.Asked(engine::RemoteVerb::kRenew); };
  // A disk that does not respond.
  life.store.Block(true);
  (void)life.service->Submit(Firing("1"));
  size_t before = renewed();
  EXPECT_TRUE(life.Eventually([&] { return renewed() >= before + 4; }));
  // Then a full disk.
  life.store.FailWith(kDiskFull);
  life.store.Block(false);
  before = renewed();
  EXPECT_TRUE(life.Eventually([&] { return renewed() >= before + 4; }));
  // The results count: the lease is known to be armed, without a gap.
  life.store.FailWith(std::nullopt);
  ASSERT_TRUE(life.Eventually([&] { return life.service->Ready(); }));
  EXPECT_EQ(life.service->Look()->unfinished[0].dead_men.at(0).phase, engine::DeadManPhase::kArmed);
}

TEST(Service, ShowsTheRealStateOfDeadMenWhileACommitWaitsOrFails) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) { options.patience = Milliseconds(20); });
  life.StartAndWait();
  (void)life.service->Submit(Start("guarded"));
  const auto phase = [&] {
    const auto view = life.service->Look();
    const bool guarded = !view->unfinished.empty() && !view->unfinished[0].dead_men.empty();
    return guarded ? std::optional(view->unfinished[0].dead_men[0].phase) : std::nullopt;
  };
  ASSERT_TRUE(life.Eventually([&] { return phase() == engine::DeadManPhase::kArmed; }));
  life.store.Block(true);
  (void)life.service->Submit(Firing("1"));
  life.hosts.BeAway(true);
  EXPECT_TRUE(life.Eventually([&] { return phase() == engine::DeadManPhase::kUnconfirmed; }));
  life.store.FailWith(kDiskFull);
  life.store.Block(false);
  life.hosts.BeAway(false);
  EXPECT_TRUE(life.Eventually([&] { return phase() == engine::DeadManPhase::kArmed; }));
  EXPECT_FALSE(life.service->Ready());
  EXPECT_EQ(life.service->Look()->unfinished.size(), 1U) << "nothing else that is not recorded";
}

TEST(Service, IsNotReadyWhileACommitHasBeenPendingTooLong) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) {
    options.patience = Milliseconds(20);
    options.longest_commit = Milliseconds(100);
  });
  life.StartAndWait();
  life.store.Block(true);  // a disk that does not respond
  const Result<std::string> pending = life.service->Submit(Firing("1"));
  ASSERT_FALSE(pending);
  EXPECT_TRUE(life.Eventually([&] { return !life.service->Ready(); }));
  const Result<std::string> next = life.service->Submit(Firing("2"));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, ErrorKind::kOverloaded);
  EXPECT_NE(next.error().message.find("the journal does not answer"), std::string::npos)
      << next.error().message;
  EXPECT_EQ(life.observer.failures(), 0) << "nothing has failed yet";
  life.store.Block(false);
  EXPECT_TRUE(life.Eventually([&] { return life.service->Ready(); }));
  EXPECT_TRUE(life.Eventually([&] { return life.Finished() == 1; })) << "what was kept goes on";
  EXPECT_TRUE(life.Eventually([&] { return life.service->Submit(Firing("2")).has_value(); }));
}

TEST(Service, AJournalThatContradictsItselfEndsEverything) {
  const TestDirectory directory;
  std::promise<Error> fatal;
  Life life(directory, [&fatal](ServiceOptions& options) {
    options.on_fatal = [&fatal](const Error& error) { fatal.set_value(error); };
  });
  life.StartAndWait();
  life.store.FailWith(Error{ErrorKind::kCorrupt, "another process has written"});
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  auto told = fatal.get_future();
  ASSERT_EQ(told.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(told.get().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(life.service->Ready());
  EXPECT_FALSE(life.service->Submit(Firing("2")));
  EXPECT_EQ(life.hosts.requests(), 0u);
}

}  // namespace
}  // namespace mailhub::service
