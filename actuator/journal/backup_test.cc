// Backup: a copy of one state, beside a writer, that never replaces anything.
#include "actuator/journal/backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "actuator/journal/database.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"
#include "actuator/journal/verify.h"

namespace mailhub::journal {
namespace {

using testing::MustOpen;
using testing::RunId;
using testing::TestDirectory;
using testing::WholeRun;

size_t FilesIn(const std::string& directory) {
  const std::filesystem::directory_iterator files(directory);
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

std::vector<std::string> EventsOf(const std::string& path) {
  std::vector<engine::Event> events;
  EXPECT_TRUE(MustOpen(path)->Replay(
      Scope::kEverything, [&events](const engine::Event& event) { events.push_back(event); }));
  return testing::Texts(events);
}

TEST(Backup, IsACompleteJournalOfItsOwnerAlone) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  std::filesystem::create_directory(directory / "backups");
  const std::string copy = directory / "backups/copy.db";
  {
    const auto journal = MustOpen(path);
    ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1))));
    const mode_t before = ::umask(0);
    const auto made = Backup(path, copy);
    ::umask(before);
    ASSERT_TRUE(made) << made.error().message;
  }
  struct stat status {};
  ASSERT_EQ(::stat(copy.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(FilesIn(directory / "backups"), 1U) << "the events of the log are in the file";
  EXPECT_EQ(EventsOf(copy), EventsOf(path));
  EXPECT_EQ(MustOpen(copy)->id(), MustOpen(path)->id());
}

TEST(Backup, ReplacesNothing) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  std::ofstream(directory / "there") << "precious";
  std::filesystem::create_symlink("nowhere", directory / "link");
  for (const char* name : {"there", "link", "journal.db"}) {
    const auto made = Backup(path, directory / name);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().kind, ErrorKind::kRefused);
    EXPECT_NE(made.error().message.find("exists; a backup never replaces a file"),
              std::string::npos)
        << made.error().message;
  }
  EXPECT_EQ(std::filesystem::file_size(directory / "there"), 8U);
  EXPECT_FALSE(std::filesystem::exists(directory / "nowhere"));
}

TEST(Backup, LeavesNothingBehindWhenItFails) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory / "backups");
  const std::string copy = directory / "backups/copy.db";
  EXPECT_EQ(Backup(directory / "none.db", copy).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(directory / "none.db"));
  auto other = Database::Open(directory / "other.db", Database::Access::kReadWrite);
  ASSERT_TRUE(other && other->Run("CREATE TABLE t(a)"));
  EXPECT_EQ(Backup(directory / "other.db", copy).error().kind, ErrorKind::kRefused);
  EXPECT_EQ(FilesIn(directory / "backups"), 0U);
  const auto journal = MustOpen(directory / "journal.db");
  EXPECT_EQ(Backup(directory / "journal.db", directory / "missing/copy.db").error().kind,
            ErrorKind::kNotFound);
}

TEST(Backup, DoesNotWaitForAWriterInTheMiddleOfACommit) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1))));
  auto writer = Database::Open(path, Database::Access::kReadWrite);
  ASSERT_TRUE(writer && writer->Run("BEGIN IMMEDIATE; DELETE FROM events"));
  const auto made = Backup(path, directory / "copy.db");
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE(writer->Run("ROLLBACK"));
  const auto verified = Verify(directory / "copy.db");
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->last_seq, 12U);
}

TEST(Backup, IsOneStateOfAJournalThatIsBeingWritten) {
  const TestDirectory directory;
  const std::string path = directory / "journal.db";
  const auto journal = MustOpen(path);
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(0))));
  std::atomic<bool> enough{false};
  std::atomic<int> commits{0};
  std::thread writer([&] {
    for (int run = 1; !enough; ++run) {
      EXPECT_TRUE(journal->Append(WholeRun(static_cast<uint64_t>(run) * 12 + 1, RunId(run))));
      ++commits;
    }
  });
  uint64_t last = 0;
  for (int i = 0; i < 10; ++i) {
    while (commits < 3 * i) std::this_thread::yield();
    const std::string copy = directory / ("copy" + std::to_string(i));
    const auto made = Backup(path, copy);
    EXPECT_TRUE(made) << made.error().message;
    const auto verified = Verify(copy);
    EXPECT_TRUE(verified) << verified.error().message;
    if (!verified) break;
    EXPECT_EQ(verified->last_seq % 12, 0U) << "a commit is in it wholly or not at all";
    EXPECT_GE(verified->last_seq, last);
    last = verified->last_seq;
  }
  enough = true;
  writer.join();
}

}  // namespace
}  // namespace mailhub::journal
