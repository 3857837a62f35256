// JournalReader, see journal.h.
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "actuator/journal/codec.h"
#include "actuator/journal/database.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/numbers.h"
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

// Looks for rows of the past, newest first, at most engine::kMostLookedAt of them.
struct Search {
  std::string columns;
  std::string table;   // and which of its rows are looked at
  std::string number;  // the column that orders them
  uint64_t before = 0;
  std::string wanted = {};  // which of those that are looked at are found
  std::vector<std::string> values = {};

  void Equal(const char* what, const std::string& value) {
    if (!value.empty()) Is(what, value);
  }
  void Is(const char* what, const std::string& value) {
    wanted += std::string(" AND ") + what + " = ?";
    values.push_back(value);
  }
  void Begins(const char* what, const std::string& value) {
    if (value.empty()) return;
    wanted += std::string(" AND substr(") + what + ", 1, " + std::to_string(value.size()) + ") = ?";
    values.push_back(value);
  }

  // As JournalReader::Alerts.
  template <typename T, typename Read>
  Result<uint64_t> Run(Database& database, const std::function<bool(const T&)>& each,
                       Read read) const {
    const std::string rows =
        " FROM " + table + (before > 0 ? " AND " + number + " < " + std::to_string(before) : "");
    const std::string newest_first = " ORDER BY " + number + " DESC";
    // Both statements see one state; closing the database ends it.
    if (Status begun = database.Run("BEGIN"); !begun) return Fail(begun.error());
    const Result<int64_t> unseen =
        database.Number("SELECT " + number + rows + newest_first + " LIMIT 1 OFFSET " +
                        std::to_string(engine::kMostLookedAt));
    if (!unseen) return Fail(unseen.error());
    Result<Statement> select =
        database.Prepare("SELECT " + columns + rows + " AND " + number + " > " +
                         std::to_string(*unseen) + wanted + newest_first);
    if (!select) return Fail(select.error());
    for (const std::string& value : values) select->Bind(value);
    bool goes_on = true;
    const Status found = ReadRows<T>(
        *select, [&](const T& one) { return goes_on = each(one); }, read);
    if (!found) return Fail(found.error());
    return goes_on && *unseen > 0 ? static_cast<uint64_t>(*unseen) + 1 : 0;
  }
};

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

Search SearchOf(const engine::RunFilter& filter) {
  Search search{.columns =
                    "run, runbook, target, started_by, queued_ms, started_ms, finished_ms,"
                    " result, result_detail, finished_seq",
                .table = "runs WHERE finished_seq IS NOT NULL",
                .number = "finished_seq",
                .before = filter.before};
  search.Equal("runbook", filter.runbook);
  if (filter.target) search.Is("target", *filter.target);
  search.Equal("result", filter.result);
  if (filter.since)
    search.wanted += " AND finished_ms >= " + std::to_string(ToUnixMs(*filter.since));
  if (filter.until)
    search.wanted += " AND finished_ms < " + std::to_string(ToUnixMs(*filter.until));
  return search;
}

void CountHold(engine::HoldReason reason, engine::ReportedRun* report) {
  for (engine::HoldCount& hold : report->holds) {
    if (hold.reason != reason) continue;
    ++hold.times;
    return;
  }
  report->holds.push_back({reason, 1});
}

void CountAct(const engine::OperatorActed& acted, engine::ReportedRun* report) {
  for (engine::Acted& known : report->acted) {
    if (known.by != acted.by || known.verb != acted.verb) continue;
    ++known.times;
    return;
  }
  if (report->acted.size() < engine::kMostActed) {
    report->acted.push_back({acted.by, acted.verb, 1});
  } else {
    ++report->acted_more;
  }
}

// Counts the events of one run after another.
class Counter {
 public:
  static Result<Counter> On(Database* database) {
    Result<Statement> select = database->Prepare(
        "SELECT " + std::string(kEventColumns) +
        " FROM events WHERE run = ? AND kind IN ('run_held', 'operator_acted', 'run_finished')"
        " ORDER BY seq");
    if (!select) return Fail(select.error());
    return Counter(database, std::move(*select));
  }

  Result<engine::ReportedRun> Count(engine::PastRun run) {
    engine::ReportedRun report;
    select_.Reset();
    select_.Bind(run.id);
    report.run = std::move(run);
    const Status counted = ReadRows<engine::Event>(
        select_,
        [&report](const engine::Event& event) {
          if (const auto* held = std::get_if<engine::RunHeld>(&event.body))
            CountHold(held->reason, &report);
          if (const auto* acted = std::get_if<engine::OperatorActed>(&event.body))
            CountAct(*acted, &report);
          if (const auto* finished = std::get_if<engine::RunFinished>(&event.body))
            report.worked = finished->worked;
          return true;
        },
        [this](const Statement& row) { return events_.Read(row); });
    if (!counted) return Fail(counted.error());
    if (!report.run.started) report.worked.reset();
    return report;
  }

 private:
  Counter(Database* database, Statement select) : events_(database), select_(std::move(select)) {}

  EventReader events_;
  Statement select_;
};

}  // namespace

Result<uint64_t> JournalReader::FinishedRuns(
    const engine::RunFilter& filter,
    const std::function<bool(const engine::PastRun&)>& each) const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  return SearchOf(filter).Run<engine::PastRun>(*database, each, &ReadFinished);
}

Result<uint64_t> JournalReader::Report(
    const engine::RunFilter& filter,
    const std::function<bool(const engine::ReportedRun&)>& each) const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  Result<Counter> counter = Counter::On(&*database);
  if (!counter) return Fail(counter.error());
  const auto read = [&](const Statement& row) -> Result<engine::ReportedRun> {
    Result<engine::PastRun> run = ReadFinished(row);
    if (!run) return Fail(run.error());
    return counter->Count(std::move(*run));
  };
  return SearchOf(filter).Run<engine::ReportedRun>(*database, each, read);
}

Result<std::optional<WallTime>> JournalReader::RunsWholeFrom() const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  return ReadRunsWholeFrom(*database);
}

Result<uint64_t> JournalReader::Alerts(
    const engine::AlertFilter& filter,
    const std::function<bool(const engine::PastAlert&)>& each) const {
  Search search{.columns = kEventColumns,
                .table = "events WHERE kind = 'alert_decided'",
                .number = "seq",
                .before = filter.before};
  search.Equal("json_extract(body, '$.alertname')", filter.alertname);
  search.Equal("json_extract(body, '$.decision')", filter.decision);
  search.Begins("json_extract(body, '$.fingerprint')", filter.fingerprint);
  search.Begins("json_extract(body, '$.run')", filter.run);
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  EventReader reader(&*database);
  const auto read = [&](const Statement& row) -> Result<engine::PastAlert> {
    Result<engine::Event> event = reader.Read(row);
    if (!event) return Fail(event.error());
    return engine::PastAlert{event->seq, event->at,
                             std::get<engine::AlertDecided>(std::move(event->body))};
  };
  return search.Run<engine::PastAlert>(*database, each, read);
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

Status JournalReader::EventsAfter(uint64_t after,
                                  const std::function<bool(const engine::Event&)>& each) const {
  Result<Database> database = Database::Open(path_, Database::Access::kReadOnly);
  if (!database) return Fail(database.error());
  Result<Statement> select =
      database->Prepare("SELECT " + std::string(kEventColumns) +
                        " FROM events WHERE seq > ? AND kind != 'alert_decided' ORDER BY seq");
  if (!select) return Fail(select.error());
  select->Bind(static_cast<int64_t>(after));
  EventReader reader(&*database);
  return ReadRows<engine::Event>(*select, each,
                                 [&](const Statement& row) { return reader.Read(row); });
}

}  // namespace mailhub::journal
