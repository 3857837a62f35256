// Verify: what it finds, and that it changes nothing.
#include "actuator/journal/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "actuator/journal/backup.h"
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
  EXPECT_THAT(
      Mistakes(),
      HasSubstr("is in runs with result \"succeeded\", but by the events it is \"failed\""));
  Sql("DELETE FROM runs WHERE run = '" + RunId(2) + "'");
  EXPECT_THAT(Mistakes(), HasSubstr("run " + RunId(2) + " has no line in runs"));
  Sql("UPDATE runs SET finished_seq = 12 WHERE run = '" + RunId(1) + "'");
  EXPECT_THAT(Mistakes(), HasSubstr("finished_seq \"12\", but by the events it is \"11\""));
  Sql("INSERT INTO episodes VALUES('f00d', 3, '')");
  EXPECT_THAT(Mistakes(), HasSubstr("alert f00d is in episodes, but not by the events"));
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

// What somebody added to a copy would run inside the actuator's transactions.
TEST_F(VerifyTest, FindsTablesThatTheProgramDoesNotMake) {
  const std::string doomed = "BEGIN DELETE FROM events WHERE run = new.run; END";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"CREATE TRIGGER t AFTER UPDATE ON runs " + doomed, "has a trigger t,"},
      {"DELETE FROM meta WHERE key = 'journal_id'", "has no journal id"},
      {"UPDATE meta SET value = '-1' WHERE key = 'schema_version'", "names no schema version"},
      {"CREATE VIEW v AS SELECT 1", "has a view v,"},
      {"CREATE TABLE mine(a)", "has a table mine,"},
      {"DROP INDEX runs_finished", "has no index runs_finished"},
      {"DROP INDEX runs_finished; CREATE INDEX runs_finished ON runs(run)",
       "index runs_finished is not as this program makes it"},
  };
  for (const auto& [sql, mistake] : cases) {
    const std::string copy = directory_ / "copy.db";
    std::filesystem::copy_file(path_, copy, std::filesystem::copy_options::overwrite_existing);
    auto database = Database::Open(copy, Database::Access::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Run(sql)) << sql;
    const auto verified = Verify(copy);
    ASSERT_FALSE(verified) << sql;
    EXPECT_THAT(verified.error().message, HasSubstr(mistake));
    const auto started = Journal::Open(copy, testing::kNow);
    ASSERT_FALSE(started) << sql;
    EXPECT_THAT(started.error().message, HasSubstr(mistake));
  }
}

TEST_F(VerifyTest, ExecutesNothingOfTheFile) {
  Sql("CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM events; END");
  Sql("UPDATE meta SET value = value");
  auto database = Database::Open(path_, Database::Access::kReadOnly);
  ASSERT_TRUE(database);
  EXPECT_EQ(database->Number("SELECT count(*) FROM events"), 30);
}

TEST_F(VerifyTest, FindsThatTheEndOfTheActuatorsOwnJournalIsLost) {
  Sql("DELETE FROM events WHERE seq > 28");
  EXPECT_THAT(Mistakes(), HasSubstr("ends with event 28, but had event 30"));
  const auto copied = Backup(path_, directory_ / "copy.db");
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().message, HasSubstr("ends with event 28, but had event 30"));
  std::filesystem::remove(path_ + ".lock");
  EXPECT_THAT(Mistakes(), ::testing::Not(HasSubstr("ends with event"))) << "a copy has none";
}

TEST_F(VerifyTest, DoesNotWaitForAFifo) {
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  const auto verified = Verify(directory_ / "fifo");
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().kind, ErrorKind::kRefused);
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

// One alert has started the fourth run and is open, another was heard again and has ended.
std::vector<engine::Event> AlertsFrom(uint64_t first) {
  using namespace engine;  // NOLINT
  const auto alert = [](const std::string& fingerprint, Decision decision, const std::string& run,
                        bool firing = true) {
    AlertDecided decided;
    decided.notification = "n";
    decided.fingerprint = fingerprint;
    decided.alertname = "A";
    decided.labels = {{"alertname", "A"}};
    decided.firing = firing;
    decided.decision = decision;
    decided.run = run;
    return decided;
  };
  std::vector<Event> events = testing::Numbered(
      {RunQueued{.plan = testing::SamplePlan(),
                 .trigger = "t",
                 .fingerprint = "f1",
                 .by = "alertmanager",
                 .only_if = "",
                 .at_once = "so",
                 .by_login = false},
       alert("f1", Decision::kStartedRun, RunId(4)), alert("f2", Decision::kJoined, RunId(4)),
       alert("f2", Decision::kRepeat, RunId(4)), alert("f2", Decision::kResolved, RunId(4), false)},
      first, RunId(4));
  for (Event& event : events) event.run = RunId(4);
  return events;
}

class VerifyTables : public VerifyTest {
 protected:
  VerifyTables() {
    const auto journal = MustOpen(path_);
    EXPECT_TRUE(journal->Append(AlertsFrom(31)));
  }
  // What it says after the change, which is then undone.
  std::string After(const std::string& sql) {
    std::filesystem::remove(directory_ / "copy.db");
    auto from = Database::Open(path_, Database::Access::kReadOnly);
    auto copy = Database::Open(directory_ / "copy.db", Database::Access::kReadWrite);
    EXPECT_TRUE(from && copy && from->CopyTo(*copy));
    const Status done = copy->Run("PRAGMA journal_mode = DELETE; " + sql);
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_GT(copy->Changes(), 0U) << sql;
    const auto verified = Verify(directory_ / "copy.db");
    return verified ? "" : verified.error().message;
  }
};

TEST_F(VerifyTables, AreComparedInEachColumn) {
  const auto good = Verify(path_);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_TRUE(good->tables_compared);
  EXPECT_EQ(good->not_compared, 0U);
  for (const char* change :
       {"queued_ms = queued_ms + 1", "started_ms = started_ms + 1", "started_ms = NULL",
        "finished_ms = finished_ms + 7776000000", "finished_seq = 9", "result = 'dropped'",
        "result_detail = 'x'", "started_by = 'eve'", "target = 'x'", "runbook = 'x'", "swept = 0",
        "plan = 'x'", "runbook = CAST(runbook AS BLOB)"})
    EXPECT_THAT(After(std::string("UPDATE runs SET ") + change + " WHERE run = '" + RunId(1) + "'"),
                HasSubstr("run " + RunId(1) + " is in runs with"))
        << change;
  EXPECT_THAT(After("DELETE FROM episodes"), HasSubstr("alert f1 has no line in episodes"));
  EXPECT_THAT(After("UPDATE episodes SET run = 'zzz'"), HasSubstr("episodes with run \"zzz\""));
  EXPECT_THAT(After("UPDATE episodes SET seq = 33"), HasSubstr("episodes with seq \"33\""));
  EXPECT_THAT(After("DELETE FROM last_heard"), HasSubstr("alert f2 has no line in last_heard"));
  EXPECT_THAT(After("INSERT INTO last_heard VALUES('f1', 1, 34)"),
              HasSubstr("f1 is in last_heard"));
}

TEST_F(VerifyTables, OfAPrunedJournalAreComparedAsFarAsTheEventsAreThere) {
  Sql("UPDATE meta SET value = '33' WHERE key = 'whole_from';"
      "UPDATE meta SET value = '32' WHERE key = 'kept_before'; DELETE FROM episodes");
  const auto verified = Verify(path_);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->not_compared, 1U) << "f1, whose end may have been pruned";
  EXPECT_THAT(After("DELETE FROM last_heard WHERE ended = 0"), HasSubstr("f2 has no line"));
}

TEST_F(VerifyTables, AndEventsMustFitEachOther) {
  const auto set = [this](const std::string& seq, const std::string& field,
                          const std::string& value) {
    return After("UPDATE events SET body = json_set(body, '$." + field + "', " + value +
                 ") WHERE seq = " + seq);
  };
  EXPECT_THAT(set("5", "receipt.exit_status", "9"),
              HasSubstr("event 6: it is done, but its command"));
  EXPECT_THAT(set("4", "attempt", "7"), HasSubstr("event 4: attempt 7 comes after attempt 0"));
  EXPECT_THAT(set("5", "attempt", "7"), HasSubstr("event 5: attempt 7 is settled"));
  EXPECT_THAT(set("10", "result", "'failed'"), HasSubstr("event 11: it ends as succeeded"));
  EXPECT_THAT(set("32", "decision", "'joined'"), HasSubstr("event 32: the start of a run and"));
  EXPECT_THAT(set("33", "decision", "'started_run'"),
              HasSubstr("event 33: the start of a run and"));
  EXPECT_THAT(set("32", "firing", "json('false')"), HasSubstr("but the alert is over"));
  EXPECT_THAT(set("3", "host", "'x501'"), HasSubstr("event 3: the plan has it on host"));
  EXPECT_THAT(After("UPDATE events SET detail = 1 WHERE seq = 1"), HasSubstr("detail is 1"));
  EXPECT_THAT(After("UPDATE events SET run = '' WHERE seq = 33"),
              HasSubstr("event 33: it is filed"));
}

// Bits of values, at random. Not of an event's time and body: many are free text or times that
// nothing else repeats, so nobody can tell.
TEST_F(VerifyTables, NoFlippedBitStaysUnnoticed) {
  auto database = Database::Open(path_, Database::Access::kReadOnly);
  ASSERT_TRUE(database);
  auto all = database->Prepare(
      "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE "
      "m.type = 'table' AND m.name != 'meta' AND NOT (m.name = 'events' AND c.name IN "
      "('at_ms', 'body')) ORDER BY 1, 2");
  ASSERT_TRUE(all);
  std::vector<std::pair<std::string, std::string>> columns;
  for (auto row = all->Step(); row && *row; row = all->Step())
    columns.emplace_back(all->Text(0), all->Text(1));
  EXPECT_EQ(columns.size(), 24U);
  std::mt19937_64 random(1);
  int noticed = 0;
  for (int i = 0; i < 300; ++i) {
    const auto& [table, column] = columns[random() % columns.size()];
    auto select = database->Prepare("SELECT " + column + " FROM " + table + " WHERE " + column +
                                    " != '' ORDER BY 1");
    ASSERT_TRUE(select);
    std::vector<std::string> values;
    for (auto row = select->Step(); row && *row; row = select->Step())
      values.emplace_back(select->Text(0));
    ASSERT_FALSE(values.empty()) << table << "." << column;
    const std::string is = values[random() % values.size()];
    std::string becomes = is;
    if (column.ends_with("_ms") || column.ends_with("seq") || column == "detail" ||
        column == "swept" || column == "ended") {
      becomes = std::to_string(std::stoll(is) ^ (int64_t{1} << (random() % 62)));
    } else {
      becomes[random() % is.size()] ^= static_cast<char>(1U << (random() % 5));
    }
    if (becomes.find('\'') != std::string::npos || becomes.find('\0') != std::string::npos ||
        is.find('\'') != std::string::npos ||
        std::find(values.begin(), values.end(), becomes) != values.end())
      continue;
    const std::string change = "UPDATE " + table + " SET " + column + " = '" + becomes +
                               "' WHERE " + column + " = '" + is + "'";
    EXPECT_NE(After(change), "") << change;
    ++noticed;
  }
  EXPECT_GT(noticed, 200);
}

TEST_F(VerifyTables, AndNothingOfAnEventIsLeftUnread) {
  const auto replace = [this](const std::string& from, const std::string& to) {
    return After("UPDATE events SET body = replace(body, '" + from + "', '" + to +
                 "') WHERE seq IN (11, 31)");
  };
  EXPECT_THAT(replace("at_once", "at_on#e"), HasSubstr("field \"at_on#e\" has an unknown name"));
  EXPECT_THAT(replace("worked_ms", "wozked_ms"), HasSubstr("\"wozked_ms\" has an unknown name"));
  EXPECT_THAT(replace("{", "{ "), HasSubstr("is not spelled as the writer does"));
}

}  // namespace
}  // namespace mailhub::journal
