// Questions that change nothing: what a notification would do, and cooldowns.
#include <gtest/gtest.h>

#include "actuator/engine/testing_trial.h"
#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

TEST(Trial, IsWhatTheNotificationThenDoesAndLeavesNoTrace) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const uint64_t recorded = life.journal->last_seq();
  const int appends = life.store.appends();
  const auto tried = life.service->Try(Firing("1"));
  ASSERT_TRUE(tried) << tried.error().message;
  ASSERT_EQ(tried->size(), 1U);
  EXPECT_EQ(tried->at(0).decided.decision, engine::Decision::kStartedRun);
  EXPECT_EQ(life.journal->last_seq(), recorded);
  EXPECT_EQ(life.store.appends(), appends);
  EXPECT_EQ(life.hosts.requests(), 0U);
  EXPECT_TRUE(life.service->Look()->unfinished.empty());
  EXPECT_TRUE(life.service->Look()->episodes.empty());

  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  const auto alerts = life.Alerts();
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].decided.decision, tried->at(0).decided.decision);
  EXPECT_EQ(alerts[0].decided.detail, tried->at(0).decided.detail);
  EXPECT_EQ(life.service->Try(Firing("1"))->at(0).decided.decision, engine::Decision::kRepeat);
}

TEST(Trial, IsRefusedWhileTheJournalCannotBeWritten) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(kDiskFull);
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  const auto tried = life.service->Try(Firing("2"));
  ASSERT_FALSE(tried) << "the notification would be refused, too";
  EXPECT_EQ(tried.error().kind, ErrorKind::kOverloaded);
}

}  // namespace
}  // namespace mailhub::service
