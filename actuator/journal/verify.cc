// See verify.h.
#include "actuator/journal/verify.h"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "actuator/engine/contradiction.h"
#include "actuator/engine/run.h"
#include "actuator/journal/codec.h"
#include "actuator/journal/database.h"
#include "actuator/journal/derived.h"
#include "actuator/journal/lock_file.h"
#include "actuator/journal/numbers.h"
#include "actuator/journal/rows.h"
#include "actuator/journal/schema.h"
#include "lib/base/digest.h"
#include "lib/base/printable.h"

namespace mailhub::journal {
namespace {

constexpr size_t kMostMistakes = 20;

class Verifier {
 public:
  // `mark`: what the lock file said before the database was read.
  Verifier(Database database, std::string path, std::optional<Mark> mark)
      : database_(std::move(database)), path_(std::move(path)), mark_(std::move(mark)) {}

  Result<Verified> Run() {
    // One state for all statements; closing the database ends it.
    if (Status s = database_.Run("BEGIN"); !s) return Fail(s.error());
    if (Status s = Identify(); !s) return Fail(s.error());
    if (Status s = CheckStructure(); !s) return Fail(s.error());
    if (Status s = CheckNumbers(database_, path_); !s) {
      if (s.error().kind != ErrorKind::kCorrupt) return Fail(s.error());
      Note(s.error().message);
    }
    if (Status s = CheckPlans(); !s) return Fail(s.error());
    // An older file has other tables; a start makes them anew.
    if (found_.schema_version == CurrentSchemaVersion()) {
      Result<Derived> derived = Derived::Prepare(&database_);
      if (!derived) return Fail(path_, derived.error());
      derived_.emplace(std::move(*derived));
    }
    if (Status s = CheckEvents(); !s) return Fail(s.error());
    CheckEnd();
    if (Status s = CheckTables(); !s) return Fail(s.error());
    if (mistakes_.empty()) return found_;
    return Damaged();
  }

 private:
  void Note(std::string mistake) {
    if (mistakes_.size() < kMostMistakes) mistakes_.push_back(std::move(mistake));
  }
  void NoteEvent(const engine::Event& event, const std::string& what) {
    Note(path_ + ": event " + std::to_string(event.seq) + ": " + what);
  }
  tl::unexpected<Error> Damaged() const {
    std::string text;
    for (const std::string& mistake : mistakes_) text += (text.empty() ? "" : "\n") + mistake;
    if (mistakes_.size() == kMostMistakes) text += "\nand perhaps more";
    return Fail(ErrorKind::kCorrupt, text);
  }

  Status Identify() {
    const Result<Identity> identity = ReadIdentity(database_, path_);
    if (!identity) return Fail(identity.error());
    found_.schema_version = identity->version;
    found_.id = identity->id;
    return {};
  }

  // What SQLite itself finds. On a damaged structure nothing else can be trusted.
  Status CheckStructure() {
    Result<Statement> check =
        database_.Prepare("PRAGMA integrity_check(" + std::to_string(kMostMistakes) + ")");
    if (!check) return Fail(check.error());
    for (;;) {
      const Result<bool> row = check->Step();
      if (!row) return Fail(row.error());
      if (!*row) break;
      if (check->Text(0) != "ok") Note(path_ + " is damaged: " + Printable(check->Text(0)));
    }
    if (!mistakes_.empty()) return Damaged();
    return {};
  }

  Status CheckPlans() {
    Result<Statement> select = database_.Prepare("SELECT digest, body FROM plans");
    if (!select) return Fail(select.error());
    for (;;) {
      const Result<bool> row = select->Step();
      if (!row) return Fail(row.error());
      if (!*row) return {};
      if (Sha256Hex(select->Text(1)) != select->Text(0))
        Note(path_ + ": plan " + Excerpt(select->Text(0)) + " is not the one of that digest");
    }
  }

  Status CheckEvents() {
    const Result<Numbers> numbers = ReadNumbers(database_);
    if (numbers) found_.whole_from = numbers->whole_from;
    Result<Statement> select = database_.Prepare("SELECT " + std::string(kEventColumns) +
                                                 ", detail FROM events ORDER BY seq");
    if (!select) return Fail(select.error());
    EventReader reader(&database_);
    for (;;) {
      const Result<bool> row = select->Step();
      if (!row) return Fail(row.error());
      if (!*row) break;
      ++found_.events;
      const Result<engine::Event> event = reader.Read(*select);
      if (event) {
        found_.last_seq = event->seq;
        found_.last_at = event->at;
        CheckSpelling(*event, *select);
        if (Status s = Derive(*event); !s) return s;
        Apply(*event);
      } else if (event.error().kind == ErrorKind::kCorrupt) {
        Note(path_ + ": " + event.error().message);
      } else {
        return Fail(event.error());
      }
    }
    for (const auto& [id, run] : runs_)
      if (run.stage != engine::Stage::kFinished) ++found_.open_runs;
    return {};
  }

  // What stands beside the body, and that all of the body was read.
  void CheckSpelling(const engine::Event& event, const Statement& row) {
    const engine::About about = engine::AboutOf(event.body);
    if (const std::string what = Unread(row.Text(4), Encode(event.body).body); !what.empty())
      NoteEvent(event, std::string(engine::Name(event.body)) + ": " + what);
    if (row.Int(5) != (about == engine::About::kDetail ? 1 : 0))
      NoteEvent(event, "detail is " + Excerpt(row.Text(5)));
    const auto* decided = std::get_if<engine::AlertDecided>(&event.body);
    if (about != engine::About::kNoRun || event.run == (decided == nullptr ? "" : decided->run))
      return;
    NoteEvent(event, "it is filed under run " + Excerpt(event.run) + ", which it is not about");
  }

  // In a damaged journal two events may want the same line.
  Status Derive(const engine::Event& event) {
    if (!derived_) return {};
    const Status done = derived_->Add(event);
    if (done || done.error().kind == ErrorKind::kOverloaded) return done;
    NoteEvent(event, done.error().message);
    return {};
  }

  // Folds the event into its run. Runs that are over are forgotten, so that memory does not grow
  // with the journal.
  void Apply(const engine::Event& event) {
    CheckDecision(event);
    if (engine::AboutOf(event.body) == engine::About::kNoRun || given_up_.contains(event.run))
      return;
    if (std::holds_alternative<engine::RunQueued>(event.body)) {
      ++found_.runs;
      if (!runs_.try_emplace(event.run).second)
        return NoteEvent(event, "run " + Excerpt(event.run) + " begins again");
      runs_[event.run].id = event.run;
      runs_[event.run].Apply(event);
      return;
    }
    const auto known = runs_.find(event.run);
    if (known == runs_.end())
      return NoteEvent(event,
                       "it is of run " + Excerpt(event.run) + ", which has not begun or is over");
    engine::Run& run = known->second;
    if (const std::string what = engine::Contradiction(run, event); !what.empty()) {
      NoteEvent(event, what);
      given_up_.insert(event.run);  // what follows cannot be judged
      runs_.erase(known);
      return;
    }
    run.Apply(event);
    const bool over = std::holds_alternative<engine::RunDropped>(event.body) ||
                      std::holds_alternative<engine::RunSwept>(event.body);
    if (over) runs_.erase(known);
  }

  // A run that an alert starts is queued by the event before the alert's decision. Either may have
  // been pruned without the other.
  void CheckDecision(const engine::Event& event) {
    const std::optional<engine::Event> before = std::exchange(started_by_alert_, std::nullopt);
    const auto* decided = std::get_if<engine::AlertDecided>(&event.body);
    const bool starts = decided != nullptr && decided->decision == engine::Decision::kStartedRun;
    const bool next_to_it = before && before->seq + 1 == event.seq;
    const auto* queued = before ? std::get_if<engine::RunQueued>(&before->body) : nullptr;
    const bool pair = next_to_it && starts && decided->run == before->run &&
                      decided->fingerprint == queued->fingerprint;
    const bool alone = !next_to_it && event.seq <= found_.whole_from;
    if ((before && next_to_it && !pair) || (starts && !pair && !alone))
      NoteEvent(event, "the start of a run and the decision of its alert do not fit each other");
    if (const auto* run = std::get_if<engine::RunQueued>(&event.body);
        run != nullptr && !run->fingerprint.empty())
      started_by_alert_ = event;
    if (decided == nullptr) return;
    if (const std::string what = engine::Contradiction(*decided); !what.empty())
      NoteEvent(event, what);
    const bool joins = decided->decision == engine::Decision::kJoined ||
                       decided->decision == engine::Decision::kJoinedLate;
    const auto joined = runs_.find(decided->run);
    const bool goes_on = joined != runs_.end() && joined->second.stage != engine::Stage::kFinished;
    const bool pruned = joined == runs_.end() && event.seq < found_.whole_from;
    if (joins && !goes_on && !pruned && !given_up_.contains(decided->run))
      NoteEvent(event, "it joins run " + Excerpt(decided->run) + ", which is not under way");
  }

  // A file that was cut between two events is whole in itself.
  void CheckEnd() {
    if (!mark_ || mark_->journal.empty()) return;
    if (mark_->journal != found_.id) {
      Note(path_ + " is journal " + found_.id + ", but its lock file is of journal " +
           mark_->journal);
    } else if (mark_->seq > found_.last_seq) {
      Note(path_ + " ends with event " + std::to_string(found_.last_seq) + ", but had event " +
           std::to_string(mark_->seq) +
           " by its lock file: it has lost its end, or is an older copy");
    }
  }

  Status CheckTables() {
    found_.tables_compared = derived_ && mistakes_.empty();
    // Events that cannot be read give other tables.
    if (!found_.tables_compared) return {};
    const Result<Differences> differences = derived_->Compare(found_.whole_from, kMostMistakes);
    if (!differences) return Fail(differences.error());
    for (const std::string& mistake : differences->mistakes) Note(path_ + ": " + mistake);
    found_.not_compared = differences->unknown;
    return {};
  }

  Database database_;
  const std::string path_;
  const std::optional<Mark> mark_;
  Verified found_;
  std::map<std::string, engine::Run> runs_;        // not swept yet
  std::set<std::string> given_up_;                 // runs with a mistake
  std::optional<engine::Event> started_by_alert_;  // the event before, if it is such a run_queued
  std::optional<Derived> derived_;                 // nothing: the file is of an older version
  std::vector<std::string> mistakes_;
};

}  // namespace

Result<Verified> Verify(const std::string& path) {
  Result<Database> database = Database::Open(path, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  // Before the database's state is fixed: the lock file never names an event that is not there yet.
  const Result<std::optional<Mark>> mark = ReadMark(LockPathOf(database->FileName()));
  if (!mark) return Fail(mark.error());
  return Verifier(std::move(*database), path, *mark).Run();
}

Result<Verified> VerifyCopy(const std::string& path, const std::optional<Mark>& mark) {
  Result<Database> database = Database::Open(path, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  return Verifier(std::move(*database), path, mark).Run();
}

}  // namespace mailhub::journal
