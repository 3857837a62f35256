// A journal that is gone, moved, replaced, or an older copy. No event may be reported as recorded
// in a file that a start cannot find.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "actuator/journal/journal.h"
#include "actuator/journal/sample_events.h"
#include "actuator/journal/test_directory.h"

namespace mailhub::journal {
namespace {

using testing::TestDirectory;
using testing::WholeRun;

namespace fs = std::filesystem;

constexpr WallTime kNow = WallTime(Milliseconds(1'700'000'000'000));

std::vector<engine::Event> ARun(uint64_t first) {
  return WholeRun(first, std::to_string(100'000 + first));
}

std::vector<engine::Event> AStart(uint64_t seq, uint64_t epoch) {
  return {{seq, kNow, "", engine::ActuatorStarted{.epoch = epoch, .version = "test"}}};
}

size_t Count(Journal& journal) {
  size_t count = 0;
  const Status s = journal.Replay(Scope::kEverything, [&count](const engine::Event&) { ++count; });
  EXPECT_TRUE(s) << s.error().message;
  return count;
}

std::string MessageOf(const Status& status) {
  return status ? "no error" : status.error().message;
}

void ExpectSays(const std::string& message, const std::string& words) {
  EXPECT_NE(message.find(words), std::string::npos) << message << "\nshould say: " << words;
}

void Sql(const std::string& path, const std::string& sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(connection);
  sqlite3_close(connection);
}

class Vanishing : public ::testing::Test {
 public:
  Vanishing() : home(directory / "home"), path(home + "/journal.db") {
    fs::create_directory(home);
    Open();
  }
  void Open() {
    auto opened = Journal::Open(path, kNow);
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
  }
  // With the epoch of a start and one run: events 1 to 13.
  void Fill() {
    ASSERT_TRUE(journal->Append(AStart(1, 1)));
    ASSERT_TRUE(journal->Append(ARun(2)));
  }
  // The files as they are now, as an administrator would copy them.
  void CopyTo(const std::string& to) const {
    for (const char* part : {"", "-wal"}) {
      if (fs::exists(path + part)) {
        fs::copy_file(path + part, to + part, fs::copy_options::overwrite_existing);
      }
    }
  }
  // Neither recorded nor lost: to be retried.
  void ExpectRetriable(const Status& status, const std::string& file) const {
    ASSERT_FALSE(status);
    EXPECT_TRUE(status.error().kind == ErrorKind::kOverloaded ||
                status.error().kind == ErrorKind::kOutcomeUnknown)
        << status.error().message;
    ExpectSays(status.error().message, file + " is not the file any more that this program has");
  }

  const TestDirectory directory;
  const std::string home;
  const std::string path;
  std::unique_ptr<Journal> journal;
};

// --- at a start

TEST_F(Vanishing, AJournalThatIsGoneIsNotBegunAnew) {
  Fill();
  const std::string id = journal->id();
  journal.reset();
  for (const bool log_stays : {true, false}) {
    fs::remove(path);
    if (log_stays) std::ofstream(path + "-wal") << "something";
    const auto refused = Journal::Open(path, kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kNotFound);
    ExpectSays(refused.error().message, path + " is not there");
    ExpectSays(refused.error().message,
               path + ".lock names journal " + id + ", which had come to event 13");
    ExpectSays(refused.error().message, "mailhubctl takeover");
    EXPECT_FALSE(fs::exists(path)) << "nothing is begun";
    EXPECT_EQ(fs::exists(path + "-wal"), log_stays) << "nothing is changed";
    fs::remove(path + "-wal");
  }
  EXPECT_FALSE(Journal::Open(path, kNow)) << "asking again does not help";
  // The remedy that the sentence gives.
  fs::remove(path + ".lock");
  const auto anew = Journal::Open(path, kNow);
  ASSERT_TRUE(anew) << anew.error().message;
  EXPECT_NE((*anew)->id(), id);
}

TEST_F(Vanishing, AJournalThatIsPutBackIsTakenUp) {
  Fill();
  journal.reset();
  fs::rename(path, directory / "elsewhere");
  EXPECT_FALSE(Journal::Open(path, kNow));
  fs::rename(directory / "elsewhere", path);
  Open();
  EXPECT_EQ(Count(*journal), 13u);
}

TEST_F(Vanishing, AnEmptyFileInTheJournalsPlaceIsNotBegunAnew) {
  Fill();
  const std::string id = journal->id();
  journal.reset();
  fs::resize_file(path, 0);
  const auto refused = Journal::Open(path, kNow);
  ASSERT_FALSE(refused);
  ExpectSays(refused.error().message, path + " is empty");
  ExpectSays(refused.error().message, id);
  EXPECT_EQ(fs::file_size(path), 0u);
}

TEST_F(Vanishing, AJournalWhoseLogIsGoneBeforeItsTablesCameIntoTheFileIsNotBegunAnew) {
  Fill();
  const std::string copy = directory / "copy.db";
  fs::copy_file(path, copy);  // as after a crash, without the log
  fs::copy_file(path + ".lock", copy + ".lock");
  const auto refused = Journal::Open(copy, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kCorrupt);
  ExpectSays(refused.error().message, "had event 13");
}

TEST_F(Vanishing, AnotherJournalInItsPlaceIsRefused) {
  Fill();
  const std::string id = journal->id();
  journal.reset();
  ASSERT_TRUE(Journal::Open(directory / "other.db", kNow));
  fs::rename(directory / "other.db", path);
  const auto refused = Journal::Open(path, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  ExpectSays(refused.error().message, path + ".lock names journal " + id);
  fs::remove(path + ".lock");
  EXPECT_TRUE(Journal::Open(path, kNow));
}

TEST_F(Vanishing, AnOlderCopyIsRefusedThoughItLacksOnlyTheLastEvents) {
  Fill();
  const std::string older = directory / "older.db";
  CopyTo(older);
  ASSERT_TRUE(journal->Append(ARun(14)));
  for (const bool clean_stop : {false, true}) {
    // After kill -9 the lock file stays unchanged.
    fs::copy_file(path + ".lock", older + ".lock", fs::copy_options::overwrite_existing);
    if (clean_stop) {
      journal.reset();
      fs::copy_file(path + ".lock", older + ".lock", fs::copy_options::overwrite_existing);
    }
    const auto refused = Journal::Open(older, kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kCorrupt);
    ExpectSays(refused.error().message, "ends with event 13, but had event 25");
  }
  fs::remove(older + ".lock");
  EXPECT_TRUE(Journal::Open(older, kNow));
}

TEST_F(Vanishing, ALockFileThatCannotBeReadIsNotTakenForAnEmptyOne) {
  Fill();
  journal.reset();
  const std::string mark = "0123456789abcdef0123456789abcdef 00000000000000000013\n";
  const std::string owner = "12\n";
  for (const std::string& damaged :
       {std::string(60, '\0'), std::string(), owner, owner + "nonsense\n",
        owner + "0123456789abcdef0123456789abcdef x\n",
        owner + "0123456789abcdef0123456789abcdef 5\n", owner + " 7\n", owner + "0\n",
        owner + mark.substr(0, mark.size() - 1), owner + mark + "more\n",
        owner + mark + std::string(400, '\n')}) {
    for (const bool there : {true, false}) {
      const std::string elsewhere = directory / "elsewhere.db";
      if (!there) fs::rename(path, elsewhere);
      std::ofstream(path + ".lock", std::ios::binary) << damaged;
      const auto refused = Journal::Open(path, kNow);
      ASSERT_FALSE(refused) << damaged;
      EXPECT_EQ(refused.error().kind, ErrorKind::kCorrupt);
      ExpectSays(refused.error().message, path + ".lock cannot be read");
      ExpectSays(refused.error().message, "remove " + path + ".lock");
      EXPECT_EQ(fs::exists(path), there) << "nothing is begun";
      EXPECT_EQ(fs::file_size(path + ".lock"), damaged.size()) << "nothing is changed";
      if (!there) fs::rename(elsewhere, path);
    }
  }
  fs::remove(path + ".lock");
  EXPECT_TRUE(Journal::Open(path, kNow));
}

// At any end of the first start, the lock file is not empty.
TEST_F(Vanishing, ALockFileIsNeverSeenWithoutItsLines) {
  const std::string second = home + "/second.db";
  const auto nowhere = Journal::Open(home + "/none/j.db", kNow);
  EXPECT_FALSE(nowhere);
  const auto opened = Journal::Open(second, kNow);
  ASSERT_TRUE(opened) << opened.error().message;
  std::ifstream file(second + ".lock");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(text, std::to_string(::getpid()) + "\n 0\n");
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(home)) {
    files += entry.path().filename().string().starts_with("second.db.lock") ? 1U : 0U;
  }
  EXPECT_EQ(files, 1u) << "what it was made from is gone";
  // A stop before the first event leaves it unchanged, and the next start continues.
  const auto other = Journal::Open(second, kNow);
  ASSERT_FALSE(other);
  ExpectSays(other.error().message, "(pid " + std::to_string(::getpid()) + ")");
}

// --- under the running program

TEST_F(Vanishing, NothingIsRecordedInAJournalThatWasMovedAwayUntilItIsBack) {
  Fill();
  fs::rename(path, directory / "elsewhere");
  ExpectRetriable(journal->Append(ARun(14)), path);
  ExpectRetriable(journal->Append(ARun(14)), path);
  EXPECT_FALSE(fs::exists(path));
  fs::rename(directory / "elsewhere", path);
  const Status again = journal->Append(ARun(14));
  EXPECT_TRUE(again) << MessageOf(again);
  EXPECT_EQ(Count(*journal), 25u);
}

TEST_F(Vanishing, NothingIsRecordedInAJournalThatWasRemoved) {
  Fill();
  fs::remove(path);
  ExpectRetriable(journal->Append(ARun(14)), path);
  journal.reset();
  EXPECT_FALSE(Journal::Open(path, kNow));
}

TEST_F(Vanishing, NothingIsRecordedWhileAnOlderCopyIsInItsPlace) {
  Fill();
  CopyTo(directory / "older.db");
  ASSERT_TRUE(journal->Append(ARun(14)));
  fs::rename(path, directory / "elsewhere");
  fs::rename(directory / "older.db", path);
  ExpectRetriable(journal->Append(ARun(26)), path);
  fs::rename(directory / "elsewhere", path);
  EXPECT_TRUE(journal->Append(ARun(26)));
  EXPECT_EQ(Count(*journal), 37u);
}

TEST_F(Vanishing, AStopLeavesAFileThatReplacedItsOwnAlone) {
  Fill();
  const std::string older = directory / "older.db";
  CopyTo(older);
  ASSERT_TRUE(journal->Append(ARun(14)));
  const std::string elsewhere = directory / "elsewhere.db";
  for (const char* part : {"", "-wal"}) {
    fs::rename(path + part, elsewhere + part);
    fs::rename(older + part, path + part);
  }
  journal.reset();
  EXPECT_TRUE(fs::exists(path + "-wal")) << "its events stand there";
  // The moved journal is complete.
  fs::rename(path + ".lock", elsewhere + ".lock");
  const auto moved = Journal::Open(elsewhere, kNow);
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(Count(**moved), 25u);
  const auto copy = Journal::Open(path, kNow);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(Count(**copy), 13u);
}

TEST_F(Vanishing, NothingIsRecordedWhileItsLogIsAway) {
  Fill();
  for (const char* part : {"-wal", "-shm"}) {
    fs::rename(path + part, directory / "elsewhere");
    ExpectRetriable(journal->Append(ARun(14)), path + part);
    std::ofstream(path + part).close();
    ExpectRetriable(journal->Append(ARun(14)), path + part);
    fs::rename(directory / "elsewhere", path + part);
  }
  EXPECT_TRUE(journal->Append(ARun(14)));
  EXPECT_EQ(Count(*journal), 25u);
}

TEST_F(Vanishing, NothingIsRecordedWhileItsDirectoryIsAway) {
  Fill();
  fs::rename(home, directory / "elsewhere");
  ExpectRetriable(journal->Append(ARun(14)), path);
  fs::create_directory(home);
  ExpectRetriable(journal->Append(ARun(14)), path);
  EXPECT_TRUE(fs::is_empty(home)) << "nothing is begun there";
  fs::remove(home);
  fs::rename(directory / "elsewhere", home);
  EXPECT_TRUE(journal->Append(ARun(14)));
  EXPECT_EQ(Count(*journal), 25u);
}

TEST_F(Vanishing, TheTargetOfALinkIsCheckedToo) {
  Fill();
  journal.reset();
  const std::string link = directory / "link.db";
  fs::create_symlink(path, link);
  auto opened = Journal::Open(link, kNow);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE((*opened)->Append(ARun(14)));
  fs::remove(link);
  ExpectRetriable((*opened)->Append(ARun(26)), link);
  fs::create_symlink(path, link);
  fs::rename(path, directory / "elsewhere");
  ExpectRetriable((*opened)->Append(ARun(26)), link);
  fs::rename(directory / "elsewhere", path);
  EXPECT_TRUE((*opened)->Append(ARun(26)));
}

TEST_F(Vanishing, ACommitIsNotAcknowledgedIfTheFileWentMeanwhile) {
  Fill();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  // The append has checked its files once, and waits for the other writer's lock.
  std::promise<void> begun;
  auto appended = std::async(std::launch::async, [&] {
    begun.set_value();
    return journal->Append(ARun(14));
  });
  begun.get_future().wait();
  EXPECT_EQ(appended.wait_for(Milliseconds(200)), std::future_status::timeout);
  fs::rename(path, directory / "elsewhere");
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  const Status done = appended.get();
  ExpectRetriable(done, path);
  fs::rename(directory / "elsewhere", path);
  EXPECT_TRUE(journal->Append(ARun(14))) << "recorded already, or not: once in any case";
  EXPECT_EQ(Count(*journal), 25u);
  sqlite3_close(other);
}

TEST_F(Vanishing, AJournalThatLosesWhatWasCommittedEndsEverything) {
  Fill();
  Sql(path, "DELETE FROM events WHERE seq = 13");
  const Status s = journal->Append(ARun(14));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  ExpectSays(s.error().message, "ends with event 12, but event 13 was recorded");
}

TEST_F(Vanishing, AJournalInWhichAnotherHasWrittenEndsEverything) {
  Fill();
  Sql(path,
      "INSERT INTO events SELECT 14, at_ms, run, kind, detail, body FROM events WHERE seq = 13");
  const Status s = journal->Append(ARun(14));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  ExpectSays(s.error().message, "another program has written");
}

TEST_F(Vanishing, ALockFileThatWasRemovedIsTakenAgain) {
  Fill();
  fs::remove(path + ".lock");
  ASSERT_TRUE(journal->Append(ARun(14)));
  const auto second = Journal::Open(path, kNow);
  ASSERT_FALSE(second) << "two would write";
  EXPECT_EQ(second.error().kind, ErrorKind::kRefused);
  journal.reset();
  fs::remove(path);
  EXPECT_FALSE(Journal::Open(path, kNow)) << "and names the last event again";
}

TEST_F(Vanishing, AJournalWhoseLockFileAnotherHasTakenEndsEverything) {
  Fill();
  fs::remove(path + ".lock");
  const auto second = Journal::Open(path, kNow);
  ASSERT_TRUE(second) << second.error().message;
  const Status s = journal->Append(ARun(14));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  ExpectSays(s.error().message, "another actuator");
}

}  // namespace
}  // namespace mailhub::journal
