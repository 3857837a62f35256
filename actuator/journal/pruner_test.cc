// Pruner: what goes, and that nothing goes which a start needs.
#include "actuator/journal/pruner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "actuator/journal/journal.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"
#include "actuator/journal/verify.h"

namespace mailhub::journal {
namespace {

using testing::kNow;
using testing::MustOpen;
using testing::Numbered;
using testing::RunId;
using testing::TestDirectory;
using testing::WholeRun;

constexpr KeepSince kNothing{.decisions = kNow + Seconds(1'000'000'000),
                             .runs = kNow + Seconds(1'000'000'000)};

Pruner MustOpenPruner(const std::string& path, const Journal& journal) {
  auto pruner = Pruner::Open(path, journal.id());
  if (!pruner) ADD_FAILURE() << pruner.error().message;
  return std::move(*pruner);
}

void Pass(Pruner* pruner, const KeepSince& keep) {
  for (;;) {
    const auto more = pruner->Step(keep);
    if (!more && more.error().kind == ErrorKind::kOverloaded) continue;  // the writer was faster
    ASSERT_TRUE(more) << more.error().message;
    if (!*more) return;
  }
}

std::vector<std::string> Replayed(Journal* journal, Scope scope) {
  std::vector<engine::Event> events;
  const Status read =
      journal->Replay(scope, [&events](const engine::Event& event) { events.push_back(event); });
  EXPECT_TRUE(read) << read.error().message;
  return testing::Texts(events);
}

engine::AlertDecided Alert(const std::string& fingerprint, engine::Decision decision,
                           bool firing = true) {
  engine::AlertDecided alert;
  alert.alertname = "A";
  alert.labels["alertname"] = "A";
  alert.fingerprint = fingerprint;
  alert.decision = decision;
  alert.firing = firing;
  return alert;
}

// Appends events one second apart; says how many there are.
class Past {
 public:
  explicit Past(Journal* journal) : journal_(journal) {}
  void Run(int number, engine::RunResult result = engine::RunResult::kSucceeded) {
    Put(WholeRun(next_, RunId(number), result));
  }
  void Happens(std::vector<engine::EventBody> bodies) {
    Put(Numbered(std::move(bodies), next_, ""));
  }
  uint64_t next() const { return next_; }

 private:
  void Put(const std::vector<engine::Event>& events) {
    const Status done = journal_->Append(events);
    ASSERT_TRUE(done) << done.error().message;
    next_ += events.size();
  }
  Journal* journal_;
  uint64_t next_ = 1;
};

TEST(Pruner, RemovesOldRunsWholeAndKeepsThoseThatAStartNeeds) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 80; ++run) past.Run(run);
  const auto before = Replayed(journal.get(), Scope::kWhatStillMatters);
  Pruner pruner = MustOpenPruner(path, *journal);
  Pass(&pruner, kNothing);
  EXPECT_EQ(pruner.removed_runs(), 30U) << "50 give the expected duration";
  EXPECT_EQ(pruner.removed_events(), 30U * 12);
  EXPECT_EQ(Replayed(journal.get(), Scope::kWhatStillMatters), before);
  EXPECT_EQ(Replayed(journal.get(), Scope::kEverything).size(), 50U * 12);
  const JournalReader reader(path);
  EXPECT_EQ(reader.RunEvents(RunId(29), 0, [](const auto&) { return true; }).error().kind,
            ErrorKind::kNotFound);
  EXPECT_TRUE(reader.RunEvents(RunId(30), 0, [](const auto&) { return true; }));
  const auto verified = Verify(path);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->events, 600U);
  EXPECT_EQ(verified->whole_from, 960U) << "the last event stays";
}

TEST(Pruner, SaysFromWhenOnAllRunsAreThere) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 70; ++run) past.Run(run);
  const JournalReader reader(path);
  EXPECT_EQ(reader.RunsWholeFrom().value(), std::nullopt);
  Pruner pruner = MustOpenPruner(path, *journal);
  // Old decisions go, and no run does.
  Pass(&pruner, {.decisions = kNow + Seconds(500), .runs = kNow});
  EXPECT_EQ(reader.RunsWholeFrom().value(), std::nullopt);
  Pass(&pruner, {.decisions = kNow, .runs = kNow + Seconds(61)});
  ASSERT_EQ(pruner.removed_runs(), 5U);
  const auto from = reader.RunsWholeFrom().value();
  ASSERT_TRUE(from);
  std::optional<WallTime> oldest;
  ASSERT_TRUE(reader.FinishedRuns({}, [&](const engine::PastRun& run) {
    oldest = run.finished;
    return true;
  }));
  EXPECT_LE(*from, *oldest) << "of those that are kept";
  EXPECT_EQ(*oldest - *from, Seconds(12) - Milliseconds(1)) << "the last removed one ended before";
  EXPECT_TRUE(Verify(path));
}

TEST(Pruner, TakesNothingThatIsYoung) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 70; ++run) past.Run(run);
  Pruner pruner = MustOpenPruner(path, *journal);
  // Run 4 ended with event 59 at second 59, and was swept a second later.
  Pass(&pruner, {.decisions = kNow, .runs = kNow + Seconds(59)});
  EXPECT_EQ(pruner.removed_runs(), 4U);
  EXPECT_EQ(Verify(path)->whole_from, 59U);
  Pass(&pruner, {.decisions = kNow, .runs = kNow + Seconds(60)});
  EXPECT_EQ(pruner.removed_runs(), 4U) << "its last event is not old enough";
  Pass(&pruner, {.decisions = kNow, .runs = kNow + Seconds(61)});
  EXPECT_EQ(pruner.removed_runs(), 5U);
}

TEST(Pruner, KeepsUnfinishedAndUnsweptRunsHoweverOld) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  const auto open = WholeRun(1, RunId(1000));
  ASSERT_TRUE(journal->Append(std::span(open).first(6)));
  const auto unswept = WholeRun(7, RunId(1001));
  ASSERT_TRUE(journal->Append(std::span(unswept).first(11)));
  for (int run = 0; run < 60; ++run)
    ASSERT_TRUE(journal->Append(WholeRun(static_cast<uint64_t>(run) * 12 + 18, RunId(run))));
  Pruner pruner = MustOpenPruner(path, *journal);
  Pass(&pruner, kNothing);
  EXPECT_EQ(pruner.removed_runs(), 10U);
  EXPECT_TRUE(JournalReader(path).RunEvents(RunId(1000), 0, [](const auto&) { return true; }));
  EXPECT_TRUE(JournalReader(path).RunEvents(RunId(1001), 0, [](const auto&) { return true; }));
  EXPECT_TRUE(Verify(path));
}

TEST(Pruner, KeepsOpenEpisodesTheirLastRepeatAndTheLastEndOfEachAlert) {
  using engine::Decision;
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  past.Happens({engine::ActuatorStarted{.epoch = 1, .version = "1"},
                Alert("open", Decision::kObserved), Alert("open", Decision::kRepeat),
                Alert("open", Decision::kRepeat), Alert("over", Decision::kObserved),
                Alert("over", Decision::kRepeat), Alert("over", Decision::kResolved, false),
                Alert("over", Decision::kResolved, false), Alert("x", Decision::kIgnored),
                engine::ModeChanged{.mode = engine::Mode::kActive, .by = "a"},
                engine::HostTakeover{.host = "x500", .by = "a", .detail = "r"},
                Alert("y", Decision::kIgnored), Alert("z", Decision::kIgnored)});
  const auto before = Replayed(journal.get(), Scope::kWhatStillMatters);
  Pruner pruner = MustOpenPruner(path, *journal);
  Pass(&pruner, kNothing);
  EXPECT_EQ(Replayed(journal.get(), Scope::kWhatStillMatters), before);
  std::string kept;
  for (const std::string& event : Replayed(journal.get(), Scope::kEverything))
    kept += event.substr(0, event.find(' ')) + " ";
  EXPECT_EQ(kept, "1 2 4 8 10 11 13 ") << "13 is the last";
  const auto verified = Verify(path);
  EXPECT_TRUE(verified) << verified.error().message;
}

TEST(Pruner, HasTwoAges) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 60; ++run) {
    past.Run(run);
    past.Happens({Alert("a", engine::Decision::kIgnored)});
  }
  Pruner pruner = MustOpenPruner(path, *journal);
  Pass(&pruner, {.decisions = kNow + Seconds(700), .runs = kNow});
  EXPECT_EQ(pruner.removed_runs(), 0U);
  EXPECT_EQ(pruner.removed_events(), 53U) << "every 13th of 699";
  EXPECT_TRUE(Verify(path));
  Pass(&pruner, {.decisions = kNow, .runs = kNow + Seconds(131)});
  EXPECT_EQ(pruner.removed_runs(), 10U);
  EXPECT_TRUE(Verify(path));
}

TEST(Pruner, NeverHidesALoss) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  {
    const auto journal = MustOpen(path);
    Past past(journal.get());
    for (int run = 0; run < 80; ++run) past.Run(run);
    Pruner pruner = MustOpenPruner(path, *journal);
    // The half of it.
    Pass(&pruner, {.decisions = kNow, .runs = kNow + Seconds(500)});
    auto database = Database::Open(path, Database::Access::kReadWrite);
    ASSERT_TRUE(database && database->Run("DELETE FROM events WHERE seq = 700"));
    const auto step = pruner.Step(kNothing);
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(step.error().message.find("event 700 is missing"), std::string::npos);
  }
  EXPECT_EQ(Journal::Open(path, kNow).error().kind, ErrorKind::kCorrupt);
}

TEST(Pruner, ALossOfWhatItKeptIsNoticedAtTheNextStart) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  {
    const auto journal = MustOpen(path);
    Past past(journal.get());
    for (int run = 0; run < 80; ++run) past.Run(run);
    Pruner pruner = MustOpenPruner(path, *journal);
    Pass(&pruner, kNothing);
  }
  MustOpen(path);
  auto database = Database::Open(path, Database::Access::kReadWrite);
  ASSERT_TRUE(database && database->Run("DELETE FROM events WHERE seq = 500"));
  const auto refused = Journal::Open(path, kNow);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("before event 960, 598 events stand where 599 were kept"),
            std::string::npos)
      << refused.error().message;
}

TEST(Pruner, GivesSpaceBackAndThePlansOfNoRun) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 1'000; ++run) past.Run(run);
  Pruner pruner = MustOpenPruner(path, *journal);
  auto database = Database::Open(path, Database::Access::kReadWrite);
  ASSERT_TRUE(database && database->Run("INSERT INTO plans VALUES('unused', '{}')"));
  ASSERT_TRUE(database->Run("PRAGMA wal_checkpoint(TRUNCATE)"));
  const auto before = std::filesystem::file_size(path);
  Pass(&pruner, kNothing);
  EXPECT_EQ(database->Number("SELECT count(*) FROM plans"), 1);
  EXPECT_EQ(database->Number("PRAGMA freelist_count"), 0);
  ASSERT_TRUE(database->Run("PRAGMA wal_checkpoint(TRUNCATE)"));
  EXPECT_LT(std::filesystem::file_size(path), before / 8);
}

TEST(Pruner, LeavesRoomToTheWriterAndToReaders) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 300; ++run) past.Run(run);
  std::atomic<bool> over{false};
  std::thread pruning([&] {
    Pruner pruner = MustOpenPruner(path, *journal);
    Pass(&pruner, kNothing);
    EXPECT_GE(pruner.removed_runs(), 250U);
    over = true;
  });
  int run = 300;
  do {
    past.Run(run++);
    EXPECT_TRUE(JournalReader(path).FinishedRuns({}, [](const auto&) { return true; }));
  } while (!over);
  pruning.join();
  const auto verified = Verify(path);
  EXPECT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->last_seq, past.next() - 1);
}

TEST(Pruner, LeavesAnotherJournalAlone) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  for (int run = 0; run < 80; ++run) past.Run(run);
  EXPECT_EQ(Pruner::Open(path, std::string(32, '0')).error().kind, ErrorKind::kRefused);
  Pruner pruner = MustOpenPruner(path, *journal);
  std::filesystem::rename(path, directory / "moved.db");
  const auto step = pruner.Step(kNothing);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().kind, ErrorKind::kOverloaded);
  EXPECT_FALSE(Pruner::Open(path, journal->id()));
  EXPECT_FALSE(std::filesystem::exists(path)) << "it makes no file";
}

// Any mixture of runs and alerts, pruned at any time: a start reads the same as before.
TEST(Pruner, AStartReadsTheSameAfterEveryStep) {
  using engine::Decision;
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  Past past(journal.get());
  Pruner pruner = MustOpenPruner(path, *journal);
  std::mt19937 random(7);
  for (int turn = 0; turn < 150; ++turn) {
    const std::string alert = "alert" + std::to_string(random() % 6);
    switch (random() % 6) {
      case 0:
        past.Happens({Alert(alert, Decision::kObserved)});
        break;
      case 1:
        past.Happens({Alert(alert, Decision::kRepeat)});
        break;
      case 2:
        past.Happens({Alert(alert, Decision::kResolved, false)});
        break;
      case 3:
        past.Happens({engine::EpisodeClosed{.fingerprint = alert, .by = "a", .detail = "r"}});
        break;
      default:
        past.Run(turn,
                 random() % 3 == 0 ? engine::RunResult::kFailed : engine::RunResult::kSucceeded);
    }
    const WallTime limit = kNow + Seconds(static_cast<int64_t>(random() % past.next()));
    const auto before = Replayed(journal.get(), Scope::kWhatStillMatters);
    const auto more = pruner.Step({.decisions = limit, .runs = limit - Seconds(20)});
    ASSERT_TRUE(more) << more.error().message;
    ASSERT_TRUE(Replayed(journal.get(), Scope::kWhatStillMatters) == before) << "turn " << turn;
  }
  const auto verified = Verify(path);
  EXPECT_TRUE(verified) << verified.error().message;
  EXPECT_GT(pruner.removed_events(), 0U);
}

}  // namespace
}  // namespace mailhub::journal
