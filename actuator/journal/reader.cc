// JournalReader, see journal.h.
#include <functional>
#include <utility>
#include <variant>

#include "actuator/journal/codec.h"
#include "actuator/journal/database.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/rows.h"
#include "lib/base/printable.h"

namespace mailhub::journal {
namespace {

constexpr size_t kShortestPrefix = 6;

// `read` makes of a row what `each` is given.
template <typename T, typename Read>
Status ReadRows(Statement& select, const std::function<bool(const T&)>& each, Read read) {
  for (;;) {
    const Result<bool> row = select.Step();
    if (!row) return Fail(row.error());
    if (!*row) return {};
    Result<T> found = read(select);
    if (!found) return Fail(found.error());
    if (!each(*found)) return {};
  }
}

// Ids are hex, so all ids with a prefix stand between it and itself followed by "g".
Result<std::string> FindRun(Database& database, const std::string& prefix) {
  if (prefix.size() < kShortestPrefix) {
    return Fail(ErrorKind::kInvalid, "a run is named by its id or at least " +
                                         std::to_string(kShortestPrefix) +
                                         " characters of its beginning");
  }
  Result<Statement> select =
      database.Prepare("SELECT run FROM runs WHERE run >= ? AND run < ? ORDER BY run LIMIT 2");
  if (!select) return Fail(select.error());
  Result<bool> row = select->Bind(prefix).Bind(prefix + "g").Step();
  if (!row) return Fail(row.error());
  if (!*row) return Fail(ErrorKind::kNotFound, "there is no run " + prefix);
  std::string run(select->Text(0));
  if (run == prefix) return run;
  row = select->Step();
  if (!row) return Fail(row.error());
  if (*row) return Fail(ErrorKind::kInvalid, "several runs begin with " + prefix);
  return run;
}

Result<engine::PastRun> ReadFinished(const Statement& row) {
  engine::PastRun run;
  run.seq = static_cast<uint64_t>(row.Int(9));
  run.id = row.Text(0);
  run.runbook = row.Text(1);
  run.target = row.Text(2);
  run.by = row.Text(3);
  run.queued = FromUnixMs(row.Int(4));
  if (!row.IsNull(5)) run.started = FromUnixMs(row.Int(5));
  run.finished = FromUnixMs(row.Int(6));
  const std::optional<engine::RunResult> result = Named<engine::RunResult>(row.Text(7));
  if (!result) {
    return Fail(ErrorKind::kCorrupt, "run " + run.id + ": result: expected " +
                                         Choices<engine::RunResult>() + ", found \"" +
                                         Excerpt(row.Text(7), 60) + "\"");
  }
  run.result = *result;
  run.detail = row.Text(8);
  return run;
}

}  // namespace

Status JournalReader::FinishedRuns(const std::string& runbook, uint64_t before,
                                   const std::function<bool(const engine::PastRun&)>& each) const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  Result<Statement> select = database->Prepare(
      "SELECT run, runbook, target, started_by, queued_ms, started_ms, finished_ms, result,"
      " result_detail, finished_seq FROM runs WHERE finished_seq IS NOT NULL" +
      std::string(runbook.empty() ? "" : " AND runbook = ?") +
      (before > 0 ? " AND finished_seq < " + std::to_string(before) : "") +
      " ORDER BY finished_seq DESC");
  if (!select) return Fail(select.error());
  if (!runbook.empty()) select->Bind(runbook);
  return ReadRows<engine::PastRun>(*select, each, &ReadFinished);
}

Status JournalReader::Alerts(const engine::AlertFilter& filter,
                             const std::function<bool(const engine::PastAlert&)>& each) const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  std::string where = "kind = 'alert_decided'";
  std::vector<std::string> values;
  const auto equal = [&](const char* field, const std::string& value) {
    if (value.empty()) return;
    where += std::string(" AND json_extract(body, '$.") + field + "') = ?";
    values.push_back(value);
  };
  const auto begins = [&](const char* field, const std::string& value) {
    if (value.empty()) return;
    where += std::string(" AND substr(json_extract(body, '$.") + field + "'), 1, " +
             std::to_string(value.size()) + ") = ?";
    values.push_back(value);
  };
  equal("alertname", filter.alertname);
  equal("decision", filter.decision);
  begins("fingerprint", filter.fingerprint);
  begins("run", filter.run);
  if (filter.before > 0) where += " AND seq < " + std::to_string(filter.before);
  Result<Statement> select =
      database->Prepare("SELECT " + std::string(kEventColumns) + " FROM events WHERE " + where +
                        " ORDER BY seq DESC");
  if (!select) return Fail(select.error());
  for (const std::string& value : values) select->Bind(value);
  EventReader reader(&*database);
  return ReadRows<engine::PastAlert>(
      *select, each, [&](const Statement& row) -> Result<engine::PastAlert> {
        Result<engine::Event> event = reader.Read(row);
        if (!event) return Fail(event.error());
        return engine::PastAlert{event->seq, event->at,
                                 std::get<engine::AlertDecided>(std::move(event->body))};
      });
}

Status JournalReader::RunEvents(const std::string& run, uint64_t after,
                                const std::function<bool(const engine::Event&)>& each) const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  const Result<std::string> id = FindRun(*database, run);
  if (!id) return Fail(id.error());
  Result<Statement> select =
      database->Prepare("SELECT " + std::string(kEventColumns) +
                        " FROM events WHERE run != '' AND run = ? AND seq > ? ORDER BY seq");
  if (!select) return Fail(select.error());
  select->Bind(*id).Bind(static_cast<int64_t>(after));
  EventReader reader(&*database);
  return ReadRows<engine::Event>(*select, each,
                                 [&](const Statement& row) { return reader.Read(row); });
}

}  // namespace mailhub::journal
