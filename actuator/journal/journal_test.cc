#include "actuator/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "actuator/journal/codec.h"
#include "actuator/journal/sample_events.h"
#include "actuator/journal/test_directory.h"

namespace mailhub::journal {
namespace {

using testing::EveryBody;
using testing::Numbered;
using testing::TestDirectory;
using testing::WholeRun;

constexpr WallTime kNow = WallTime(Milliseconds(1'700'000'000'000));

std::unique_ptr<Journal> MustOpen(const std::string& path) {
  Result<std::unique_ptr<Journal>> journal = Journal::Open(path, kNow);
  EXPECT_TRUE(journal) << journal.error().message;
  return journal ? std::move(*journal) : nullptr;
}

std::vector<std::string> AllOf(Journal& journal, Scope scope = Scope::kEverything) {
  std::vector<std::string> events;
  const Status s = journal.Replay(
      scope, [&events](const engine::Event& event) { events.push_back(ToJson(event)); });
  EXPECT_TRUE(s) << s.error().message;
  return events;
}

std::vector<std::string> Texts(const std::vector<engine::Event>& events) {
  std::vector<std::string> texts;
  texts.reserve(events.size());
  for (const engine::Event& event : events) texts.push_back(ToJson(event));
  return texts;
}

std::string RunId(int number) {
  std::string digits = std::to_string(number);
  return std::string(8 - digits.size(), '0') + digits + std::string(24, 'a');
}

TEST(Journal, WhatWasAppendedIsThereAfterReopening) {
  const TestDirectory directory;
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  std::string id;
  {
    const auto journal = MustOpen(directory / "journal.db");
    id = journal->id();
    EXPECT_EQ(journal->last_seq(), 0u);
    ASSERT_TRUE(journal->Append(std::span(events).first(5)));
    ASSERT_TRUE(journal->Append(std::span(events).subspan(5)));
    EXPECT_EQ(journal->last_seq(), events.size());
  }
  const auto journal = MustOpen(directory / "journal.db");
  EXPECT_EQ(journal->id(), id);
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(journal->last_seq(), events.size());
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, EachJournalHasAnIdentityOfItsOwn) {
  const TestDirectory directory;
  EXPECT_NE(MustOpen(directory / "a.db")->id(), MustOpen(directory / "b.db")->id());
}

TEST(Journal, TheFileIsForItsOwnerOnly) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(Numbered(EveryBody(), 1, RunId(1))));
  for (const char* name : {"journal.db", "journal.db-wal", "journal.db.lock"}) {
    struct stat status {};
    ASSERT_EQ(::stat((directory / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

TEST(Journal, AppendingTheSameAgainChangesNothing) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  ASSERT_TRUE(journal->Append(events));
  const Status again = journal->Append(events);
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, ARetryMayCarryMoreThanWhatHappenedToBeCommitted) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  ASSERT_TRUE(journal->Append(std::span(events).first(4)));
  ASSERT_TRUE(journal->Append(events));
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, OtherContentUnderATakenNumberIsCorruption) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  ASSERT_TRUE(journal->Append(events));
  auto later = events;
  later[4].at += Milliseconds(1);
  auto renamed = events;
  renamed[4].run = RunId(2);
  auto other = events;
  std::get<engine::RunDropped>(other[5].body).why = "another reason";
  for (const auto& changed : {later, renamed, other}) {
    const Status s = journal->Append(changed);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  }
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, ANumberLeftOutIsCorruptionAndNothingIsRecorded) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  auto events = Numbered(EveryBody(), 1, RunId(1));
  events[3].seq = 40;
  const Status s = journal->Append(events);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  EXPECT_TRUE(AllOf(*journal).empty()) << "the three before it are rolled back too";
  EXPECT_FALSE(journal->Append(Numbered(EveryBody(), 2, RunId(1)))) << "must begin at 1";
  EXPECT_TRUE(journal->Append(Numbered(EveryBody(), 1, RunId(1)))) << "usable after errors";
}

TEST(Journal, ASecondActuatorIsRefusedWithASentence) {
  const TestDirectory directory;
  auto journal = MustOpen(directory / "journal.db");
  const auto second = Journal::Open(directory / "journal.db", kNow);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kRefused);
  EXPECT_NE(second.error().message.find("another actuator (pid " + std::to_string(::getpid())),
            std::string::npos)
      << second.error().message;
  journal.reset();
  EXPECT_TRUE(Journal::Open(directory / "journal.db", kNow)) << "free again";
}

TEST(Journal, TheDirectoryMustExist) {
  const TestDirectory directory;
  const auto journal = Journal::Open(directory / "no/journal.db", kNow);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().kind, ErrorKind::kNotFound);
}

TEST(Journal, TheShortReplayLeavesOutOnlyStepsOfLongFinishedRuns) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  uint64_t next = 1;
  for (int run = 0; run < 60; ++run) {
    const auto events = WholeRun(next, RunId(run));
    next += events.size();
    ASSERT_TRUE(journal->Append(events));
  }
  const auto unswept = WholeRun(next, RunId(1000));
  ASSERT_TRUE(journal->Append(std::span(unswept).first(unswept.size() - 1)));
  next += unswept.size() - 1;
  const auto unfinished = WholeRun(next, RunId(1001));
  ASSERT_TRUE(journal->Append(std::span(unfinished).first(5)));

  std::map<std::string, size_t> seen;
  uint64_t previous = 0;
  ASSERT_TRUE(journal->Replay(Scope::kWhatStillMatters, [&](const engine::Event& event) {
    EXPECT_GT(event.seq, previous) << "in order";
    previous = event.seq;
    ++seen[event.run];
  }));
  EXPECT_EQ(seen.size(), 62u);
  EXPECT_EQ(seen[RunId(0)], 5u);
  EXPECT_EQ(seen[RunId(10)], 5u);
  EXPECT_EQ(seen[RunId(11)], 12u) << "the newest 50 finished runs come whole";
  EXPECT_EQ(seen[RunId(59)], 12u);
  EXPECT_EQ(seen[RunId(1000)], 11u) << "not swept";
  EXPECT_EQ(seen[RunId(1001)], 5u) << "not finished";
}

// --- the reader

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
  const auto runs = reader.FinishedRuns("", 100);
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
  EXPECT_EQ(reader.FinishedRuns("directory-restart", 2)->size(), 2u);
  EXPECT_TRUE(reader.FinishedRuns("mailhub-rebuild", 2)->empty());
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
  const auto alerts = JournalReader(directory / "journal.db").Alerts(2);
  ASSERT_TRUE(alerts);
  ASSERT_EQ(alerts->size(), 2u);
  EXPECT_EQ(std::get<engine::AlertDecided>((*alerts)[0].body).alertname, "A4");
  EXPECT_EQ(std::get<engine::AlertDecided>((*alerts)[1].body).alertname, "A3");
}

TEST(JournalReader, ARunIsFoundByAUniquePrefix) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto one = WholeRun(1, RunId(1));
  ASSERT_TRUE(journal->Append(one));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const JournalReader reader(directory / "journal.db");
  const auto events = reader.RunEvents(RunId(1).substr(0, 8));
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(Texts(*events), Texts(one));
  EXPECT_EQ(reader.RunEvents(RunId(1))->size(), 12u);
}

TEST(JournalReader, AmbiguousShortAndUnknownRunsAreErrors) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1))));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const JournalReader reader(directory / "journal.db");
  EXPECT_EQ(reader.RunEvents("000000").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(reader.RunEvents("0000").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(reader.RunEvents("").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(reader.RunEvents("ffffffff").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(reader.RunEvents("' OR 1=1 --").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(JournalReader(directory / "none.db").Alerts(1).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace mailhub::journal
