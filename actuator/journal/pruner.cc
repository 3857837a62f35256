// See pruner.h.
#include "actuator/journal/pruner.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "actuator/journal/numbers.h"
#include "actuator/journal/open_files.h"
#include "actuator/journal/still_matters.h"

namespace mailhub::journal {
namespace {

// Numbers that one step looks at or removes.
constexpr int64_t kLookedAt = 5'000;
constexpr uint64_t kRemoved = 200;
constexpr const char* kPagesFreed = "PRAGMA incremental_vacuum(64)";

// What is left out of the pass, and what it may take, as it was when the pass began. Both only
// become more with time, so a list that is a little old leaves something for the next pass.
constexpr const char* kTables = R"(
CREATE TEMP TABLE IF NOT EXISTS kept_runs(run TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS kept_alerts(seq INTEGER PRIMARY KEY);
CREATE TEMP TABLE IF NOT EXISTS old_heard(seq INTEGER PRIMARY KEY, fingerprint TEXT, ended INTEGER);
CREATE TEMP TABLE IF NOT EXISTS doomed(seq INTEGER PRIMARY KEY);
DELETE FROM kept_runs;
DELETE FROM kept_alerts;
DELETE FROM old_heard;
)";

std::string Text(uint64_t number) {
  return std::to_string(number);
}

}  // namespace

struct Pruner::Impl {
  enum class Phase { kAdvance, kRuns, kAlerts, kPlans, kSpace };

  Impl(Database opened, std::string at) : database(std::move(opened)), path(std::move(at)) {}

  Result<bool> Step(const KeepSince& since);
  Result<bool> Advance();
  Status List();
  Result<bool> Runs();
  Result<bool> Alerts();
  Result<bool> Plans();
  Result<bool> Space();
  // Removes in one transaction what `remove` does; it returns the number of events.
  Status Remove(const std::function<Result<uint64_t>(void)>& remove);
  Result<uint64_t> Changed(const std::string& sql);

  Database database;
  const std::string path;
  std::optional<OpenFiles> files;
  Phase phase = Phase::kAdvance;
  std::optional<KeepSince> keep;  // of the pass under way
  uint64_t whole_from = 1;        // everything that is removed stands before
  uint64_t cursor = 0;            // of the phase: all up to here is done
  uint64_t events = 0;
  uint64_t runs = 0;
};

Pruner::Pruner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pruner::~Pruner() = default;
Pruner::Pruner(Pruner&&) noexcept = default;
Pruner& Pruner::operator=(Pruner&&) noexcept = default;

uint64_t Pruner::removed_events() const {
  return impl_->events;
}
uint64_t Pruner::removed_runs() const {
  return impl_->runs;
}

Result<Pruner> Pruner::Open(const std::string& path, const std::string& id) {
  Result<Database> database = Database::Open(path, Database::Access::kReadWriteExisting);
  if (!database) return Fail(database.error());
  // The log stays: only the journal's writer may end it.
  database->KeepLogOnClose(true);
  // The log is merged by this thread early, so that the writer seldom has to.
  if (Status s = database->Run("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 200; "
                               "PRAGMA trusted_schema = OFF;");
      !s)
    return Fail(s.error());
  const Result<std::string> found =
      database->FirstText("SELECT value FROM meta WHERE key = 'journal_id'");
  if (!found) return Fail(found.error());
  if (*found != id) return Fail(ErrorKind::kRefused, path + " is another journal, " + *found);
  auto impl = std::make_unique<Impl>(std::move(*database), path);
  const std::string real = impl->database.FileName();
  Result<OpenFiles> files = OpenFiles::Of({path, real, real + "-wal", real + "-shm"});
  if (!files) return Fail(files.error());
  impl->files = std::move(*files);
  return Pruner(std::move(impl));
}

Result<bool> Pruner::Step(const KeepSince& keep) {
  const Status there = impl_->files->Check(ErrorKind::kOverloaded);
  Result<bool> more = there ? impl_->Step(keep) : Fail(there.error());
  if (!more || !*more) impl_->keep.reset();
  if (!more && impl_->database.InTransaction()) (void)impl_->database.Run("ROLLBACK");
  return more;
}

Result<bool> Pruner::Impl::Step(const KeepSince& since) {
  if (!keep) {
    keep = since;
    phase = Phase::kAdvance;
  }
  // A phase returns whether it has more to do; the next one begins with the next step.
  struct Part {
    Result<bool> (Impl::*act)();
    Phase phase, next;
  };
  static constexpr Part kPhases[] = {{&Impl::Advance, Phase::kAdvance, Phase::kRuns},
                                     {&Impl::Runs, Phase::kRuns, Phase::kAlerts},
                                     {&Impl::Alerts, Phase::kAlerts, Phase::kPlans},
                                     {&Impl::Plans, Phase::kPlans, Phase::kSpace},
                                     {&Impl::Space, Phase::kSpace, Phase::kAdvance}};
  const Part& now = kPhases[static_cast<size_t>(phase)];
  Result<bool> more = (this->*now.act)();
  if (!more || *more) return more;
  phase = now.next;
  cursor = 0;
  if (now.phase == Phase::kAdvance) {
    if (Status s = List(); !s) return Fail(s.error());
  }
  return phase != Phase::kAdvance;
}

// Moves the place from which on the journal is whole. It counts what it passes, so that a loss
// before that place is noticed as well as one behind it.
Result<bool> Pruner::Impl::Advance() {
  Result<Numbers> numbers = ReadNumbers(database);
  if (!numbers) return Fail(numbers.error());
  whole_from = numbers->whole_from;
  const int64_t young = ToUnixMs(std::max(keep->decisions, keep->runs));
  // The last event is not looked at: it always stays.
  Result<Statement> select = database.Prepare(
      "SELECT seq, at_ms FROM events WHERE seq >= ? AND seq < (SELECT max(seq) FROM events) "
      "ORDER BY seq LIMIT ?");
  if (!select) return Fail(select.error());
  select->Bind(static_cast<int64_t>(whole_from)).Bind(kLookedAt);
  uint64_t next = whole_from;
  for (;;) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(row.error());
    if (!*row || select->Int(1) >= young) break;
    if (static_cast<uint64_t>(select->Int(0)) != next)
      return Fail(ErrorKind::kCorrupt, path + ": event " + Text(next) + " is missing");
    ++next;
  }
  const uint64_t passed = next - whole_from;
  if (passed == 0) return false;
  select->Reset();  // ends the reading, so that the transaction sees the newest state
  if (Status s = database.Run("BEGIN IMMEDIATE"); !s) return Fail(s.error());
  Status done = BeginRunsWholeFrom(database, *numbers);
  if (done) {
    done =
        WriteNumbers(database, {.whole_from = next, .kept_before = numbers->kept_before + passed});
  }
  if (done) done = database.Run("COMMIT");
  if (!done) return Fail(done.error());
  whole_from = next;
  return passed == static_cast<uint64_t>(kLookedAt);
}

Status Pruner::Impl::List() {
  if (Status s = database.Run(kTables); !s) return s;
  if (Status s = database.Run("BEGIN"); !s) return s;
  Status done = database.Run(std::string("INSERT INTO kept_runs WITH ") + kRunsThatMatter +
                             " SELECT run FROM whole UNION SELECT run FROM brief;"
                             "INSERT INTO kept_alerts " +
                             kAlertsThatMatter +
                             ";"
                             "INSERT OR IGNORE INTO old_heard SELECT seq, fingerprint, ended FROM "
                             "last_heard WHERE seq < " +
                             Text(whole_from) + " AND seq NOT IN (SELECT seq FROM kept_alerts);");
  if (done) done = database.Run("COMMIT");
  return done;
}

Status Pruner::Impl::Remove(const std::function<Result<uint64_t>(void)>& remove) {
  if (Status s = database.Run("BEGIN IMMEDIATE"); !s) return s;
  const Result<uint64_t> removed = remove();
  if (!removed) return Fail(removed.error());
  Result<Numbers> numbers = ReadNumbers(database);
  if (!numbers) return Fail(numbers.error());
  if (*removed > numbers->kept_before)
    return Fail(ErrorKind::kCorrupt, path + ": more events stand before event " +
                                         Text(numbers->whole_from) + " than were kept");
  numbers->kept_before -= *removed;
  if (Status s = WriteNumbers(database, *numbers); !s) return s;
  if (Status s = database.Run("COMMIT"); !s) return s;
  events += *removed;
  return {};
}

Result<uint64_t> Pruner::Impl::Changed(const std::string& sql) {
  if (Status s = database.Run(sql); !s) return Fail(s.error());
  return database.Changes();
}

// Whole runs, oldest end first.
Result<bool> Pruner::Impl::Runs() {
  Result<Statement> select = database.Prepare(
      "SELECT run, finished_seq, (SELECT max(seq) FROM events WHERE events.run = runs.run AND "
      "kind != 'alert_decided'), (SELECT count(*) FROM events WHERE events.run = runs.run), "
      "finished_ms "
      "FROM runs WHERE finished_seq > ? AND finished_seq < ? AND finished_ms < ? AND swept = 1 "
      "AND run NOT IN (SELECT run FROM kept_runs) ORDER BY finished_seq LIMIT 50");
  if (!select) return Fail(select.error());
  select->Bind(static_cast<int64_t>(cursor))
      .Bind(static_cast<int64_t>(whole_from))
      .Bind(ToUnixMs(keep->runs));
  std::vector<std::string> old;
  uint64_t many = 0;
  uint64_t seen = cursor;
  WallTime newest{};  // end of a run that goes
  while (many < kRemoved) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(row.error());
    if (!*row) break;
    seen = static_cast<uint64_t>(select->Int(1));
    // It ended before, but was swept later: it goes as soon as all of it stands before.
    if (static_cast<uint64_t>(select->Int(2)) >= whole_from) continue;
    old.emplace_back(select->Text(0));
    many += static_cast<uint64_t>(select->Int(3));
    newest = std::max(newest, FromUnixMs(select->Int(4)));
  }
  const bool more = seen > cursor;
  cursor = seen;
  select->Reset();
  if (old.empty()) return more;
  const Status done = Remove([&]() -> Result<uint64_t> {
    if (Status s = NoteRemovedRun(database, newest); !s) return Fail(s.error());
    uint64_t removed = 0;
    for (const std::string& run : old) {
      Result<Statement> out =
          database.Prepare("DELETE FROM events WHERE run = ? AND kind != 'alert_decided'");
      if (!out) return Fail(out.error());
      if (Status s = out->Bind(run).Execute(); !s) return Fail(s.error());
      removed += database.Changes();
      Result<Statement> line = database.Prepare("DELETE FROM runs WHERE run = ?");
      if (!line) return Fail(line.error());
      if (Status s = line->Bind(run).Execute(); !s) return Fail(s.error());
    }
    return removed;
  });
  if (!done) return Fail(done.error());
  runs += old.size();
  return more;
}

Result<bool> Pruner::Impl::Alerts() {
  if (Status s = database.Run("DELETE FROM doomed"); !s) return Fail(s.error());
  Result<Statement> select = database.Prepare(
      "SELECT max(seq), count(*) FROM (SELECT seq FROM events WHERE kind = 'alert_decided' AND "
      "seq > ? AND seq < ? ORDER BY seq LIMIT " +
      Text(kRemoved) + ")");
  if (!select) return Fail(select.error());
  select->Bind(static_cast<int64_t>(cursor)).Bind(static_cast<int64_t>(whole_from));
  const Result<bool> row = select->Step();
  if (!row) return Fail(row.error());
  if (select->Int(1) == 0) return false;
  const auto last = static_cast<uint64_t>(select->Int(0));
  select->Reset();
  const Result<uint64_t> old = Changed(
      "INSERT INTO doomed SELECT seq FROM events WHERE kind = 'alert_decided' AND seq > " +
      Text(cursor) + " AND seq <= " + Text(last) + " AND at_ms < " +
      std::to_string(ToUnixMs(keep->decisions)) + " AND seq NOT IN (SELECT seq FROM kept_alerts)");
  if (!old) return Fail(old.error());
  cursor = last;
  if (*old == 0) return true;
  const Status done = Remove([&]() -> Result<uint64_t> {
    // An alert that fires again since the lists were made has a use for its last repeat again.
    const Status heard = database.Run(
        "DELETE FROM doomed WHERE seq IN (SELECT seq FROM old_heard WHERE ended = 0 AND seq IN "
        "(SELECT seq FROM doomed) AND fingerprint IN (SELECT fingerprint FROM episodes));"
        "DELETE FROM last_heard WHERE (fingerprint, ended) IN (SELECT fingerprint, ended FROM "
        "old_heard WHERE seq IN (SELECT seq FROM doomed)) AND seq IN (SELECT seq FROM doomed)");
    if (!heard) return Fail(heard.error());
    return Changed("DELETE FROM events WHERE seq IN (SELECT seq FROM doomed)");
  });
  if (!done) return Fail(done.error());
  return true;
}

// Plans of no run. Decided in the transaction itself: a new run may have the same plan.
Result<bool> Pruner::Impl::Plans() {
  const char* const unused =
      "SELECT digest FROM plans WHERE digest NOT IN (SELECT plan FROM runs) LIMIT 50";
  const Result<std::string> one = database.FirstText(unused);
  if (!one) return Fail(one.error());
  if (one->empty()) return false;
  const Status done = Remove([&]() -> Result<uint64_t> {
    if (Status s = database.Run("DELETE FROM plans WHERE digest IN (" + std::string(unused) + ")");
        !s)
      return Fail(s.error());
    return 0;
  });
  if (!done) return Fail(done.error());
  return true;
}

// Gives free pages back to the file system, if the file was made for that. The file itself becomes
// shorter with the log's next merge.
Result<bool> Pruner::Impl::Space() {
  const Result<int64_t> incremental = database.Number("PRAGMA auto_vacuum");
  if (!incremental) return Fail(incremental.error());
  if (*incremental != 2) return false;
  const Result<int64_t> before = database.Number("PRAGMA freelist_count");
  if (!before) return Fail(before.error());
  if (*before == 0) return false;
  if (Status s = database.Run(kPagesFreed); !s) return Fail(s.error());
  const Result<int64_t> after = database.Number("PRAGMA freelist_count");
  if (!after) return Fail(after.error());
  return *after > 0 && *after < *before;
}

}  // namespace mailhub::journal
