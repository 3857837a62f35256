// Retention: passes by themselves, and an end without delay.
#include "actuator/retention.h"

#include <gtest/gtest.h>

#include "actuator/journal/journal.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"
#include "actuator/journal/verify.h"

namespace mailhub {
namespace {

using journal::testing::MustOpen;
using journal::testing::RunId;
using journal::testing::TestDirectory;
using journal::testing::WholeRun;

uint64_t EventsIn(const std::string& path) {
  const auto verified = journal::Verify(path);
  EXPECT_TRUE(verified) << verified.error().message;
  return verified ? verified->events : 0;
}

// The events are of November 2023.
RetentionOptions Options(const std::string& path, const std::string& id) {
  return {.journal = path,
          .journal_id = id,
          .keep_decisions = Milliseconds(86'400'000),
          .keep_runs = Milliseconds(86'400'000),
          .first = Milliseconds(0),
          .between = Milliseconds(10),
          .pause = Milliseconds(0)};
}

TEST(Retention, RemovesWhatIsOldAndGoesOnDoingSo) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  const RealClock clock;
  const Retention retention(Options(path, journal->id()), &clock);
  uint64_t next = 1;
  for (int run = 0; run < 120; ++run, next += 12) {
    ASSERT_TRUE(journal->Append(WholeRun(next, RunId(run))));
    // A pass, and another one after it.
    if (run == 69 || run == 119)
      while (EventsIn(path) > 600) std::this_thread::yield();
  }
  EXPECT_EQ(EventsIn(path), 600U);
}

TEST(Retention, EndsAtOnceAndLeavesYoungEventsAlone) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  for (int run = 0; run < 70; ++run)
    ASSERT_TRUE(journal->Append(WholeRun(static_cast<uint64_t>(run) * 12 + 1, RunId(run))));
  const RealClock clock;
  const SteadyTime before = clock.Steady();
  {
    RetentionOptions options = Options(path, journal->id());
    options.first = Milliseconds(3'600'000);
    const Retention retention(options, &clock);
  }
  EXPECT_LT(clock.Steady() - before, Milliseconds(60'000));
  EXPECT_EQ(EventsIn(path), 70U * 12);
}

}  // namespace
}  // namespace mailhub
