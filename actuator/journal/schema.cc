// See schema.h.
#include "actuator/journal/schema.h"

#include <array>
#include <map>

#include "actuator/journal/lock_file.h"
#include "lib/base/digest.h"
#include "lib/base/printable.h"

namespace mailhub::journal {
namespace {

// "mhjl": marks our files among SQLite databases.
constexpr int64_t kApplicationId = 0x6d686a6c;

// Step N upgrades version N to N + 1; step 0 makes the first tables. Never change a released step;
// append one. `runs`, `episodes` and `last_heard` are derived from `events` and can always be
// rebuilt.
constexpr std::array<const char*, 6> kSteps = {
    R"(
CREATE TABLE meta(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE events(
  seq    INTEGER PRIMARY KEY,
  at_ms  INTEGER NOT NULL,
  run    TEXT NOT NULL,
  kind   TEXT NOT NULL,
  detail INTEGER NOT NULL,
  body   TEXT NOT NULL
);
CREATE INDEX events_of_run ON events(run, seq) WHERE run != '';
CREATE INDEX events_not_detail ON events(seq) WHERE detail = 0;
CREATE INDEX events_alerts ON events(seq) WHERE kind = 'alert_decided';
CREATE TABLE plans(
  digest TEXT PRIMARY KEY,
  body   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs(
  run          TEXT PRIMARY KEY,
  runbook      TEXT NOT NULL,
  target       TEXT NOT NULL,
  started_by   TEXT NOT NULL,
  queued_ms    INTEGER NOT NULL,
  started_ms   INTEGER,
  finished_ms  INTEGER,
  finished_seq INTEGER,
  result       TEXT,
  result_detail TEXT,
  swept        INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX runs_finished ON runs(finished_seq) WHERE finished_seq IS NOT NULL;
CREATE INDEX runs_finished_of_runbook ON runs(runbook, finished_seq) WHERE finished_seq IS NOT NULL;
)",
    R"(
ALTER TABLE runs ADD COLUMN plan TEXT NOT NULL DEFAULT '';
UPDATE runs SET plan = coalesce((SELECT json_extract(body, '$.plan') FROM events
  WHERE events.run = runs.run AND run != '' AND kind = 'run_queued'), '');
UPDATE runs SET swept = 1 WHERE swept = 0 AND finished_seq IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM events WHERE events.run = runs.run AND run != ''
    AND kind IN ('step_started', 'dead_man_armed')
    AND json_extract(body, '$.directory_id') != '');
CREATE TABLE episodes(
  fingerprint TEXT PRIMARY KEY,
  seq         INTEGER NOT NULL,
  run         TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO episodes SELECT fingerprint, seq, run FROM (
  SELECT json_extract(body, '$.fingerprint') AS fingerprint, max(seq) AS seq,
    json_extract(body, '$.run') AS run, json_extract(body, '$.firing') AS firing
  FROM events WHERE kind = 'alert_decided' AND (NOT json_extract(body, '$.firing')
    OR json_extract(body, '$.decision') IN ('started_run', 'joined'))
  GROUP BY 1) WHERE firing AND run NOT IN (SELECT run FROM runs WHERE result = 'dropped');
DROP INDEX events_not_detail;
DROP INDEX events_of_run;
CREATE INDEX events_of_run ON events(run, seq);
CREATE INDEX events_of_actuator ON events(seq) WHERE kind IN ('actuator_started', 'mode_changed');
)",
    // Same tables; events have fields and kinds that are unknown to a program of version 2.
    R"(
SELECT 1;
)",
    // The same for version 3.
    R"(
SELECT 1;
)",
    // The newest repeat and the newest end of each alert.
    R"(
CREATE TABLE last_heard(
  fingerprint TEXT NOT NULL,
  ended       INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  PRIMARY KEY(fingerprint, ended)
) WITHOUT ROWID;
INSERT INTO last_heard SELECT json_extract(body, '$.fingerprint'), NOT json_extract(body, '$.firing'),
    max(seq)
  FROM events WHERE kind = 'alert_decided' AND json_extract(body, '$.decision') != 'late'
    AND (json_extract(body, '$.decision') = 'repeat' OR NOT json_extract(body, '$.firing'))
  GROUP BY 1, 2;
)",
    // A program of version 5 would take pruned events for lost ones, and would not obey all fields of
    // plans and events.
    R"(
INSERT OR IGNORE INTO meta(key, value) VALUES('whole_from', '1'), ('kept_before', '0');
)"};

Status SetMeta(Database& database, std::string_view key, std::string_view value) {
  Result<Statement> insert = database.Prepare(
      "INSERT INTO meta(key, value) VALUES(?, ?) "
      "ON CONFLICT(key) DO UPDATE SET value = excluded.value");
  if (!insert) return Fail(insert.error());
  return insert->Bind(key).Bind(value).Execute();
}

Status Migrate(Database& database, int64_t from, WallTime now) {
  for (auto step = static_cast<size_t>(from); step < kSteps.size(); ++step) {
    if (Status done = database.Run(kSteps.at(step)); !done) return done;
  }
  if (from == 0) {
    if (Status s = SetMeta(database, "journal_id", RandomHex(128)); !s) return s;
    if (Status s = SetMeta(database, "created_ms", std::to_string(ToUnixMs(now))); !s) return s;
    const std::string mark = "PRAGMA application_id = " + std::to_string(kApplicationId);
    if (Status s = database.Run(mark); !s) return s;
  }
  return SetMeta(database, "schema_version", std::to_string(kSteps.size()));
}

// "table runs" and the like, each with the statement that made it. SQLite's own are left out.
using Definitions = std::map<std::string, std::string>;

Result<Definitions> DefinitionsOf(Database& database) {
  Result<Statement> select = database.Prepare(
      "SELECT type || ' ' || name, sql FROM sqlite_master WHERE NOT "
      "(type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4', 'sqlite_sequence') OR "
      "type = 'index' AND sql IS NULL)");
  if (!select) return Fail(select.error());
  Definitions definitions;
  for (;;) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(row.error());
    if (!*row) return definitions;
    definitions.emplace(select->Text(0), select->Text(1));
  }
}

// Against those that a program of `version` makes.
Status CheckDefinitions(Database& database, const std::string& path, int version) {
  Result<Database> model = Database::Open(":memory:", Database::Access::kReadWrite);
  if (!model) return Fail(model.error());
  for (int step = 0; step < version; ++step)
    if (Status done = model->Run(kSteps.at(step)); !done) return done;
  const Result<Definitions> wanted = DefinitionsOf(*model);
  if (!wanted) return Fail(wanted.error());
  const Result<Definitions> found = DefinitionsOf(database);
  if (!found) return Fail(found.error());
  for (const auto& [name, sql] : *found) {
    const auto known = wanted->find(name);
    if (known == wanted->end())
      return Fail(ErrorKind::kCorrupt,
                  path + " has a " + Excerpt(name) + ", which this program does not make");
    if (known->second != sql)
      return Fail(ErrorKind::kCorrupt, path + ": its " + name + " is not as this program makes it");
  }
  for (const auto& [name, sql] : *wanted)
    if (!found->contains(name)) return Fail(ErrorKind::kCorrupt, path + " has no " + name);
  return {};
}

Result<bool> IsEmpty(Database& database) {
  const Result<int64_t> tables = database.Number("SELECT count(*) FROM sqlite_master");
  if (!tables) return Fail(tables.error());
  return *tables == 0;
}

}  // namespace

Result<Identity> ReadIdentity(Database& database, const std::string& path) {
  const Result<int64_t> application = database.Number("PRAGMA application_id");
  if (!application) return Fail(application.error());
  if (*application != kApplicationId)
    return Fail(ErrorKind::kRefused, path + " is not a journal; name another file as journal");
  const Result<int64_t> version =
      database.Number("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema_version'");
  if (!version) return Fail(version.error());
  if (*version > CurrentSchemaVersion())
    return Fail(ErrorKind::kRefused, path + " was written by a newer program (schema version " +
                                         std::to_string(*version) + ", this one knows " +
                                         std::to_string(CurrentSchemaVersion()) +
                                         "); use that program instead");
  if (*version < 1)
    return Fail(ErrorKind::kCorrupt, path + " names no schema version; restore a backup of it");
  Result<std::string> id = database.FirstText("SELECT value FROM meta WHERE key = 'journal_id'");
  if (!id) return Fail(id.error());
  if (!IsJournalId(*id))
    return Fail(ErrorKind::kCorrupt, path + " has no journal id; restore a backup of it");
  Identity identity{static_cast<int>(*version), std::move(*id)};
  if (Status s = CheckDefinitions(database, path, identity.version); !s) return Fail(s.error());
  return identity;
}

bool IsJournal(Database& database) {
  const Result<int64_t> application = database.Number("PRAGMA application_id");
  return application && *application == kApplicationId;
}

int CurrentSchemaVersion() {
  return static_cast<int>(kSteps.size());
}

Result<std::string> PrepareSchema(Database& database, const std::string& path, WallTime now) {
  const Result<bool> empty = IsEmpty(database);
  if (!empty) return Fail(empty.error());
  int version = 0;
  if (!*empty) {
    const Result<Identity> identity = ReadIdentity(database, path);
    if (!identity) return Fail(identity.error());
    version = identity->version;
  }
  if (version < CurrentSchemaVersion()) {
    if (Status s = database.Run("BEGIN IMMEDIATE"); !s) return Fail(s.error());
    Status done = Migrate(database, version, now);
    if (done) done = database.Run("COMMIT");
    if (!done) {
      if (database.InTransaction()) (void)database.Run("ROLLBACK");
      return Fail(done.error());
    }
  }
  Result<Identity> identity = ReadIdentity(database, path);
  if (!identity) return Fail(identity.error());
  return std::move(identity->id);
}

}  // namespace mailhub::journal
