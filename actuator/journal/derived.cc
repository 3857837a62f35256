// See derived.h.
#include "actuator/journal/derived.h"

#include <utility>

#include "actuator/journal/codec.h"
#include "lib/base/printable.h"

namespace mailhub::journal {
namespace {

struct Table {
  const char* name;
  const char* subject;  // before the first column's value
  // Pruning removes a run's line with all its events, but an alert's events one by one.
  bool goes_in_parts;
};
constexpr Table kTables[] = {
    {"runs", "run ", false}, {"episodes", "alert ", true}, {"last_heard", "alert ", true}};

struct Column {
  std::string name;
  bool key = false;
};

Result<std::vector<Column>> ColumnsOf(Database& database, const Table& table) {
  Result<Statement> select =
      database.Prepare("SELECT name, pk FROM pragma_table_info(?, 'main') ORDER BY cid");
  if (!select) return Fail(select.error());
  select->Bind(table.name);
  std::vector<Column> columns;
  for (;;) {
    const Result<bool> row = select->Step();
    if (!row) return Fail(row.error());
    if (!*row) return columns;
    columns.push_back({std::string(select->Text(0)), select->Int(1) > 0});
  }
}

// "a.run IS b.run AND ..." of the key.
std::string SameKey(const std::vector<Column>& columns) {
  std::string text;
  for (const Column& column : columns) {
    if (!column.key) continue;
    text += (text.empty() ? "" : " AND ") + ("ours." + column.name) + " = theirs." + column.name;
  }
  return text;
}

std::string Shown(const Statement& row, int column) {
  return row.IsNull(column) ? "nothing" : "\"" + Excerpt(row.Text(column)) + "\"";
}

class Comparison {
 public:
  Comparison(Database* database, uint64_t whole_from, size_t most)
      : database_(*database), whole_from_(whole_from), most_(most) {}

  Status Look(const Table& table) {
    const Result<std::vector<Column>> columns = ColumnsOf(database_, table);
    if (!columns) return Fail(columns.error());
    if (Status s = LookAtTheirs(table, *columns); !s) return s;
    return LookForMissing(table, *columns);
  }
  Differences Take() { return std::move(found_); }

 private:
  // False: there are enough.
  bool Note(const Table& table, const Statement& row, const std::string& what) {
    if (found_.mistakes.size() >= most_) return false;
    found_.mistakes.push_back(table.subject + Excerpt(row.Text(0)) + what);
    return true;
  }

  // Every line of the file, column by column.
  Status LookAtTheirs(const Table& table, const std::vector<Column>& columns) {
    std::string values, differ;
    for (const Column& column : columns) {
      values += ", theirs." + column.name + ", ours." + column.name;
      differ += " OR theirs." + column.name + " IS NOT ours." + column.name;
    }
    Result<Statement> select = database_.Prepare(
        "SELECT theirs." + columns.front().name + ", ours.rowless" + values + " FROM main." +
        table.name + " AS theirs LEFT JOIN (SELECT 1 AS rowless, * FROM temp." + table.name +
        ") AS ours ON " + SameKey(columns) + " WHERE ours.rowless IS NULL" + differ);
    if (!select) return Fail(select.error());
    for (;;) {
      const Result<bool> row = select->Step();
      if (!row) return Fail(row.error());
      if (!*row) return {};
      const std::string in = std::string(" is in ") + table.name;
      if (select->IsNull(1)) {
        if (!Note(table, *select, in + ", but not by the events")) return {};
        continue;
      }
      bool shown = false;
      for (size_t i = 0; i < columns.size(); ++i) {
        const int at = 2 + 2 * static_cast<int>(i);
        const std::string is = Shown(*select, at);
        const std::string should = Shown(*select, at + 1);
        if (is == should) continue;
        shown = true;
        if (!Note(
                table, *select,
                in + " with " + columns[i].name + " " + is + ", but by the events it is " + should))
          return {};
      }
      if (!shown && !Note(table, *select, in + " with a value of another type")) return {};
    }
  }

  // Every line that the events give.
  Status LookForMissing(const Table& table, const std::vector<Column>& columns) {
    const std::string seq = table.goes_in_parts ? "ours.seq" : std::to_string(whole_from_);
    Result<Statement> select =
        database_.Prepare("SELECT ours." + columns.front().name + ", " + seq + " FROM temp." +
                          table.name + " AS ours WHERE NOT EXISTS (SELECT 1 FROM main." +
                          table.name + " AS theirs WHERE " + SameKey(columns) + ")");
    if (!select) return Fail(select.error());
    for (;;) {
      const Result<bool> row = select->Step();
      if (!row) return Fail(row.error());
      if (!*row) return {};
      if (static_cast<uint64_t>(select->Int(1)) < whole_from_) {
        ++found_.unknown;
      } else if (!Note(table, *select, std::string(" has no line in ") + table.name)) {
        return {};
      }
    }
  }

  Database& database_;
  const uint64_t whole_from_;
  const size_t most_;
  Differences found_;
};

}  // namespace

Result<Derived> Derived::Prepare(Database* database) {
  for (const Table& table : kTables) {
    Result<Statement> select = database->Prepare(
        "SELECT substr(sql, 1, 7), substr(sql, 8) FROM main.sqlite_master "
        "WHERE type = 'table' AND name = ?");
    if (!select) return Fail(select.error());
    const Result<bool> row = select->Bind(table.name).Step();
    if (!row) return Fail(row.error());
    if (!*row || select->Text(0) != "CREATE ")
      return Fail(ErrorKind::kCorrupt, std::string("there is no table ") + table.name);
    const std::string definition(select->Text(1));
    select->Reset();
    if (Status s = database->Run("CREATE TEMP " + definition); !s) return Fail(s.error());
  }
  Result<EventWriter> writer = EventWriter::Prepare(database);
  if (!writer) return Fail(writer.error());
  return Derived(database, std::move(*writer));
}

Status Derived::Add(const engine::Event& event) {
  std::string plan_digest;
  if (std::holds_alternative<engine::RunQueued>(event.body)) {
    const Result<std::string> digest = PlanDigest(Encode(event.body).body);
    if (!digest) return Fail(digest.error());
    plan_digest = *digest;
  }
  return writer_.Derive(event, plan_digest);
}

Result<Differences> Derived::Compare(uint64_t whole_from, size_t most) {
  Comparison comparison(database_, whole_from, most);
  for (const Table& table : kTables) {
    if (Status s = comparison.Look(table); !s) return Fail(s.error());
  }
  return comparison.Take();
}

}  // namespace mailhub::journal
