// The numbers of a journal's events: from where on all are there, and how many are kept from before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actuator/journal/database.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// Events are numbered 1, 2, 3, ... Those before `whole_from` may have been pruned.
struct Numbers {
  uint64_t whole_from = 1;   // from here on no number is missing
  uint64_t kept_before = 0;  // how many events with a lower number are there
};

// Errors are as in Database; kCorrupt: they are no numbers. Journals of versions before 6 have none
// pruned.
Result<Numbers> ReadNumbers(Database& database);
// In the caller's transaction.
Status WriteNumbers(Database& database, const Numbers& numbers);

// No finished run that ended at this time or later was removed; nothing: none was removed at all.
// Of a journal that was pruned before this time was kept: the time of event `whole_from`.
Result<std::optional<WallTime>> ReadRunsWholeFrom(Database& database);
// Both in the caller's transaction. To be called before the first event is removed.
Status BeginRunsWholeFrom(Database& database, const Numbers& numbers);
// A run that ended at `finished` is removed. The time never goes back.
Status NoteRemovedRun(Database& database, WallTime finished);

// Counts the events. kCorrupt when one is missing; `path` is for the message.
Status CheckNumbers(Database& database, const std::string& path);

}  // namespace mailhub::journal
