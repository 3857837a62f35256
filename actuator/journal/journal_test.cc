// One journal file: what is appended is there, and what a start needs is found.
#include "actuator/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "actuator/journal/codec.h"
#include "actuator/journal/sample_events.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"

namespace mailhub::journal {
namespace {

using testing::EveryBody;
using testing::kNow;
using testing::MustOpen;
using testing::Numbered;
using testing::RunId;
using testing::TestDirectory;
using testing::Texts;
using testing::WholeRun;

std::vector<std::string> AllOf(Journal& journal, Scope scope = Scope::kEverything) {
  std::vector<std::string> events;
  const Status s = journal.Replay(
      scope, [&events](const engine::Event& event) { events.push_back(testing::TextOf(event)); });
  EXPECT_TRUE(s) << s.error().message;
  return events;
}

TEST(Journal, AppendedEventsAreThereAfterReopening) {
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

TEST(Journal, ARetryMayCarryMoreThanTheCommittedEvents) {
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
  std::filesystem::create_symlink(directory / "journal.db", directory / "link.db");
  EXPECT_FALSE(Journal::Open(directory / "link.db", kNow)) << "the same file by another name";
  journal.reset();
  EXPECT_TRUE(Journal::Open(directory / "journal.db", kNow)) << "free again";
}

TEST(Journal, TheDirectoryMustExist) {
  const TestDirectory directory;
  const auto journal = Journal::Open(directory / "no/journal.db", kNow);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().kind, ErrorKind::kNotFound);
}

// Appends and numbers; has no other memory.
class Writer {
 public:
  explicit Writer(Journal* journal) : journal_(journal) {}

  void Run(const std::string& run, engine::Plan plan, size_t events,
           engine::RunResult result = engine::RunResult::kSucceeded) {
    auto all = WholeRun(next_, run, result);
    std::get<engine::RunQueued>(all[0].body).plan = std::move(plan);
    Append(std::span(all).first(events));
  }
  void Alert(const std::string& fingerprint, engine::Decision decision, const std::string& run,
             bool firing = true) {
    engine::AlertDecided alert;
    alert.fingerprint = fingerprint;
    alert.decision = decision;
    alert.run = run;
    alert.firing = firing;
    auto events = Numbered({alert}, next_, "");
    events[0].run = run;
    Append(events);
  }
  void Append(std::span<const engine::Event> events) {
    const Status done = journal_->Append(events);
    ASSERT_TRUE(done) << done.error().message;
    next_ += events.size();
  }
  uint64_t next() const { return next_; }

 private:
  Journal* journal_;
  uint64_t next_ = 1;
};

// A plan like the sample's, for one of several targets.
engine::Plan PlanFor(const std::string& target) {
  engine::Plan plan = testing::SamplePlan();
  plan.target = target;
  plan.parameters["first"] = target;
  return plan;
}

// Events by run; alerts under "alerts".
std::map<std::string, size_t> ShortReplay(Journal& journal) {
  std::map<std::string, size_t> seen;
  uint64_t previous = 0;
  const Status done = journal.Replay(Scope::kWhatStillMatters, [&](const engine::Event& event) {
    EXPECT_GT(event.seq, previous) << "in order";
    previous = event.seq;
    ++seen[std::holds_alternative<engine::AlertDecided>(event.body) ? "alerts" : event.run];
  });
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(previous, journal.last_seq()) << "the numbering goes on from the last event";
  return seen;
}

TEST(Journal, TheShortReplayHasOnlyTheOldRunsThatCooldownsAndExpectedDurationsNeed) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  writer.Run(RunId(1), PlanFor("mailhub1"), 12, engine::RunResult::kFailed);
  writer.Run(RunId(2), PlanFor("mailhub1"), 12, engine::RunResult::kFailed);
  writer.Run(RunId(3), PlanFor("mailhub3"), 12);
  for (int run = 100; run < 220; ++run) writer.Run(RunId(run), PlanFor("mailhub2"), 12);
  writer.Run(RunId(1000), PlanFor("mailhub2"), 11);
  writer.Run(RunId(1001), PlanFor("mailhub2"), 5);

  auto seen = ShortReplay(*journal);
  EXPECT_EQ(seen.count(RunId(1)), 0u) << "neither succeeded nor the last of its plan";
  EXPECT_EQ(seen[RunId(2)], 5u) << "the last one of its plan: a cooldown may rest on it";
  EXPECT_EQ(seen[RunId(3)], 5u) << "succeeded, and among the newest 50 of its target";
  EXPECT_EQ(seen.count(RunId(170)), 0u) << "51st of its target, and not among the newest shown";
  EXPECT_EQ(seen[RunId(171)], 12u) << "the newest 50 finished runs come whole";
  EXPECT_EQ(seen[RunId(219)], 12u);
  EXPECT_EQ(seen[RunId(1000)], 11u) << "not swept";
  EXPECT_EQ(seen[RunId(1001)], 5u) << "not finished";
}

TEST(Journal, TheShortReplayHasTheAlertsWhoseEpisodesAreOpenAndTheirRuns) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  using engine::Decision;
  for (const int run : {1, 2, 3, 4}) writer.Run(RunId(run), PlanFor("mailhub1"), 1);
  writer.Alert("open", Decision::kStartedRun, RunId(1));
  writer.Alert("joined", Decision::kJoined, RunId(1));
  writer.Alert("over", Decision::kStartedRun, RunId(2));
  writer.Alert("of a dropped run", Decision::kStartedRun, RunId(3));
  for (int i = 0; i < 50; ++i) writer.Alert("open", Decision::kRepeat, RunId(1));
  writer.Alert("over", Decision::kResolved, RunId(2), false);
  writer.Alert("over", Decision::kLate, "");  // hides nothing
  writer.Alert("anew", Decision::kResolved, "", false);
  writer.Alert("anew", Decision::kStartedRun, RunId(1));  // does not hide the end before it
  writer.Alert("over by a cancel", Decision::kStartedRun, RunId(4));
  writer.Alert("over by a cancel", Decision::kCancelled, RunId(4), false);
  for (const int run : {1, 2, 4}) {
    auto rest = WholeRun(writer.next() - 1, RunId(run), engine::RunResult::kFailed);
    writer.Append(std::span(rest).subspan(1));
  }
  writer.Append(Numbered({engine::RunDropped{.why = "x"}}, writer.next(), RunId(3)));
  for (int run = 100; run < 160; ++run) writer.Run(RunId(run), PlanFor("mailhub1"), 12);
  writer.Alert("nobody's", Decision::kIgnored, "");

  auto seen = ShortReplay(*journal);
  EXPECT_EQ(seen["alerts"], 8u) << "three episodes are open, one of them heard again; three ends "
                                   "were told; and the last event";
  EXPECT_EQ(seen[RunId(1)], 5u) << "the episodes need to know when their run finished";
  EXPECT_EQ(seen.count(RunId(2)), 0u);
  EXPECT_EQ(seen.count(RunId(3)), 0u);
}

TEST(Journal, TheShortReplayHasEndsAndRepeatsHoweverManyOtherAlertsCameSince) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  using engine::Decision;
  writer.Run(RunId(1), PlanFor("mailhub1"), 1);
  writer.Alert("open", Decision::kStartedRun, RunId(1));
  writer.Alert("open", Decision::kRepeat, RunId(1));
  writer.Alert("over", Decision::kResolved, "", false);
  writer.Alert("nobody's", Decision::kIgnored, "", false);
  for (int i = 0; i < 1100; ++i) writer.Alert("nobody's", Decision::kIgnored, "");
  EXPECT_EQ(ShortReplay(*journal)["alerts"], 5u) << "four of those before, and the last event";
}

TEST(Journal, TheShortReplayForgetsARunThatNeverTouchedAHost) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  for (const int run : {1, 2}) {
    // Cancelled in the queue: no host has anything to sweep.
    writer.Run(RunId(run), PlanFor("mailhub1"), 1);
    writer.Append(
        Numbered({engine::RunFinished{.result = engine::RunResult::kCancelled, .detail = ""}},
                 writer.next(), RunId(run)));
  }
  for (int run = 100; run < 160; ++run) writer.Run(RunId(run), PlanFor("mailhub1"), 12);
  EXPECT_EQ(ShortReplay(*journal).count(RunId(1)), 0u);
}

}  // namespace
}  // namespace mailhub::journal
