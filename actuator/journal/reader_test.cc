// JournalReader: what it finds in the past, in which order, and where a search ends.
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
using testing::Texts;
using testing::WholeRun;

// The first `most` of what `read` finds.
template <typename T, typename Read>
Result<std::vector<T>> First(size_t most, Read read) {
  std::vector<T> found;
  const auto status = read([&](T one) {
    found.push_back(std::move(one));
    return found.size() < most;
  });
  if (!status) return Fail(status.error());
  return found;
}
Result<std::vector<engine::PastRun>> FinishedRuns(const JournalReader& reader, size_t most,
                                                  const engine::RunFilter& filter = {}) {
  return First<engine::PastRun>(
      most, [&](const auto& each) { return reader.FinishedRuns(filter, each); });
}
Result<std::vector<engine::PastAlert>> Alerts(const JournalReader& reader, size_t most,
                                              const engine::AlertFilter& filter = {}) {
  return First<engine::PastAlert>(most,
                                  [&](const auto& each) { return reader.Alerts(filter, each); });
}
Result<std::vector<engine::Event>> RunEvents(const JournalReader& reader, const std::string& run,
                                             uint64_t after = 0) {
  return First<engine::Event>(1'000,
                              [&](const auto& each) { return reader.RunEvents(run, after, each); });
}

TEST(JournalReader, FinishedRunsComeNewestFirstAndByRunbook) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1), engine::RunResult::kFailed)));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const auto dropped = Numbered({engine::RunQueued{.plan = testing::SamplePlan(),
                                                   .trigger = "",
                                                   .fingerprint = "",
                                                   .by = "",
                                                   .only_if = "x"},
                                 engine::RunDropped{.why = "no longer true"}},
                                25, RunId(3));
  ASSERT_TRUE(journal->Append(dropped));
  const auto open = WholeRun(27, RunId(4));
  ASSERT_TRUE(journal->Append(std::span(open).first(6)));

  const JournalReader reader(directory / "journal.db");
  const auto runs = FinishedRuns(reader, 100);
  ASSERT_TRUE(runs) << runs.error().message;
  ASSERT_EQ(runs->size(), 3u);
  EXPECT_EQ((*runs)[0].id, RunId(3));
  EXPECT_EQ((*runs)[0].result, engine::RunResult::kDropped);
  EXPECT_EQ((*runs)[0].detail, "no longer true");
  EXPECT_FALSE((*runs)[0].started);
  EXPECT_EQ((*runs)[1].id, RunId(2));
  EXPECT_EQ((*runs)[1].detail, "as planned");
  EXPECT_EQ((*runs)[1].by, "alice");
  EXPECT_EQ((*runs)[1].target, "mailhub2");
  EXPECT_EQ((*runs)[1].queued, kNow + Seconds(13));
  EXPECT_EQ((*runs)[1].started, kNow + Seconds(14));
  EXPECT_EQ((*runs)[1].finished, kNow + Seconds(23));
  EXPECT_EQ((*runs)[2].result, engine::RunResult::kFailed);
  const auto older = FinishedRuns(reader, 100, {.before = (*runs)[1].seq});
  ASSERT_TRUE(older);
  ASSERT_EQ(older->size(), 1u);
  EXPECT_EQ((*older)[0].id, (*runs)[2].id);
  EXPECT_EQ(FinishedRuns(reader, 2, {.runbook = "directory-restart"})->size(), 2u);
  EXPECT_TRUE(FinishedRuns(reader, 2, {.runbook = "mailhub-rebuild"})->empty());
  EXPECT_EQ(FinishedRuns(reader, 9, {.result = "failed"})->at(0).id, RunId(1));
  EXPECT_EQ(FinishedRuns(reader, 9, {.target = "mailhub2"})->size(), 3u);
  EXPECT_TRUE(FinishedRuns(reader, 9, {.target = ""})->empty()) << "each has one";
}

TEST(JournalReader, AlertsComeNewestFirst) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  std::vector<engine::EventBody> bodies;
  for (int i = 0; i < 5; ++i) {
    engine::AlertDecided decided;
    decided.alertname = "A" + std::to_string(i);
    bodies.emplace_back(decided);
  }
  ASSERT_TRUE(journal->Append(Numbered(std::move(bodies), 1, "")));
  const auto alerts = Alerts(JournalReader(directory / "journal.db"), 2);
  ASSERT_TRUE(alerts);
  ASSERT_EQ(alerts->size(), 2u);
  EXPECT_EQ((*alerts)[0].decided.alertname, "A4");
  EXPECT_EQ((*alerts)[1].decided.alertname, "A3");
}

// What a search finds, and where it ended.
struct Found {
  std::vector<uint64_t> seqs;
  uint64_t unseen = 0;
};
Found FindAlerts(const JournalReader& reader, const engine::AlertFilter& filter) {
  Found found;
  const auto unseen = reader.Alerts(filter, [&](const engine::PastAlert& alert) {
    found.seqs.push_back(alert.seq);
    return true;
  });
  EXPECT_TRUE(unseen);
  found.unseen = unseen.value_or(0);
  return found;
}

TEST(JournalReader, FindsDecisionsByNameFingerprintRunAndDecisionHoweverOldTheyAre) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  std::vector<engine::EventBody> bodies;
  for (int i = 0; i < 10'050; ++i) {
    engine::AlertDecided decided;
    decided.alertname = i == 3 ? "Old" : "New";
    decided.fingerprint = i == 3 ? "00ff12ab34cd56ef" : "ffffffffffffffff";
    decided.decision = i == 3 ? engine::Decision::kStartedRun : engine::Decision::kIgnored;
    decided.run = i == 3 ? RunId(1) : "";
    bodies.emplace_back(decided);
  }
  ASSERT_TRUE(journal->Append(Numbered(std::move(bodies), 1, "")));
  const JournalReader reader(directory / "journal.db");
  const engine::AlertFilter filters[] = {{"Old", "", "", "", 0},
                                         {"", "00ff12ab34cd", "", "", 0},
                                         {"", "", "started_run", "", 0},
                                         {"", "", "", RunId(1).substr(0, 12), 0},
                                         {"Old", "", "", "", 5}};
  for (engine::AlertFilter filter : filters) {
    Found found = FindAlerts(reader, filter);
    if (filter.before == 0) {
      EXPECT_TRUE(found.seqs.empty());
      EXPECT_EQ(found.unseen, 51u) << "10,000 of them are looked at";
      filter.before = found.unseen;
      found = FindAlerts(reader, filter);
    }
    EXPECT_EQ(found.seqs, std::vector<uint64_t>{4});
    EXPECT_EQ(found.unseen, 0u);
  }
  // Exactly as many as are looked at: there is no more.
  EXPECT_EQ(FindAlerts(reader, {"Old", "", "", "", 10'001}).unseen, 0u);
  EXPECT_EQ(FindAlerts(reader, {"Old", "", "", "", 10'002}).unseen, 2u);
  EXPECT_TRUE(Alerts(reader, 10, {"Old", "", "ignored", "", 0})->empty());
  EXPECT_TRUE(Alerts(reader, 10, {"", "' OR 1=1 --", "", "", 0})->empty());
  const auto page = Alerts(reader, 2, {"", "", "", "", 100});
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ((*page)[0].seq, 99u);
  EXPECT_EQ((*page)[1].seq, 98u);
}

TEST(JournalReader, LooksAtABoundedNumberOfRunsAtATime) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  constexpr uint64_t kRuns = engine::kMostLookedAt + 2;
  std::vector<engine::Event> events;
  for (uint64_t run = 1; run <= kRuns; ++run) {
    engine::RunQueued queued{
        .plan = testing::SamplePlan(), .trigger = "", .fingerprint = "", .by = "", .only_if = "x"};
    if (run == 1) queued.plan.target = "x500";
    for (engine::Event& event : Numbered({queued, engine::RunDropped{.why = "no longer true"}},
                                         2 * run - 1, RunId(static_cast<int>(run))))
      events.push_back(std::move(event));
  }
  ASSERT_TRUE(journal->Append(events));
  const JournalReader reader(directory / "journal.db");
  std::vector<uint64_t> seqs;
  const auto find = [&](uint64_t before) {
    return reader
        .FinishedRuns({.target = "x500", .before = before},
                      [&](const engine::PastRun& run) {
                        seqs.push_back(run.seq);
                        return true;
                      })
        .value();
  };
  const uint64_t unseen = find(0);
  EXPECT_EQ(unseen, 5u) << "the two oldest ended with events 4 and 2";
  EXPECT_TRUE(seqs.empty());
  EXPECT_EQ(find(unseen), 0u);
  EXPECT_EQ(seqs, std::vector<uint64_t>{2});
}

TEST(JournalReader, ARunIsFoundByAUniquePrefix) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto one = WholeRun(1, RunId(1));
  ASSERT_TRUE(journal->Append(one));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const JournalReader reader(directory / "journal.db");
  const auto events = RunEvents(reader, RunId(1).substr(0, 8));
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(Texts(*events), Texts(one));
  EXPECT_EQ(RunEvents(reader, RunId(1))->size(), 12u);
  const auto rest = RunEvents(reader, RunId(1), 10);
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ((*rest)[0].seq, 11u);
}

TEST(JournalReader, AmbiguousShortAndUnknownRunsAreErrors) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1))));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const JournalReader reader(directory / "journal.db");
  EXPECT_EQ(RunEvents(reader, "000000").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunEvents(reader, "0000").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunEvents(reader, "").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunEvents(reader, "ffffffff").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(RunEvents(reader, "' OR 1=1 --").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(Alerts(JournalReader(directory / "none.db"), 1).error().kind, ErrorKind::kNotFound);
}

TEST(JournalReader, EventsAfterOneComeInOrderAndWithoutDecisions) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  auto events = WholeRun(1, RunId(1));
  events.push_back({.seq = 13, .at = kNow, .run = "", .body = engine::AlertDecided{}});
  events.push_back({.seq = 14, .at = kNow, .run = "", .body = engine::ModeChanged{}});
  ASSERT_TRUE(journal->Append(events));
  const JournalReader reader(directory / "journal.db");
  const auto after = [&](uint64_t seq, size_t most) {
    std::vector<uint64_t> numbers;
    EXPECT_TRUE(reader.EventsAfter(seq, [&](const engine::Event& event) {
      numbers.push_back(event.seq);
      return numbers.size() < most;
    }));
    return numbers;
  };
  EXPECT_EQ(after(10, 9), (std::vector<uint64_t>{11, 12, 14}));
  EXPECT_EQ(after(10, 2), (std::vector<uint64_t>{11, 12}));
  EXPECT_TRUE(after(14, 9).empty());
}

}  // namespace
}  // namespace mailhub::journal
