// The numbers of a journal's events: from where on all are there, and how many are kept from before.
#pragma once

#include <cstdint>
#include <string>

#include "actuator/journal/database.h"
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

// Counts the events. kCorrupt when one is missing; `path` is for the message.
Status CheckNumbers(Database& database, const std::string& path);

}  // namespace mailhub::journal
