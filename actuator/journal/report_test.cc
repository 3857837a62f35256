// JournalReader::Report: what it counts of each run's events.
#include <gtest/gtest.h>

#include "actuator/journal/journal.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"

namespace mailhub::journal {
namespace {

using testing::kNow;
using testing::MustOpen;
using testing::Numbered;
using testing::RunId;
using testing::TestDirectory;
using testing::WholeRun;

std::vector<engine::ReportedRun> Report(const std::string& path,
                                        const engine::RunFilter& filter = {}) {
  std::vector<engine::ReportedRun> found;
  const auto unseen =
      JournalReader(path).Report(filter, [&found](const engine::ReportedRun& report) {
        found.push_back(report);
        return true;
      });
  EXPECT_TRUE(unseen) << unseen.error().message;
  return found;
}

engine::RunHeld Held(engine::HoldReason reason) {
  return {.path = "1", .reason = reason, .detail = ""};
}

// A run of 11 events that held three times and was decided about by two people.
std::vector<engine::Event> TroubledRun(uint64_t first, const std::string& run) {
  using namespace engine;  // NOLINT
  return Numbered(
      {RunQueued{.plan = testing::SamplePlan(),
                 .trigger = "",
                 .fingerprint = "",
                 .by = "alice",
                 .only_if = ""},
       RunStarted{}, Held(HoldReason::kGateShut),
       OperatorActed{.verb = Verb::kRetry, .path = "1", .by = "bob", .detail = "", .hold = 1},
       Held(HoldReason::kStepFailed),
       OperatorActed{.verb = Verb::kRetry, .path = "1", .by = "bob", .detail = "", .hold = 2},
       Held(HoldReason::kGateShut),
       OperatorActed{.verb = Verb::kSkip, .path = "1", .by = "alice", .detail = "x", .hold = 3},
       RunEnding{.result = RunResult::kSucceeded, .detail = ""},
       RunFinished{.result = RunResult::kSucceeded, .detail = "", .worked = Milliseconds(2'500)},
       RunSwept{}},
      first, run);
}

TEST(JournalReport, CountsHoldsAndActsOfEachRunAndNoOthers) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1))));
  ASSERT_TRUE(journal->Append(TroubledRun(13, RunId(2))));
  const auto runs = Report(path);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].run.id, RunId(2));
  EXPECT_EQ(runs[0].worked, Milliseconds(2'500));
  ASSERT_EQ(runs[0].holds.size(), 2U);
  EXPECT_EQ(runs[0].holds[0].reason, engine::HoldReason::kGateShut);
  EXPECT_EQ(runs[0].holds[0].times, 2);
  EXPECT_EQ(runs[0].holds[1].times, 1);
  ASSERT_EQ(runs[0].acted.size(), 2U);
  EXPECT_EQ(runs[0].acted[0].by, "bob");
  EXPECT_EQ(runs[0].acted[0].verb, engine::Verb::kRetry);
  EXPECT_EQ(runs[0].acted[0].times, 2);
  EXPECT_EQ(runs[0].acted[1].by, "alice");
  EXPECT_TRUE(runs[1].holds.empty());
  EXPECT_TRUE(runs[1].acted.empty());
  EXPECT_EQ(runs[1].worked, std::nullopt) << "an older journal does not say it";
}

TEST(JournalReport, TakesTheRunsThatFinishedInTheTimeAskedFor) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  for (int run = 0; run < 3; ++run)
    ASSERT_TRUE(journal->Append(WholeRun(static_cast<uint64_t>(run) * 12 + 1, RunId(run))));
  const WallTime second = kNow + Seconds(23);  // its 11th event
  const auto ids = [&](const engine::RunFilter& filter) {
    std::string text;
    for (const engine::ReportedRun& report : Report(path, filter)) text += report.run.id[7];
    return text;
  };
  EXPECT_EQ(ids({.since = second}), "21");
  EXPECT_EQ(ids({.since = second + Milliseconds(1)}), "2");
  EXPECT_EQ(ids({.until = second}), "0");
  EXPECT_EQ(ids({.since = second, .until = second + Milliseconds(1)}), "1");
}

TEST(JournalReport, HasABoundedNumberOfPeople) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  std::vector<engine::EventBody> bodies = {engine::RunQueued{.plan = testing::SamplePlan(),
                                                             .trigger = "",
                                                             .fingerprint = "",
                                                             .by = "alice",
                                                             .only_if = ""}};
  for (size_t i = 0; i < engine::kMostActed + 2; ++i)
    bodies.emplace_back(engine::OperatorActed{.verb = engine::Verb::kPause,
                                              .path = "",
                                              .by = "person " + std::to_string(i),
                                              .detail = ""});
  bodies.emplace_back(engine::RunFinished{
      .result = engine::RunResult::kCancelled, .detail = "", .worked = Milliseconds(0)});
  ASSERT_TRUE(journal->Append(Numbered(std::move(bodies), 1, RunId(1))));
  const auto runs = Report(path);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].acted.size(), engine::kMostActed);
  EXPECT_EQ(runs[0].acted_more, 2);
  EXPECT_EQ(runs[0].worked, std::nullopt) << "it never started";
}

}  // namespace
}  // namespace mailhub::journal
