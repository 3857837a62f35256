// Verify: what it finds, and that it changes nothing.
#include "actuator/journal/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "actuator/journal/database.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"

namespace mailhub::journal {
namespace {

using ::testing::HasSubstr;
using testing::MustOpen;
using testing::RunId;
using testing::TestDirectory;
using testing::WholeRun;

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() : path_(directory_ / "journal.db") {
    const auto journal = MustOpen(path_);
    EXPECT_TRUE(journal->Append(WholeRun(1, RunId(1))));
    EXPECT_TRUE(journal->Append(WholeRun(13, RunId(2), engine::RunResult::kFailed)));
    const auto open = WholeRun(25, RunId(3));
    EXPECT_TRUE(journal->Append(std::span(open).first(6)));
  }
  void Sql(const std::string& sql) {
    auto database = Database::Open(path_, Database::Access::kReadWrite);
    ASSERT_TRUE(database);
    const Status done = database->Run(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string Mistakes() {
    const auto verified = Verify(path_);
    if (verified) return "";
    EXPECT_EQ(verified.error().kind, ErrorKind::kCorrupt) << verified.error().message;
    return verified.error().message;
  }

  TestDirectory directory_;
  const std::string path_;
};

TEST_F(VerifyTest, SaysWhatAGoodJournalHas) {
  const auto verified = Verify(path_);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->events, 30U);
  EXPECT_EQ(verified->last_seq, 30U);
  EXPECT_EQ(verified->last_at, testing::kNow + Seconds(30));
  EXPECT_EQ(verified->runs, 3U);
  EXPECT_EQ(verified->open_runs, 1U);
  EXPECT_EQ(verified->whole_from, 1U);
  EXPECT_EQ(verified->id, MustOpen(path_)->id());
}

TEST_F(VerifyTest, LooksAtAJournalThatIsBeingWritten) {
  const auto journal = MustOpen(path_);
  auto writer = Database::Open(path_, Database::Access::kReadWrite);
  ASSERT_TRUE(writer && writer->Run("BEGIN IMMEDIATE; DELETE FROM events"));
  EXPECT_EQ(Mistakes(), "");
}

TEST_F(VerifyTest, TakesAnEmptyJournal) {
  MustOpen(directory_ / "new.db");
  const auto verified = Verify(directory_ / "new.db");
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->events, 0U);
  EXPECT_FALSE(verified->last_at);
}

TEST_F(VerifyTest, FindsAMissingEvent) {
  Sql("DELETE FROM events WHERE seq = 16");
  EXPECT_THAT(Mistakes(), HasSubstr("29 events stand where 30 should"));
}

TEST_F(VerifyTest, FindsEveryEventThatCannotBeRead) {
  Sql("UPDATE events SET body = '{}' WHERE seq = 16; UPDATE events SET kind = 'x' WHERE seq = 4");
  EXPECT_THAT(Mistakes(), HasSubstr("event 4: "));
  EXPECT_THAT(Mistakes(), HasSubstr("event 16: step_started"));
}

TEST_F(VerifyTest, FindsEventsThatDoNotFitTheirRun) {
  Sql("UPDATE events SET body = json_set(body, '$.path', '7') WHERE seq = 4");
  EXPECT_THAT(Mistakes(), HasSubstr("event 4: the plan of run " + RunId(1) + " has no step 7"));
  Sql("UPDATE events SET run = '" + RunId(9) + "' WHERE seq = 5");
  EXPECT_THAT(Mistakes(), HasSubstr("event 5: it is of run " + RunId(9)));
}

TEST_F(VerifyTest, FindsTablesThatContradictTheEvents) {
  Sql("UPDATE runs SET result = 'succeeded' WHERE run = '" + RunId(2) + "'");
  EXPECT_THAT(Mistakes(), HasSubstr("event 23: the run failed, but runs says succeeded"));
  Sql("DELETE FROM runs WHERE run = '" + RunId(2) + "'");
  EXPECT_THAT(Mistakes(), HasSubstr("run " + RunId(2) + " has no line in runs"));
  Sql("UPDATE runs SET finished_seq = 12 WHERE run = '" + RunId(1) + "'");
  EXPECT_THAT(Mistakes(), HasSubstr("run " + RunId(1) + " is finished in runs, but not by"));
  Sql("INSERT INTO episodes VALUES('f00d', 3, '')");
  EXPECT_THAT(Mistakes(), HasSubstr("alert f00d is in episodes, but not decided by"));
}

TEST_F(VerifyTest, FindsAPlanThatWasChanged) {
  Sql("UPDATE plans SET body = replace(body, 'stop', 'kill')");
  EXPECT_THAT(Mistakes(), HasSubstr("is not the one of that digest"));
}

TEST_F(VerifyTest, FindsADamagedFile) {
  MustOpen(path_);  // merges the log
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(2 * 4096);  // the head of a page
  file << std::string(8, '\xaa');
  file.close();
  EXPECT_NE(Mistakes(), "");
}

TEST_F(VerifyTest, ListsABoundedNumberOfMistakes) {
  Sql("UPDATE events SET body = '{}' WHERE kind != 'run_queued' AND kind != 'run_started'");
  const std::string mistakes = Mistakes();
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), '\n'), 20);
  EXPECT_THAT(mistakes, HasSubstr("and perhaps more"));
}

TEST_F(VerifyTest, RefusesWhatIsNoJournalOrANewerOne) {
  EXPECT_EQ(Verify(directory_ / "none.db").error().kind, ErrorKind::kNotFound);
  std::ofstream(directory_ / "text") << std::string(5'000, 'x');
  EXPECT_FALSE(Verify(directory_ / "text"));
  Sql("UPDATE meta SET value = '99' WHERE key = 'schema_version'");
  const auto newer = Verify(path_);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, ErrorKind::kRefused);
}

}  // namespace
}  // namespace mailhub::journal
