// See receiver_store.h.
#include "actuator/journal/receiver_store.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "actuator/journal/database.h"
#include "actuator/journal/lock_file.h"

namespace mailhub::journal {
namespace {

// "mhrc"
constexpr int64_t kApplicationId = 0x6d687263;
constexpr int64_t kVersion = 1;
// AUTOINCREMENT: a number that was given is not given again, even after its row is gone.
constexpr const char* kTables = R"(
CREATE TABLE meta(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE receivers(
  name       TEXT PRIMARY KEY,
  seq        INTEGER NOT NULL,
  late       INTEGER NOT NULL,
  left_out   INTEGER NOT NULL,
  success_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE late(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run    TEXT NOT NULL UNIQUE,
  at_ms  INTEGER NOT NULL
);
PRAGMA application_id = 1835561571;
PRAGMA user_version = 1;
)";
static_assert(kApplicationId == 1835561571 && kVersion == 1, "as written in kTables");

template <typename Do>
Status InTransaction(Database& database, Do act) {
  Status done = database.Run("BEGIN IMMEDIATE");
  if (done) done = act();
  if (done) done = database.Run("COMMIT");
  if (!done && database.InTransaction()) (void)database.Run("ROLLBACK");
  return done;
}

Status Prepare(Database& database, const std::string& path) {
  const Result<int64_t> tables = database.Number("SELECT count(*) FROM sqlite_master");
  if (!tables) return Fail(tables.error());
  if (*tables == 0) {
    return InTransaction(database, [&] { return database.Run(kTables); });
  }
  const Result<int64_t> application = database.Number("PRAGMA application_id");
  if (!application) return Fail(application.error());
  const Result<int64_t> version = database.Number("PRAGMA user_version");
  if (!version) return Fail(version.error());
  if (*application == kApplicationId && *version == kVersion) return {};
  return Fail(ErrorKind::kCorrupt,
              path + (*application == kApplicationId ? " was written by a newer program"
                                                     : " is a database of some other program"));
}

}  // namespace

struct ReceiverStore::Impl {
  explicit Impl(Database opened) : database(std::move(opened)) {}

  // Whether it was begun anew.
  Result<bool> Adopt(const std::string& journal_id, uint64_t last_seq);

  Database database;
};

ReceiverStore::ReceiverStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReceiverStore::~ReceiverStore() = default;
ReceiverStore::ReceiverStore(ReceiverStore&&) noexcept = default;
ReceiverStore& ReceiverStore::operator=(ReceiverStore&&) noexcept = default;

Result<bool> ReceiverStore::Impl::Adopt(const std::string& journal_id, uint64_t last_seq) {
  const auto known = database.FirstText("SELECT value FROM meta WHERE key = 'journal_id'");
  if (!known) return Fail(known.error());
  const Result<int64_t> newest = database.Number("SELECT max(seq) FROM receivers");
  if (!newest) return Fail(newest.error());
  if (*known == journal_id && static_cast<uint64_t>(*newest) <= last_seq) return false;
  const Status done = InTransaction(database, [&]() -> Status {
    if (Status s = database.Run("DELETE FROM receivers; DELETE FROM late"); !s) return s;
    Result<Statement> insert = database.Prepare(
        "INSERT INTO meta(key, value) VALUES('journal_id', ?) "
        "ON CONFLICT(key) DO UPDATE SET value = excluded.value");
    if (!insert) return Fail(insert.error());
    return insert->Bind(journal_id).Execute();
  });
  if (!done) return Fail(done.error());
  return true;
}

Result<ReceiverStore> ReceiverStore::Open(const std::string& path, const std::string& journal_id,
                                          uint64_t last_seq, bool* fresh) {
  // SQLite would create it with the umask's mode.
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.number() < 0) return SystemError(path, errno);
  Result<Database> database = Database::Open(path, Database::Access::kReadWrite);
  if (!database) return Fail(database.error());
  // One file without a log beside it; it is written seldom.
  if (Status s = database->Run("PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; "
                               "PRAGMA trusted_schema = OFF;");
      !s) {
    return Fail(s.error());
  }
  const Result<std::string> verdict = database->FirstText("PRAGMA quick_check(1)");
  if (!verdict) return Fail(verdict.error());
  if (*verdict != "ok") return Fail(ErrorKind::kCorrupt, path + " is damaged: " + *verdict);
  if (Status s = Prepare(*database, path); !s) return Fail(s.error());
  auto impl = std::make_unique<Impl>(std::move(*database));
  const Result<bool> anew = impl->Adopt(journal_id, last_seq);
  if (!anew) return Fail(anew.error());
  *fresh = *anew;
  return ReceiverStore(std::move(impl));
}

Status ReceiverStore::PutAside(const std::string& path) {
  if (std::rename(path.c_str(), (path + ".damaged").c_str()) != 0) return SystemError(path, errno);
  // What SQLite has left beside it belongs to the damaged file.
  (void)std::remove((path + "-journal").c_str());
  return {};
}

Result<std::vector<ReceiverCursor>> ReceiverStore::Cursors() {
  Result<Statement> select = impl_->database.Prepare(
      "SELECT name, seq, late, left_out, success_ms FROM receivers ORDER BY name");
  if (!select) return Fail(select.error());
  std::vector<ReceiverCursor> cursors;
  for (;;) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(row.error());
    if (!*row) return cursors;
    cursors.push_back({.name = std::string(select->Text(0)),
                       .seq = static_cast<uint64_t>(select->Int(1)),
                       .late = static_cast<uint64_t>(select->Int(2)),
                       .left_out = static_cast<uint64_t>(select->Int(3)),
                       .last_success = FromUnixMs(select->Int(4))});
  }
}

Status ReceiverStore::Save(std::span<const ReceiverCursor> cursors) {
  return InTransaction(impl_->database, [&]() -> Status {
    if (Status s = impl_->database.Run("DELETE FROM receivers"); !s) return s;
    Result<Statement> insert = impl_->database.Prepare(
        "INSERT INTO receivers(name, seq, late, left_out, success_ms) VALUES(?, ?, ?, ?, ?)");
    if (!insert) return Fail(insert.error());
    for (const ReceiverCursor& cursor : cursors) {
      const Status s = insert->Bind(cursor.name)
                           .Bind(static_cast<int64_t>(cursor.seq))
                           .Bind(static_cast<int64_t>(cursor.late))
                           .Bind(static_cast<int64_t>(cursor.left_out))
                           .Bind(ToUnixMs(cursor.last_success))
                           .Execute();
      if (!s) return s;
    }
    return {};
  });
}

Result<std::vector<LateRun>> ReceiverStore::Late() {
  Result<Statement> select =
      impl_->database.Prepare("SELECT number, run, at_ms FROM late ORDER BY number");
  if (!select) return Fail(select.error());
  std::vector<LateRun> runs;
  for (;;) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(row.error());
    if (!*row) return runs;
    runs.push_back({.number = static_cast<uint64_t>(select->Int(0)),
                    .run = std::string(select->Text(1)),
                    .at = FromUnixMs(select->Int(2))});
  }
}

Result<uint64_t> ReceiverStore::LastLate() {
  const Result<int64_t> last =
      impl_->database.Number("SELECT seq FROM sqlite_sequence WHERE name = 'late'");
  if (!last) return Fail(last.error());
  return static_cast<uint64_t>(*last);
}

Result<LateRun> ReceiverStore::NoteLate(const std::string& run, WallTime at) {
  Result<Statement> insert = impl_->database.Prepare("INSERT INTO late(run, at_ms) VALUES(?, ?)");
  if (!insert) return Fail(insert.error());
  if (Status s = insert->Bind(run).Bind(ToUnixMs(at)).Execute(); !s) return Fail(s.error());
  const Result<uint64_t> number = LastLate();
  if (!number) return Fail(number.error());
  return LateRun{.number = *number, .run = run, .at = at};
}

Status ReceiverStore::ForgetLate(uint64_t up_to, const std::set<std::string>& unfinished) {
  const Result<std::vector<LateRun>> all = Late();
  if (!all) return Fail(all.error());
  for (const LateRun& late : *all) {
    if (late.number > up_to || unfinished.contains(late.run)) continue;
    if (Status s =
            impl_->database.Run("DELETE FROM late WHERE number = " + std::to_string(late.number));
        !s) {
      return s;
    }
  }
  return {};
}

}  // namespace mailhub::journal
