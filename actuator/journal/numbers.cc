// See numbers.h.
#include "actuator/journal/numbers.h"

#include <algorithm>
#include <charconv>

namespace mailhub::journal {
namespace {

constexpr const char* kWholeFrom = "whole_from";
constexpr const char* kKeptBefore = "kept_before";
// In milliseconds since 1970; 0: no run was removed.
constexpr const char* kRunsWholeFrom = "runs_whole_from_ms";
// No number that a journal has: the key is missing.
constexpr uint64_t kMissing = static_cast<uint64_t>(INT64_MAX);

Result<uint64_t> ReadNumber(Database& database, const char* key, uint64_t otherwise) {
  Result<Statement> select = database.Prepare("SELECT value FROM meta WHERE key = ?");
  if (!select) return Fail(select.error());
  const Result<bool> row = select->Bind(key).Step();
  if (!row) return Fail(row.error());
  if (!*row) return otherwise;
  const std::string_view text = select->Text(0);
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      number > static_cast<uint64_t>(INT64_MAX)) {
    return Fail(ErrorKind::kCorrupt, std::string("meta: ") + key + " is no number");
  }
  return number;
}

Status WriteNumber(Database& database, const char* key, uint64_t number) {
  Result<Statement> insert = database.Prepare(
      "INSERT INTO meta(key, value) VALUES(?, ?) "
      "ON CONFLICT(key) DO UPDATE SET value = excluded.value");
  if (!insert) return Fail(insert.error());
  return insert->Bind(key).Bind(std::to_string(number)).Execute();
}

}  // namespace

Result<Numbers> ReadNumbers(Database& database) {
  const Result<uint64_t> from = ReadNumber(database, kWholeFrom, 1);
  if (!from) return Fail(from.error());
  const Result<uint64_t> kept = ReadNumber(database, kKeptBefore, 0);
  if (!kept) return Fail(kept.error());
  if (*from < 1 || *kept >= *from)
    return Fail(ErrorKind::kCorrupt, "meta: whole_from and kept_before contradict each other");
  return Numbers{.whole_from = *from, .kept_before = *kept};
}

Status WriteNumbers(Database& database, const Numbers& numbers) {
  if (Status s = WriteNumber(database, kWholeFrom, numbers.whole_from); !s) return s;
  return WriteNumber(database, kKeptBefore, numbers.kept_before);
}

Result<std::optional<WallTime>> ReadRunsWholeFrom(Database& database) {
  const Result<uint64_t> noted = ReadNumber(database, kRunsWholeFrom, kMissing);
  if (!noted) return Fail(noted.error());
  if (*noted == 0) return std::nullopt;
  if (*noted != kMissing) return FromUnixMs(static_cast<int64_t>(*noted));
  const Result<Numbers> numbers = ReadNumbers(database);
  if (!numbers) return Fail(numbers.error());
  if (numbers->whole_from == 1) return std::nullopt;
  const Result<int64_t> young = database.Number(
      "SELECT at_ms FROM events WHERE seq >= " + std::to_string(numbers->whole_from) +
      " ORDER BY seq LIMIT 1");
  if (!young) return Fail(young.error());
  return FromUnixMs(*young);
}

Status BeginRunsWholeFrom(Database& database, const Numbers& numbers) {
  const Result<uint64_t> noted = ReadNumber(database, kRunsWholeFrom, kMissing);
  if (!noted) return Fail(noted.error());
  if (*noted != kMissing) return {};
  const Result<std::optional<WallTime>> from = ReadRunsWholeFrom(database);
  if (!from) return Fail(from.error());
  const bool pruned = numbers.whole_from > 1 && *from;
  return WriteNumber(database, kRunsWholeFrom,
                     pruned ? static_cast<uint64_t>(ToUnixMs(**from)) : 0);
}

Status NoteRemovedRun(Database& database, WallTime finished) {
  const Result<uint64_t> noted = ReadNumber(database, kRunsWholeFrom, 0);
  if (!noted) return Fail(noted.error());
  const auto from = static_cast<uint64_t>(std::max<int64_t>(ToUnixMs(finished), 0)) + 1;
  return from > *noted ? WriteNumber(database, kRunsWholeFrom, from) : Status();
}

// Numbers are unique, so from `whole_from` on the count tells whether one is missing.
Status CheckNumbers(Database& database, const std::string& path) {
  const Result<Numbers> numbers = ReadNumbers(database);
  if (!numbers) return Fail(path, numbers.error());
  const std::string from = std::to_string(numbers->whole_from);
  const Result<int64_t> last = database.Number("SELECT max(seq) FROM events");
  if (!last) return Fail(last.error());
  const Result<int64_t> lowest = database.Number("SELECT min(seq) FROM events");
  if (!lowest) return Fail(lowest.error());
  const Result<int64_t> count = database.Number("SELECT count(*) FROM events WHERE seq >= " + from);
  if (!count) return Fail(count.error());
  const Result<int64_t> before = database.Number("SELECT count(*) FROM events WHERE seq < " + from);
  if (!before) return Fail(before.error());
  // The last event is never pruned, so a pruned journal has at least that one.
  const bool empty = *last == 0 && *count == 0 && *before == 0 && numbers->whole_from == 1;
  const int64_t expected = *last - static_cast<int64_t>(numbers->whole_from) + 1;
  if (!empty && (*count != expected || *lowest < 1)) {
    return Fail(ErrorKind::kCorrupt,
                path + ": " + std::to_string(*count) + " events stand where " +
                    std::to_string(expected) + " should" +
                    (numbers->whole_from > 1 ? ", from event " + from + " on" : ""));
  }
  if (*before != static_cast<int64_t>(numbers->kept_before)) {
    return Fail(ErrorKind::kCorrupt, path + ": before event " + from + ", " +
                                         std::to_string(*before) + " events stand where " +
                                         std::to_string(numbers->kept_before) + " were kept");
  }
  return {};
}

}  // namespace mailhub::journal
