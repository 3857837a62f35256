// Damaged, foreign, newer, full and read-only journals: refused with a sentence, or recovered if
// SQLite guarantees it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sqlite3.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "actuator/journal/codec.h"
#include "actuator/journal/database.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/sample_events.h"
#include "actuator/journal/test_directory.h"

namespace mailhub::journal {
namespace {

using testing::TestDirectory;
using testing::WholeRun;

constexpr WallTime kNow = WallTime(Milliseconds(1'700'000'000'000));

void Sql(const std::string& path, const std::string& sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
      << message;
  sqlite3_free(message);
  sqlite3_close(connection);
}

// A closed journal with `runs` whole runs.
void WriteJournal(const std::string& path, int runs) {
  const auto journal = Journal::Open(path, kNow);
  ASSERT_TRUE(journal) << journal.error().message;
  for (int run = 0; run < runs; ++run) {
    const auto first = static_cast<uint64_t>(run) * 12 + 1;
    ASSERT_TRUE((*journal)->Append(WholeRun(first, std::to_string(100000 + run))));
  }
}

Status OpenAndReplay(const std::string& path, size_t* count = nullptr) {
  const auto journal = Journal::Open(path, kNow);
  if (!journal) return Fail(journal.error());
  size_t seen = 0;
  Status s = (*journal)->Replay(Scope::kEverything, [&seen](const engine::Event&) { ++seen; });
  if (count != nullptr) *count = seen;
  return s;
}

TEST(JournalRecovery, AMissingEventIsRefusedWithTheRemedy) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 2);
  Sql(path, "DELETE FROM events WHERE seq = 7");
  const auto s = Journal::Open(path, kNow);
  ASSERT_FALSE(s) << "before anything is replayed";
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(s.error().message.find("backup"), std::string::npos) << s.error().message;
}

TEST(JournalRecovery, AMissingFirstEventIsRefused) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 1);
  Sql(path, "DELETE FROM events WHERE seq = 1");
  EXPECT_EQ(Journal::Open(path, kNow).error().kind, ErrorKind::kCorrupt);
}

TEST(JournalRecovery, AnUnreadableEventIsNamed) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 1);
  Sql(path, "UPDATE events SET body = '{}' WHERE seq = 4");
  const Status s = OpenAndReplay(path);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(s.error().message.find("event 4: step_started"), std::string::npos)
      << s.error().message;
}

TEST(JournalRecovery, ARunWhoseBeginIsMissingIsRefusedEvenIfEventsAreNotCounted) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 1);
  const auto journal = Journal::Open(path, kNow);
  ASSERT_TRUE(journal);
  Sql(path, "DELETE FROM events WHERE seq = 1");
  const Status s = (*journal)->Replay(Scope::kWhatStillMatters, [](const engine::Event&) {});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(s.error().message.find("event 2 is of run 100000"), std::string::npos);
}

TEST(JournalRecovery, AMissingPlanIsRefused) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 1);
  Sql(path, "DELETE FROM plans");
  EXPECT_EQ(OpenAndReplay(path).error().kind, ErrorKind::kCorrupt);
}

TEST(JournalRecovery, ANewerSchemaIsRefused) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 1);
  Sql(path, "UPDATE meta SET value = '99' WHERE key = 'schema_version'");
  const Status s = OpenAndReplay(path);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kRefused);
  EXPECT_NE(s.error().message.find("newer program"), std::string::npos) << s.error().message;
}

// Everything that a start reads, as text.
std::vector<std::string> StillMatters(const std::string& path) {
  std::vector<std::string> events;
  const auto journal = Journal::Open(path, kNow);
  EXPECT_TRUE(journal) << journal.error().message;
  if (!journal) return events;
  EXPECT_TRUE((*journal)->Replay(Scope::kWhatStillMatters, [&](const engine::Event& event) {
    events.push_back(testing::TextOf(event));
  }));
  return events;
}

void MakeVersion1(const std::string& path) {
  Sql(path,
      "DROP TABLE last_heard; DROP TABLE episodes; DROP INDEX events_of_run; DROP INDEX "
      "events_of_actuator;"
      "ALTER TABLE runs DROP COLUMN plan; UPDATE runs SET swept = 0 WHERE result = 'dropped';"
      "CREATE INDEX events_of_run ON events(run, seq) WHERE run != '';"
      "CREATE INDEX events_not_detail ON events(seq) WHERE detail = 0;"
      "UPDATE meta SET value = '1' WHERE key = 'schema_version'");
}

TEST(JournalRecovery, AJournalOfVersion1IsBroughtToTodaysAndReadAsIfItHadAlwaysBeenThat) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 60);
  {
    const auto journal = Journal::Open(path, kNow);
    ASSERT_TRUE(journal);
    uint64_t next = 60 * 12 + 1;
    const auto append = [&](const std::string& run, engine::EventBody body) {
      ASSERT_TRUE((*journal)->Append(testing::Numbered({std::move(body)}, next++, run)));
    };
    engine::AlertDecided alert;
    for (const char* fingerprint : {"open", "over", "of a dropped run"}) {
      alert.fingerprint = fingerprint;
      alert.decision = engine::Decision::kStartedRun;
      alert.run = fingerprint == std::string("of a dropped run") ? "200000" : "100001";
      append("", alert);
    }
    engine::RunQueued queued;
    queued.plan = testing::SamplePlan();
    append("200000", queued);
    append("200000", engine::RunDropped{.why = "no longer true"});
    alert.fingerprint = "open";
    alert.decision = engine::Decision::kRepeat;
    alert.run = "100001";
    append("", alert);
    alert.fingerprint = "over";
    alert.firing = false;
    alert.decision = engine::Decision::kResolved;
    append("", alert);
    append("", engine::ActuatorStarted{.epoch = 2, .version = "1"});
  }
  const std::vector<std::string> before = StillMatters(path);
  MakeVersion1(path);
  EXPECT_EQ(StillMatters(path), before);
  size_t count = 0;
  EXPECT_TRUE(OpenAndReplay(path, &count));
  EXPECT_EQ(count, 60u * 12 + 8);
}

TEST(JournalRecovery, ADamagedJournalOfVersion1StaysOne) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 2);
  MakeVersion1(path);
  Sql(path, "DELETE FROM events WHERE seq = 7");
  EXPECT_EQ(Journal::Open(path, kNow).error().kind, ErrorKind::kCorrupt);
  auto file = Database::Open(path, Database::Access::kReadOnly);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->FirstText("SELECT value FROM meta WHERE key = 'schema_version'"), "1");
}

TEST(JournalRecovery, AForeignDatabaseIsLeftAlone) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  Sql(path, "CREATE TABLE precious(x)");
  const Status s = OpenAndReplay(path);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kRefused);
}

TEST(JournalRecovery, AFileThatIsNoDatabaseIsRefused) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_EQ(OpenAndReplay(path).error().kind, ErrorKind::kCorrupt);
}

TEST(JournalRecovery, AnEmptyFileBecomesAJournal) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  std::ofstream(path).close();
  EXPECT_TRUE(OpenAndReplay(path));
}

// Copies a journal in use, as a crash would leave it: the main file and its log.
void CopyInUse(const std::string& from, const std::string& to) {
  using std::filesystem::copy_options;
  std::filesystem::copy_file(from, to, copy_options::overwrite_existing);
  std::filesystem::copy_file(from + "-wal", to + "-wal", copy_options::overwrite_existing);
  std::error_code ignored;
  std::filesystem::remove(to + "-shm", ignored);
}

TEST(JournalRecovery, ALogCutAnywhereGivesWholeTransactionsOnly) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = Journal::Open(path, kNow);
  ASSERT_TRUE(journal);
  for (uint64_t run = 0; run < 3; ++run) {
    ASSERT_TRUE((*journal)->Append(WholeRun(run * 12 + 1, std::to_string(100000 + run))));
  }
  const auto size = std::filesystem::file_size(path + "-wal");
  const std::string copy = directory / "copy.db";
  std::set<size_t> counts;
  for (uintmax_t step = 0; step * 2063 < size + 2063; ++step) {
    const uintmax_t cut = std::min(step * 2063, size);
    CopyInUse(path, copy);
    std::filesystem::resize_file(copy + "-wal", cut);
    size_t count = 0;
    const Status s = OpenAndReplay(copy, &count);
    ASSERT_TRUE(s) << "cut at " << cut << ": " << s.error().message;
    EXPECT_EQ(count % 12, 0u) << "cut at " << cut;
    counts.insert(count);
  }
  EXPECT_EQ(counts, (std::set<size_t>{0, 12, 24, 36}));
}

TEST(JournalRecovery, ALogThatHasLostItsLastStartIsRefusedUntilAPersonDecides) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  ASSERT_TRUE(OpenAndReplay(path));  // its tables are in the file itself
  const auto journal = Journal::Open(path, kNow);
  ASSERT_TRUE(journal);
  ASSERT_TRUE((*journal)->Append(std::vector<engine::Event>{
      {1, kNow, "", engine::ActuatorStarted{.epoch = 1, .version = "test"}}}));
  const std::string copy = directory / "copy.db";
  const auto cut_log = [&] {
    CopyInUse(path, copy);
    std::filesystem::resize_file(copy + "-wal", 0);
  };
  cut_log();
  std::filesystem::copy_file(path + ".lock", copy + ".lock");
  const Status refused = OpenAndReplay(copy);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(refused.error().message.find("ends with event 0, but had event 1"), std::string::npos)
      << refused.error().message;
  std::filesystem::remove(copy + ".lock");
  EXPECT_TRUE(OpenAndReplay(copy));

  // With its log it is complete.
  CopyInUse(path, copy);
  std::filesystem::copy_file(path + ".lock", copy + ".lock",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(OpenAndReplay(copy));
}

TEST(JournalRecovery, AMainFileCutAnywhereIsRefused) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 20);
  const auto size = std::filesystem::file_size(path);
  const std::string copy = directory / "copy.db";
  for (uintmax_t cut = 1; cut < size; cut += 4093) {
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(copy, cut);
    EXPECT_FALSE(OpenAndReplay(copy)) << "cut at " << cut << " of " << size;
  }
}

TEST(JournalRecovery, AnOverwrittenPageIsRefused) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  WriteJournal(path, 20);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  const std::string copy = directory / "copy.db";
  for (std::streamoff page = 0; page + 4096 <= size; page += 4096) {
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    std::fstream(copy).seekp(page) << std::string(4096, '\x5a');
    const Status s = OpenAndReplay(copy);
    ASSERT_FALSE(s) << "page at " << page;
    EXPECT_NE(s.error().kind, ErrorKind::kOverloaded) << "trying again would not help";
  }
}

TEST(JournalRecovery, AFullDiskFailsAnAppendCleanlyAndLaterOnesWork) {
  const TestDirectory directory;
  const std::string disk = directory / "disk";
  std::filesystem::create_directory(disk);
  ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m"), 0) << std::strerror(errno);
  struct Unmount {
    const std::string& where;
    ~Unmount() { ::umount2(where.c_str(), MNT_DETACH); }
  } const unmount{disk};

  auto journal = Journal::Open(disk + "/journal.db", kNow);
  ASSERT_TRUE(journal) << journal.error().message;
  {
    std::ofstream filler(disk + "/filler");
    const std::string block(4096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  uint64_t next = 1;
  Status last;
  while (last && next < 100'000) {
    last = (*journal)->Append(WholeRun(next, std::to_string(100000 + next)));
    if (last) next += 12;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().kind, ErrorKind::kOverloaded) << last.error().message;
  EXPECT_FALSE((*journal)->Append(WholeRun(next, "999999"))) << "still full";

  std::filesystem::remove(disk + "/filler");
  const Status again = (*journal)->Append(WholeRun(next, "999999"));
  EXPECT_TRUE(again) << again.error().message;
  journal->reset();
  size_t count = 0;
  ASSERT_TRUE(OpenAndReplay(disk + "/journal.db", &count));
  EXPECT_EQ(count, next + 11);
}

// As on a file system that became read-only while the program has its files open.
void ForbidWriting(const std::string& path, bool forbid) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int flags = 0;
  ASSERT_EQ(::ioctl(file, FS_IOC_GETFLAGS, &flags), 0) << std::strerror(errno);
  flags = forbid ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  ASSERT_EQ(::ioctl(file, FS_IOC_SETFLAGS, &flags), 0) << std::strerror(errno);
  ::close(file);
}

TEST(JournalRecovery, ADiskThatGoesReadOnlyFailsAnAppendCleanlyAndLaterOnesWork) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  auto journal = Journal::Open(path, kNow);
  ASSERT_TRUE(journal) << journal.error().message;
  ASSERT_TRUE((*journal)->Append(WholeRun(1, "100001")));
  for (const char* part : {"", "-wal", ".lock"}) ForbidWriting(path + part, true);
  const Status refused = (*journal)->Append(WholeRun(13, "100002"));
  for (const char* part : {"", "-wal", ".lock"}) ForbidWriting(path + part, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().kind, ErrorKind::kCorrupt) << refused.error().message;
  const Status again = (*journal)->Append(WholeRun(13, "100002"));
  EXPECT_TRUE(again) << again.error().message;
  journal->reset();
  size_t count = 0;
  ASSERT_TRUE(OpenAndReplay(path, &count));
  EXPECT_EQ(count, 24U);
}

}  // namespace
}  // namespace mailhub::journal
