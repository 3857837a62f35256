// See journal.h.
#include "actuator/journal/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>

#include "actuator/journal/codec.h"
#include "actuator/journal/database.h"
#include "actuator/journal/lock_file.h"
#include "actuator/journal/open_files.h"
#include "actuator/journal/rows.h"
#include "actuator/journal/schema.h"

namespace mailhub::journal {
namespace {

// The remedy for a damaged journal; every kCorrupt sentence ends with it.
constexpr const char* kRemedy =
    ". Nothing was changed. Once no run is in progress on any host, restore the file's last backup "
    "and remove FILE.lock; or move both away and start with an empty journal, which the hosts obey "
    "only after an explicit takeover";

constexpr off_t kSmallestDatabase = 512;
constexpr uintmax_t kLargestChecked = uintmax_t{64} << 20;

// Scope::kWhatStillMatters. `whole`: runs with all their events; `brief`: runs with only begin and
// end. 20,000 is the number of alerts' ends that the engine keeps.
constexpr const char* kWhereItStillMatters = R"( WHERE seq IN (
WITH whole AS (
  SELECT run FROM runs WHERE swept = 0
  UNION SELECT run FROM (SELECT run FROM runs WHERE finished_seq IS NOT NULL
    ORDER BY finished_seq DESC LIMIT 50)
  UNION SELECT run FROM events WHERE seq = (SELECT max(seq) FROM events) AND run != ''),
brief AS (
  SELECT run FROM episodes
  UNION SELECT run FROM (SELECT run, max(finished_seq) FROM runs
    WHERE finished_seq IS NOT NULL AND result != 'dropped' GROUP BY plan)
  UNION SELECT run FROM (SELECT run, row_number() OVER (PARTITION BY runbook, target
    ORDER BY finished_seq DESC) AS newest FROM runs WHERE result = 'succeeded') WHERE newest <= 50)
SELECT seq FROM events WHERE run IN whole AND kind != 'alert_decided'
UNION SELECT seq FROM events WHERE run IN brief AND detail = 0 AND kind != 'alert_decided'
UNION SELECT seq FROM episodes
UNION SELECT seq FROM last_heard WHERE ended = 0 AND fingerprint IN (SELECT fingerprint FROM episodes)
UNION SELECT seq FROM (SELECT seq FROM last_heard WHERE ended = 1 ORDER BY seq DESC LIMIT 20000)
UNION SELECT seq FROM events WHERE kind IN ('actuator_started', 'mode_changed')
UNION SELECT max(seq) FROM events))";

// SQLite would create it with the umask's mode; and a new file's name must survive a power cut.
Status CreateFile(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.number() < 0) return SystemError(path, errno);
  // SQLite takes a cut-off database for an empty one and would begin anew.
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return SystemError(path, errno);
  if (status.st_size > 0 && status.st_size < kSmallestDatabase) {
    return Fail(ErrorKind::kCorrupt, path + " is cut short");
  }
  const std::string parent = std::filesystem::absolute(path).parent_path();
  const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() < 0) return SystemError(parent, errno);
  if (::fsync(directory.number()) != 0) return SystemError(parent, errno);
  return {};
}

std::string Name(const LockFile& lock, const Mark& mark) {
  return lock.path() + " names journal " + mark.journal + ", which had come to event " +
         std::to_string(mark.seq);
}

// A journal that existed at the last stop is never silently begun anew: firing alerts would start
// their runs again, in the configured mode, while the old runs are under way.
Status CheckThere(const std::string& path, const LockFile& lock, const Mark& mark) {
  if (mark.journal.empty()) return {};
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (there && status.st_size > 0) return {};
  if (!there && errno != ENOENT) return SystemError(path, errno);
  return Fail(
      ErrorKind::kNotFound,
      Name(lock, mark) + ", but " + path + (there ? " is empty" : " is not there") +
          ". Nothing was changed. Put the file back, with " + path +
          "-wal if there is one. Or, once no run is in progress on any host, remove " +
          lock.path() +
          ": with an older copy in place the start goes on from that; without one it begins an "
          "empty journal, alerts that still fire start new runs, and each host obeys it only "
          "after \"mailhubctl takeover HOST\"");
}

Error WithRemedy(Error error) {
  if (error.kind == ErrorKind::kCorrupt) error.message += kRemedy;
  return error;
}

}  // namespace

struct Journal::Impl {
  Impl(std::string journal_path, LockFile held_lock, Database opened)
      : path(std::move(journal_path)), lock(std::move(held_lock)), database(std::move(opened)) {}

  Status Prepare();
  Status CheckWhole();
  Status CheckMark(const Mark& mark);
  Status ReadLastSeq();
  Status RecallFiles();
  Status CheckLastSeq();
  Status AppendInTransaction(std::span<const engine::Event> events);
  Status Compare(const engine::Event& event, const Encoded& encoded);
  Status Insert(const engine::Event& event, const Encoded& encoded);
  Status UpdateRuns(const engine::Event& event, const std::string& plan_digest);
  Status UpdateEpisodes(const engine::Event& event);
  Status NoteHeard(const engine::AlertDecided& alert, uint64_t seq);

  const std::string path;
  LockFile lock;
  Database database;
  std::optional<OpenFiles> files;  // read by a start
  std::optional<OpenFiles> index;  // used by other processes to read the log
  std::string id;
  uint64_t last_seq = 0;
  bool last_seq_known = false;

  struct Statements {
    Statement last_event, insert_event, find_event, insert_plan;
    Statement queued, started, finished, swept;
    Statement episode, episode_over, waiting_over, dropped, heard;
  };
  std::optional<Statements> statements;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// A clean stop leaves a mark that a later power cut cannot undo. SQLite removes the log by name
// after merging it: not if another file may have that name now.
Journal::~Journal() {
  if (!impl_->files->Check(ErrorKind::kOverloaded)) impl_->database.KeepLogOnClose(true);
  if (impl_->last_seq_known && impl_->last_seq > 0) {
    (void)impl_->lock.Note({impl_->id, impl_->last_seq}, LockFile::Write::kDurable);
  }
}

const std::string& Journal::id() const {
  return impl_->id;
}
uint64_t Journal::last_seq() const {
  return impl_->last_seq;
}

Result<std::unique_ptr<Journal>> Journal::Open(const std::string& path, WallTime now) {
  // One lock per file, whatever links lead to it.
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
  Result<LockFile> lock = LockFile::Take((failed ? path : real.string()) + ".lock");
  if (!lock) return Fail(lock.error());
  const Result<Mark> read = lock->Read();
  if (!read) return Fail(read.error());
  const Mark& mark = *read;
  if (Status s = CheckThere(path, *lock, mark); !s) return Fail(s.error());
  (void)lock->Note(mark, LockFile::Write::kDurable);  // only for the owner's name
  if (Status s = CreateFile(path); !s) return Fail(WithRemedy(s.error()));
  Result<Database> database = Database::Open(path, Database::Access::kReadWrite);
  if (!database) return Fail(database.error());

  database->KeepLogOnClose(true);  // a refused journal is left unchanged
  auto impl = std::make_unique<Impl>(path, std::move(*lock), std::move(*database));
  // FULL: a reported commit is on the disk. The size limit frees the space of a burst.
  Status ready = impl->database.Run(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; "
      "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;");
  if (!ready) return Fail(WithRemedy(ready.error()));
  // Before an older journal is upgraded, so that a damaged one stays unchanged.
  if (Status s = impl->CheckWhole(); !s) return Fail(WithRemedy(s.error()));
  if (Status s = impl->CheckMark(mark); !s) return Fail(WithRemedy(s.error()));
  Result<std::string> id = PrepareSchema(impl->database, path, now);
  if (!id) return Fail(WithRemedy(id.error()));
  impl->id = std::move(*id);
  if (Status s = impl->Prepare(); !s) return Fail(WithRemedy(s.error()));
  if (Status s = impl->ReadLastSeq(); !s) return Fail(WithRemedy(s.error()));
  if (Status s = impl->RecallFiles(); !s) return Fail(s.error());
  impl->database.KeepLogOnClose(false);
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

// Reads the whole file. A large one is left to SQLite's own checks during reading, because a start
// must not wait for a check of old runs.
Status Journal::Impl::CheckWhole() {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kLargestChecked || error) return {};
  const Result<std::string> verdict = database.FirstText("PRAGMA quick_check(1)");
  if (!verdict) return Fail(verdict.error());
  if (*verdict != "ok") return Fail(ErrorKind::kCorrupt, path + " is damaged: " + *verdict);
  if (!IsJournal(database)) return {};  // empty, or not a journal; a later check reports it
  // Detects missing events: numbers are unique and begin at 1, so the last one is the count.
  const Result<int64_t> last = database.Number("SELECT max(seq) FROM events");
  if (!last) return Fail(last.error());
  const Result<int64_t> first = database.Number("SELECT min(seq) FROM events");
  if (!first) return Fail(first.error());
  const Result<int64_t> count = database.Number("SELECT count(*) FROM events");
  if (!count) return Fail(count.error());
  if (*count != *last || *first != (*count > 0 ? 1 : 0)) {
    return Fail(ErrorKind::kCorrupt, path + ": " + std::to_string(*count) + " events stand where " +
                                         std::to_string(*last) + " should");
  }
  return {};
}

Status Journal::Impl::CheckMark(const Mark& mark) {
  if (mark.journal.empty()) return {};
  if (!IsJournal(database)) {
    const Result<int64_t> tables = database.Number("SELECT count(*) FROM sqlite_master");
    if (!tables) return Fail(tables.error());
    if (*tables > 0) return {};  // another program's; a later check reports it
    return Fail(ErrorKind::kCorrupt, path + " holds nothing, but had event " +
                                         std::to_string(mark.seq) + " of journal " + mark.journal +
                                         ": it has lost its log");
  }
  const auto journal = database.FirstText("SELECT value FROM meta WHERE key = 'journal_id'");
  if (!journal) return Fail(journal.error());
  if (mark.journal != *journal) {
    return Fail(ErrorKind::kRefused,
                Name(lock, mark) + ", but " + path + " is journal " + *journal +
                    ". Nothing was changed. Put the right one there; or, once no run is in "
                    "progress on any host, remove " +
                    lock.path() + " to go on from this one");
  }
  const Result<int64_t> last = database.Number("SELECT max(seq) FROM events");
  if (!last) return Fail(last.error());
  if (mark.seq <= static_cast<uint64_t>(*last)) return {};
  return Fail(ErrorKind::kCorrupt, path + " ends with event " + std::to_string(*last) +
                                       ", but had event " + std::to_string(mark.seq) +
                                       ": it has lost its end, or is an older copy");
}

Status Journal::Impl::Prepare() {
  constexpr std::array kSql = {
      "SELECT max(seq) FROM events",
      "INSERT INTO events(seq, at_ms, run, kind, detail, body) VALUES(?, ?, ?, ?, ?, ?)",
      "SELECT at_ms, run, kind, body FROM events WHERE seq = ?",
      "INSERT INTO plans(digest, body) VALUES(?, ?) ON CONFLICT(digest) DO NOTHING",
      "INSERT INTO runs(run, runbook, target, started_by, queued_ms, plan) "
      "VALUES(?, ?, ?, ?, ?, ?)",
      "UPDATE runs SET started_ms = ? WHERE run = ?",
      // Where no host was asked to act, there is nothing to sweep.
      "UPDATE runs SET finished_ms = ?, finished_seq = ?, result = ?, result_detail = ?, "
      "swept = NOT EXISTS (SELECT 1 FROM events WHERE events.run = runs.run AND "
      "kind IN ('step_started', 'dead_man_armed') AND json_extract(body, '$.directory_id') != '') "
      "WHERE run = ?",
      "UPDATE runs SET swept = 1 WHERE run = ?",
      "INSERT INTO episodes(fingerprint, seq, run) VALUES(?, ?, ?) "
      "ON CONFLICT(fingerprint) DO UPDATE SET seq = excluded.seq, run = excluded.run",
      "DELETE FROM episodes WHERE fingerprint = ?",
      "DELETE FROM episodes WHERE fingerprint = ? AND seq IN (SELECT events.seq FROM events WHERE "
      "events.seq = episodes.seq AND json_extract(body, '$.decision') IN "
      "('observed', 'halted', 'cooldown', 'deferred'))",
      "DELETE FROM episodes WHERE run = ? AND seq IN (SELECT events.seq FROM events WHERE "
      "events.seq = episodes.seq AND json_extract(body, '$.decision') = 'started_run')",
      "INSERT INTO last_heard(fingerprint, ended, seq) VALUES(?, ?, ?) "
      "ON CONFLICT(fingerprint, ended) DO UPDATE SET seq = excluded.seq"};
  std::vector<Statement> made;
  for (const char* sql : kSql) {
    Result<Statement> statement = database.Prepare(sql);
    if (!statement) return Fail(statement.error());
    made.push_back(std::move(*statement));
  }
  statements.emplace(Statements{std::move(made[0]), std::move(made[1]), std::move(made[2]),
                                std::move(made[3]), std::move(made[4]), std::move(made[5]),
                                std::move(made[6]), std::move(made[7]), std::move(made[8]),
                                std::move(made[9]), std::move(made[10]), std::move(made[11]),
                                std::move(made[12])});
  return {};
}

Status Journal::Impl::ReadLastSeq() {
  const Result<int64_t> last = database.Number("SELECT max(seq) FROM events");
  if (!last) return Fail(last.error());
  last_seq = static_cast<uint64_t>(*last);
  last_seq_known = true;
  return {};
}

// Uses SQLite's own names, since it puts the log beside a link's target; the log exists, because
// the database was read.
Status Journal::Impl::RecallFiles() {
  const std::string real = database.FileName();
  std::vector<std::string> names = {path, real + "-wal"};
  if (path != real) names.insert(names.begin() + 1, real);
  Result<OpenFiles> open = OpenFiles::Of(std::move(names));
  if (!open) return Fail(open.error());
  files = std::move(*open);
  Result<OpenFiles> shared = OpenFiles::Of({real + "-shm"});
  if (!shared) return Fail(shared.error());
  index = std::move(*shared);
  return {};
}

// Under the transaction's lock.
Status Journal::Impl::CheckLastSeq() {
  Statement& last = statements->last_event;
  const Result<bool> row = last.Step();
  const auto found = row && *row ? static_cast<uint64_t>(last.Int(0)) : 0;
  last.Reset();
  if (!row) return Fail(row.error());
  if (found == last_seq) return {};
  return Fail(ErrorKind::kCorrupt,
              path + " ends with event " + std::to_string(found) + ", but event " +
                  std::to_string(last_seq) + " was recorded last: " +
                  (found < last_seq ? "it has lost its end" : "another program has written"));
}

Status Journal::Replay(Scope scope, const std::function<void(const engine::Event&)>& each) {
  const std::string sql = "SELECT " + std::string(kEventColumns) + " FROM events" +
                          (scope == Scope::kWhatStillMatters ? kWhereItStillMatters : "") +
                          " ORDER BY seq";
  Result<Statement> select = impl_->database.Prepare(sql);
  if (!select) return Fail(WithRemedy(select.error()));
  EventReader reader(&impl_->database);
  uint64_t previous = 0;
  std::set<std::string> begun;
  for (;;) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(WithRemedy(row.error()));
    if (!*row) return {};
    const Result<engine::Event> event = reader.Read(*select);
    if (!event) {
      return Fail(WithRemedy({event.error().kind, impl_->path + ": " + event.error().message}));
    }
    if (scope == Scope::kEverything && event->seq != previous + 1) {
      return Fail(
          WithRemedy({ErrorKind::kCorrupt,
                      impl_->path + ": event " + std::to_string(previous + 1) + " is missing"}));
    }
    previous = event->seq;
    if (std::holds_alternative<engine::RunQueued>(event->body)) {
      begun.insert(event->run);
    } else if (!event->run.empty() && !begun.contains(event->run) &&
               !std::holds_alternative<engine::AlertDecided>(event->body)) {
      return Fail(WithRemedy({ErrorKind::kCorrupt, impl_->path + ": event " +
                                                       std::to_string(event->seq) + " is of run " +
                                                       event->run + ", whose begin is missing"}));
    }
    each(*event);
  }
}

Status Journal::Append(std::span<const engine::Event> events) {
  if (events.empty()) return {};
  if (Status s = impl_->files->Check(ErrorKind::kOverloaded); !s) return s;
  if (Status s = impl_->index->Check(ErrorKind::kOverloaded); !s) return s;
  const Mark before{impl_->id, impl_->last_seq};
  if (Status s = impl_->lock.Keep(before); !s) return Fail(WithRemedy(s.error()));
  // After a commit that was reported as failed, only the file knows its contents.
  if (!impl_->last_seq_known) {
    if (Status s = impl_->ReadLastSeq(); !s) return Fail(WithRemedy(s.error()));
  }
  Status done = impl_->database.Run("BEGIN IMMEDIATE");
  if (done) done = impl_->CheckLastSeq();
  if (done) done = impl_->AppendInTransaction(events);
  if (done) done = impl_->database.Run("COMMIT");
  // It is on disk, but would a start find it? A start makes the index anew.
  if (done) done = impl_->files->Check(ErrorKind::kOutcomeUnknown);
  if (!done) {
    impl_->last_seq_known = false;
    if (impl_->database.InTransaction()) (void)impl_->database.Run("ROLLBACK");
    return Fail(WithRemedy(done.error()));
  }
  impl_->last_seq = std::max(impl_->last_seq, events.back().seq);
  const Mark mark{impl_->id, impl_->last_seq};
  const bool start = std::any_of(events.begin(), events.end(), [](const engine::Event& event) {
    return std::holds_alternative<engine::ActuatorStarted>(event.body);
  });
  // Before any host hears of the new epoch. If this fails, the same events are appended again.
  if (start) return impl_->lock.Note(mark, LockFile::Write::kDurable);
  // An outdated mark only notices less.
  (void)impl_->lock.Note(mark, LockFile::Write::kSoon);
  return {};
}

Status Journal::Impl::AppendInTransaction(std::span<const engine::Event> events) {
  uint64_t next = std::min(events.front().seq, last_seq + 1);
  for (const engine::Event& event : events) {
    if (event.seq != next++) {
      return Fail(ErrorKind::kCorrupt, path + ": event " + std::to_string(event.seq) +
                                           " was to be recorded, but " + std::to_string(next - 1) +
                                           " is next");
    }
    const Encoded encoded = Encode(event.body);
    Status done = event.seq <= last_seq ? Compare(event, encoded) : Insert(event, encoded);
    if (!done) return done;
  }
  return {};
}

Status Journal::Impl::Compare(const engine::Event& event, const Encoded& encoded) {
  Statement& find = statements->find_event;
  const Result<bool> row = find.Bind(static_cast<int64_t>(event.seq)).Step();
  const bool same = row && *row && find.Int(0) == ToUnixMs(event.at) && find.Text(1) == event.run &&
                    find.Text(2) == encoded.kind && find.Text(3) == encoded.body;
  find.Reset();
  if (!row) return Fail(row.error());
  if (same) return {};
  return Fail(ErrorKind::kCorrupt, path + ": another event " + std::to_string(event.seq) +
                                       " is recorded already: another process has written");
}

Status Journal::Impl::Insert(const engine::Event& event, const Encoded& encoded) {
  std::string plan_digest;
  if (!encoded.plan.empty()) {
    const Result<std::string> digest = PlanDigest(encoded.body);
    if (!digest) return Fail(digest.error());
    plan_digest = *digest;
    Status s = statements->insert_plan.Bind(*digest).Bind(encoded.plan).Execute();
    if (!s) return s;
  }
  Status s = statements->insert_event.Bind(static_cast<int64_t>(event.seq))
                 .Bind(ToUnixMs(event.at))
                 .Bind(event.run)
                 .Bind(encoded.kind)
                 .Bind(engine::AboutOf(event.body) == engine::About::kDetail ? 1 : 0)
                 .Bind(encoded.body)
                 .Execute();
  if (!s) return s;
  if (s = UpdateRuns(event, plan_digest); !s) return s;
  return UpdateEpisodes(event);
}

// Updates the derived tables in the same transaction.
Status Journal::Impl::UpdateEpisodes(const engine::Event& event) {
  if (const auto* alert = std::get_if<engine::AlertDecided>(&event.body)) {
    if (engine::OpensEpisode(alert->decision)) {
      return statements->episode.Bind(alert->fingerprint)
          .Bind(static_cast<int64_t>(event.seq))
          .Bind(alert->run)
          .Execute();
    }
    // As the engine forgets it; a late end belongs to an earlier alert.
    switch (alert->decision) {
      case engine::Decision::kLate:
        return {};
      case engine::Decision::kRepeat:
        return NoteHeard(*alert, event.seq);
      default:
        break;
    }
    Statement& over = alert->firing ? statements->waiting_over : statements->episode_over;
    const Status s = over.Bind(alert->fingerprint).Execute();
    return s && !alert->firing ? NoteHeard(*alert, event.seq) : s;
  }
  if (const auto* closed = std::get_if<engine::EpisodeClosed>(&event.body)) {
    return statements->episode_over.Bind(closed->fingerprint).Execute();
  }
  // Alerts that had joined it may not share its reason; the engine decides.
  if (std::holds_alternative<engine::RunDropped>(event.body)) {
    return statements->dropped.Bind(event.run).Execute();
  }
  return {};
}

Status Journal::Impl::NoteHeard(const engine::AlertDecided& alert, uint64_t seq) {
  return statements->heard.Bind(alert.fingerprint)
      .Bind(alert.firing ? 0 : 1)
      .Bind(static_cast<int64_t>(seq))
      .Execute();
}

Status Journal::Impl::UpdateRuns(const engine::Event& event, const std::string& plan_digest) {
  const int64_t at_ms = ToUnixMs(event.at);
  if (const auto* queued = std::get_if<engine::RunQueued>(&event.body)) {
    return statements->queued.Bind(event.run)
        .Bind(queued->plan.runbook)
        .Bind(queued->plan.target)
        .Bind(queued->by)
        .Bind(at_ms)
        .Bind(plan_digest)
        .Execute();
  }
  if (std::holds_alternative<engine::RunStarted>(event.body)) {
    return statements->started.Bind(at_ms).Bind(event.run).Execute();
  }
  const auto finish = [&](engine::RunResult result, const std::string& detail) {
    return statements->finished.Bind(at_ms)
        .Bind(static_cast<int64_t>(event.seq))
        .Bind(engine::Name(result))
        .Bind(detail)
        .Bind(event.run)
        .Execute();
  };
  if (const auto* dropped = std::get_if<engine::RunDropped>(&event.body)) {
    return finish(engine::RunResult::kDropped, dropped->why);
  }
  if (const auto* finished = std::get_if<engine::RunFinished>(&event.body)) {
    return finish(finished->result, finished->detail);
  }
  if (std::holds_alternative<engine::RunSwept>(event.body)) {
    return statements->swept.Bind(event.run).Execute();
  }
  return {};
}

}  // namespace mailhub::journal
