// See journal.h.
#include "actuator/journal/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>

#include "actuator/journal/database.h"
#include "actuator/journal/event_writer.h"
#include "actuator/journal/lock_file.h"
#include "actuator/journal/numbers.h"
#include "actuator/journal/open_files.h"
#include "actuator/journal/rows.h"
#include "actuator/journal/schema.h"
#include "actuator/journal/still_matters.h"

namespace mailhub::journal {
namespace {

// The remedy for a damaged journal; every kCorrupt sentence ends with it.
constexpr const char* kRemedy =
    ". Nothing was changed. Once no run is in progress on any host, restore the file's last backup "
    "and remove FILE.lock; or move both away and start with an empty journal, which the hosts obey "
    "only after an explicit takeover";

constexpr off_t kSmallestDatabase = 512;
constexpr uintmax_t kLargestChecked = uintmax_t{64} << 20;

// Scope::kWhatStillMatters.
std::string WhereItStillMatters() {
  return std::string(" WHERE seq IN (WITH ") + kRunsThatMatter + R"(
SELECT seq FROM events WHERE run IN whole AND kind != 'alert_decided'
UNION SELECT seq FROM events WHERE run IN brief AND detail = 0 AND kind != 'alert_decided'
UNION )" +
         kAlertsThatMatter + R"(
UNION SELECT seq FROM events WHERE kind IN ('actuator_started', 'mode_changed')
UNION SELECT max(seq) FROM events))";
}

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

  Status CheckWhole();
  Status CheckMark(const Mark& mark);
  Status ReadLastSeq();
  Status RecallFiles();
  Status CheckLastSeq();
  Status AppendInTransaction(std::span<const engine::Event> events);
  Status Record(const engine::Event& event);

  const std::string path;
  LockFile lock;
  Database database;
  std::optional<OpenFiles> files;  // read by a start
  std::optional<OpenFiles> index;  // used by other processes to read the log
  std::string id;
  uint64_t last_seq = 0;
  bool last_seq_known = false;
  std::optional<EventWriter> writer;  // once the schema is there
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
  Result<LockFile> lock = LockFile::Take(LockPathOf(failed ? path : real.string()));
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
  // A new file can give space back after pruning; of an older one this changes nothing.
  // FULL: a reported commit is on the disk. The size limit frees the space of a burst.
  Status ready = impl->database.Run(
      "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
      "PRAGMA journal_size_limit = 67108864; "
      "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;");
  if (!ready) return Fail(WithRemedy(ready.error()));
  // Before an older journal is upgraded, so that a damaged one stays unchanged.
  if (Status s = impl->CheckWhole(); !s) return Fail(WithRemedy(s.error()));
  if (Status s = impl->CheckMark(mark); !s) return Fail(WithRemedy(s.error()));
  Result<std::string> id = PrepareSchema(impl->database, path, now);
  if (!id) return Fail(WithRemedy(id.error()));
  impl->id = std::move(*id);
  Result<EventWriter> writer = EventWriter::Prepare(&impl->database);
  if (!writer) return Fail(WithRemedy(writer.error()));
  impl->writer.emplace(std::move(*writer));
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
  return CheckNumbers(database, path);
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
  const Result<uint64_t> found = writer->LastSeq();
  if (!found) return Fail(found.error());
  if (*found == last_seq) return {};
  return Fail(ErrorKind::kCorrupt,
              path + " ends with event " + std::to_string(*found) + ", but event " +
                  std::to_string(last_seq) + " was recorded last: " +
                  (*found < last_seq ? "it has lost its end" : "another program has written"));
}

Status Journal::Replay(Scope scope, const std::function<void(const engine::Event&)>& each) {
  const std::string sql = "SELECT " + std::string(kEventColumns) + " FROM events" +
                          (scope == Scope::kWhatStillMatters ? WhereItStillMatters() : "") +
                          " ORDER BY seq";
  Result<Statement> select = impl_->database.Prepare(sql);
  if (!select) return Fail(WithRemedy(select.error()));
  const Result<Numbers> numbers = ReadNumbers(impl_->database);
  if (!numbers) return Fail(WithRemedy(numbers.error()));
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
    // Before that, old ones were pruned.
    const bool whole = event->seq >= numbers->whole_from;
    if (whole) previous = std::max(previous, numbers->whole_from - 1);
    if (scope == Scope::kEverything && whole && event->seq != previous + 1) {
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
    if (Status done = Record(event); !done) return done;
  }
  return {};
}

Status Journal::Impl::Record(const engine::Event& event) {
  if (event.seq > last_seq) return writer->Write(event);
  const Result<bool> there = writer->Has(event);
  if (!there) return Fail(there.error());
  if (*there) return {};
  return Fail(ErrorKind::kCorrupt, path + ": another event " + std::to_string(event.seq) +
                                       " is recorded already: another process has written");
}

}  // namespace mailhub::journal
