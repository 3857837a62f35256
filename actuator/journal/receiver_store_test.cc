// ReceiverStore: what a new life of the program finds, and what is forgotten.
#include "actuator/journal/receiver_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "actuator/journal/test_directory.h"

namespace mailhub::journal {
namespace {

using testing::TestDirectory;

const std::string kJournal(32, 'a');
const std::vector<ReceiverCursor> kTwo = {{.name = "chat", .seq = 7, .late = 1, .left_out = 3},
                                          {.name = "tickets",
                                           .seq = 9,
                                           .late = 2,
                                           .left_out = 0,
                                           .last_success = FromUnixMs(1'700'000'000'123)}};

ReceiverStore MustOpen(const std::string& path, uint64_t last_seq = 100, bool fresh = false,
                       const std::string& journal = kJournal) {
  bool is_fresh = false;
  Result<ReceiverStore> store = ReceiverStore::Open(path, journal, last_seq, &is_fresh);
  if (!store) {
    ADD_FAILURE() << store.error().message;
    std::abort();
  }
  EXPECT_EQ(is_fresh, fresh);
  return std::move(*store);
}

TEST(ReceiverStore, KeepsCursorsAndForgetsThoseThatAreNotSaved) {
  const TestDirectory directory;
  {
    ReceiverStore store = MustOpen(directory / "r", 100, true);
    EXPECT_TRUE(store.Cursors()->empty());
    ASSERT_TRUE(store.Save(kTwo));
  }
  ReceiverStore store = MustOpen(directory / "r");
  EXPECT_EQ(*store.Cursors(), kTwo);
  ASSERT_TRUE(store.Save(std::span(kTwo).subspan(1)));
  EXPECT_EQ(store.Cursors()->size(), 1U);
  struct stat status {};
  ASSERT_EQ(::stat((directory / "r").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(ReceiverStore, ALateRunIsNotedOnceAndItsNumberIsNotUsedAgain) {
  const TestDirectory directory;
  const WallTime at = FromUnixMs(1'700'000'000'000);
  {
    ReceiverStore store = MustOpen(directory / "r", 100, true);
    EXPECT_EQ(*store.LastLate(), 0U);
    EXPECT_EQ(*store.NoteLate("a", at), (LateRun{.number = 1, .run = "a", .at = at}));
    EXPECT_EQ(store.NoteLate("b", at)->number, 2U);
    EXPECT_FALSE(store.NoteLate("a", at));
    ASSERT_TRUE(store.ForgetLate(2, {"a"}));
    EXPECT_EQ(*store.Late(), (std::vector<LateRun>{{.number = 1, .run = "a", .at = at}}));
    ASSERT_TRUE(store.ForgetLate(0, {}));
    EXPECT_EQ(store.Late()->size(), 1U) << "somebody has not heard of it";
    ASSERT_TRUE(store.ForgetLate(1, {}));
  }
  ReceiverStore store = MustOpen(directory / "r");
  EXPECT_TRUE(store.Late()->empty());
  EXPECT_EQ(*store.LastLate(), 2U);
  EXPECT_EQ(store.NoteLate("c", at)->number, 3U);
}

TEST(ReceiverStore, BeginsAnewForAnotherJournalAndForAnOlderCopyOfIt) {
  const TestDirectory directory;
  for (const auto& [journal, last_seq, fresh] : {std::tuple{kJournal, 8U, true},
                                                 {std::string(32, 'b'), 100U, true},
                                                 {kJournal, 9U, false}}) {
    std::filesystem::remove(directory / "r");
    ASSERT_TRUE(MustOpen(directory / "r", 100, true).Save(kTwo));
    ReceiverStore store = MustOpen(directory / "r", last_seq, fresh, journal);
    EXPECT_EQ(store.Cursors()->empty(), fresh);
    MustOpen(directory / "r", last_seq, false, journal);
  }
}

TEST(ReceiverStore, ADamagedFileIsSaidSoAndCanBePutAside) {
  const TestDirectory directory;
  std::ofstream(directory / "r") << "This is no database, and it is long enough to be read as one.";
  bool fresh = false;
  const auto refused = ReceiverStore::Open(directory / "r", kJournal, 100, &fresh);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kCorrupt);
  ASSERT_TRUE(ReceiverStore::PutAside(directory / "r"));
  EXPECT_TRUE(std::filesystem::exists(directory / "r.damaged"));
  MustOpen(directory / "r", 100, true);
}

TEST(ReceiverStore, AFileThatCannotBeCreatedIsAnError) {
  const TestDirectory directory;
  bool fresh = false;
  const auto refused = ReceiverStore::Open(directory / "no/r", kJournal, 100, &fresh);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace mailhub::journal
