// The journal's tables, and the upgrade of older files.
#pragma once

#include <string>

#include "actuator/journal/database.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// The version that this program writes. Step N of the list in schema.cc makes version N + 1 from N.
int CurrentSchemaVersion();

// Upgrades the file to the current version in one transaction; creates the tables in an empty file.
// kRefused: the database is not a journal, or a newer program's. Returns the journal's id.
Result<std::string> PrepareSchema(Database& database, const std::string& path, WallTime now);

// Whether the file holds a journal of any version.
bool IsJournal(Database& database);

}  // namespace mailhub::journal
