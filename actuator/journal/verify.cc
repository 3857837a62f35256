// See verify.h.
#include "actuator/journal/verify.h"

#include <map>
#include <type_traits>
#include <utility>
#include <vector>

#include "actuator/engine/run.h"
#include "actuator/journal/database.h"
#include "actuator/journal/numbers.h"
#include "actuator/journal/rows.h"
#include "actuator/journal/schema.h"
#include "lib/base/digest.h"
#include "lib/base/printable.h"

namespace mailhub::journal {
namespace {

constexpr size_t kMostMistakes = 20;

// What the tables say about each other. Each row that is found is a mistake.
struct Rule {
  const char* says;  // after the row's first column
  const char* sql;
};
constexpr Rule kRules[] = {
    {"has no line in runs",
     "SELECT 'run ' || run FROM events WHERE kind = 'run_queued' AND run NOT IN (SELECT run FROM "
     "runs)"},
    {"is in runs, but its event run_queued is missing",
     "SELECT 'run ' || run FROM runs WHERE NOT EXISTS (SELECT 1 FROM events WHERE "
     "events.run = runs.run AND kind = 'run_queued')"},
    {"is finished in runs, but not by the event that it names",
     "SELECT 'run ' || run FROM runs WHERE finished_seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
     "events WHERE seq = finished_seq AND events.run = runs.run AND kind IN "
     "('run_finished', 'run_dropped'))"},
    {"is finished, but not in runs",
     "SELECT 'run ' || run FROM events WHERE kind IN ('run_finished', 'run_dropped') AND run IN "
     "(SELECT run FROM runs WHERE finished_seq IS NULL)"},
    {"names a plan that is missing",
     "SELECT 'run ' || run FROM runs WHERE plan NOT IN (SELECT digest FROM plans)"},
    {"is in episodes, but not decided by the event that it names",
     "SELECT 'alert ' || fingerprint FROM episodes WHERE NOT EXISTS (SELECT 1 FROM events WHERE "
     "events.seq = episodes.seq AND kind = 'alert_decided' AND "
     "json_extract(body, '$.fingerprint') = fingerprint)"},
    {"is in last_heard, but not in the event that it names",
     "SELECT 'alert ' || fingerprint FROM last_heard WHERE NOT EXISTS (SELECT 1 FROM events WHERE "
     "events.seq = last_heard.seq AND kind = 'alert_decided' AND "
     "json_extract(body, '$.fingerprint') = fingerprint)"},
};

class Verifier {
 public:
  Verifier(Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}

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
    if (Status s = CheckEvents(); !s) return Fail(s.error());
    if (Status s = CheckRules(); !s) return Fail(s.error());
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
    const Result<int64_t> tables = database_.Number("SELECT count(*) FROM sqlite_master");
    if (!tables) return Fail(tables.error());
    if (!IsJournal(database_)) return Fail(ErrorKind::kRefused, path_ + " is not a journal");
    const Result<int64_t> version =
        database_.Number("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema_version'");
    if (!version) return Fail(version.error());
    if (*version > CurrentSchemaVersion())
      return Fail(ErrorKind::kRefused, path_ + " was written by a newer program (schema version " +
                                           std::to_string(*version) + "); verify it with that");
    found_.schema_version = static_cast<int>(*version);
    const Result<std::string> id =
        database_.FirstText("SELECT value FROM meta WHERE key = 'journal_id'");
    if (!id) return Fail(id.error());
    found_.id = *id;
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
    Result<Statement> select =
        database_.Prepare("SELECT " + std::string(kEventColumns) + " FROM events ORDER BY seq");
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
        Apply(*event);
      } else if (event.error().kind == ErrorKind::kCorrupt) {
        Note(path_ + ": " + event.error().message);
      } else {
        return Fail(event.error());
      }
    }
    const Result<Numbers> numbers = ReadNumbers(database_);
    if (numbers) found_.whole_from = numbers->whole_from;
    for (const auto& [id, run] : runs_)
      if (run.stage != engine::Stage::kFinished) ++found_.open_runs;
    return {};
  }

  // Folds the event into its run. Runs that are over are forgotten, so that memory does not grow
  // with the journal.
  void Apply(const engine::Event& event) {
    if (engine::AboutOf(event.body) == engine::About::kNoRun) return;
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
    if (!FitsPlan(run, event)) return;
    run.Apply(event);
    if (run.stage == engine::Stage::kFinished) CompareEnd(run, event);
    const bool over = std::holds_alternative<engine::RunDropped>(event.body) ||
                      std::holds_alternative<engine::RunSwept>(event.body);
    if (over) runs_.erase(known);
  }

  bool FitsPlan(const engine::Run& run, const engine::Event& event) {
    std::string path;
    std::visit(
        [&path](const auto& body) {
          using Body = std::decay_t<decltype(body)>;
          if constexpr (std::is_same_v<Body, engine::StepStarted> ||
                        std::is_same_v<Body, engine::StepSettled> ||
                        std::is_same_v<Body, engine::StepDone>)
            path = body.path;
        },
        event.body);
    if (path.empty() || run.Find(path) != nullptr) return true;
    NoteEvent(event, "the plan of run " + Excerpt(run.id) + " has no step " + Excerpt(path));
    return false;
  }

  // Called at the event that ends the run: its line must say the same.
  void CompareEnd(const engine::Run& run, const engine::Event& event) {
    const bool ends = std::holds_alternative<engine::RunFinished>(event.body) ||
                      std::holds_alternative<engine::RunDropped>(event.body);
    if (!ends) return;
    Result<Statement> select = database_.Prepare("SELECT result FROM runs WHERE run = ?");
    if (!select) return Note(select.error().message);
    const Result<bool> row = select->Bind(run.id).Step();
    if (!row) return Note(row.error().message);
    if (*row && select->Text(0) != engine::Name(run.result))
      NoteEvent(event, std::string("the run ") + engine::Name(run.result) + ", but runs says " +
                           Excerpt(select->Text(0)));
  }

  Status CheckRules() {
    // An older file has other tables; a start makes them anew.
    if (found_.schema_version < CurrentSchemaVersion()) return {};
    for (const Rule& rule : kRules) {
      Result<Statement> select =
          database_.Prepare(std::string(rule.sql) + " LIMIT " + std::to_string(kMostMistakes));
      if (!select) return Fail(select.error());
      for (;;) {
        const Result<bool> row = select->Step();
        if (!row) return Fail(row.error());
        if (!*row) break;
        Note(path_ + ": " + Excerpt(select->Text(0), 120) + " " + rule.says);
      }
    }
    return {};
  }

  Database database_;
  const std::string path_;
  Verified found_;
  std::map<std::string, engine::Run> runs_;  // not swept yet
  std::vector<std::string> mistakes_;
};

}  // namespace

Result<Verified> Verify(const std::string& path) {
  Result<Database> database = Database::Open(path, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  return Verifier(std::move(*database), path).Run();
}

}  // namespace mailhub::journal
