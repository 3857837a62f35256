// `mailhubctl journal`, as a program.
#include <fstream>

#include "actuator/ctl/testing_ctl.h"
#include "actuator/journal/database.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/testing_journal.h"

namespace mailhub::ctl {
namespace {

using journal::testing::MustOpen;
using journal::testing::RunId;
using journal::testing::TestDirectory;
using journal::testing::WholeRun;
using ::testing::HasSubstr;

class JournalCommand : public ::testing::Test {
 protected:
  JournalCommand() : path_(directory_ / "journal.db"), journal_(MustOpen(path_)) {
    EXPECT_TRUE(journal_->Append(WholeRun(1, RunId(1))));
  }
  const TestDirectory directory_;
  const std::string path_;
  const std::unique_ptr<journal::Journal> journal_;  // an actuator has it
};

TEST_F(JournalCommand, BacksUpAndVerifiesBesideTheRunningActuator) {
  const std::string copy = directory_ / "copy.db";
  const Outcome made = Execute("journal backup " + copy + " --journal " + path_);
  EXPECT_EQ(made.status, 0) << made.out;
  EXPECT_EQ(made.out, copy + ": journal " + journal_->id() +
                          ", 12 events, the last is 12 of 2023-11-14 22:13:32 +0000; 1 run, 0 "
                          "unfinished; verified\n");
  ASSERT_TRUE(journal_->Append(WholeRun(13, RunId(2)))) << "the writer goes on";
  EXPECT_THAT(Execute("journal verify --journal " + path_).out, HasSubstr("24 events"));
  EXPECT_THAT(Execute("journal verify " + copy).out, HasSubstr("12 events"));
  const Outcome again = Execute("journal backup " + copy + " --journal " + path_);
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.out, HasSubstr("exists; a backup never replaces a file"));
}

TEST_F(JournalCommand, FindsTheJournalInTheConfiguration) {
  const std::string config = directory_ / "actuator.yml";
  std::ofstream(config) << "site: site.yml\nrunbooks: .\njournal: journal.db\n"
                           "prometheus: {url: \"http://127.0.0.1:9090\"}\n";
  const Outcome good = Execute("journal verify --config " + config);
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_THAT(good.out, HasSubstr("no mistake"));
  const Outcome none = Execute("journal verify --config " + (directory_ / "none.yml"));
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.out, HasSubstr("--journal"));
}

TEST_F(JournalCommand, SaysByItsStatusThatAJournalIsDamaged) {
  auto database = journal::Database::Open(path_, journal::Database::Access::kReadWrite);
  ASSERT_TRUE(database && database->Run("DELETE FROM events WHERE seq = 5"));
  const Outcome damaged = Execute("journal verify --journal " + path_);
  EXPECT_EQ(damaged.status, 1);
  EXPECT_THAT(damaged.out, HasSubstr("11 events stand where 12 should"));
  const std::string copy = directory_ / "copy.db";
  EXPECT_EQ(Execute("journal backup " + copy + " --journal " + path_).status, 1);
  EXPECT_FALSE(std::ifstream(copy).good()) << "a damaged copy is no backup";
}

}  // namespace
}  // namespace mailhub::ctl
