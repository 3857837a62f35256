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
// Returns the journal's id. Errors as ReadIdentity.
Result<std::string> PrepareSchema(Database& database, const std::string& path, WallTime now);

// Reads version and id of a journal, and compares its tables and indexes with those that a program of
// that version makes: a trigger or a view from elsewhere would run inside our transactions. Errors:
//   kRefused  the database is not a journal, or a newer program's
//   kCorrupt  no version or no id; a definition that differs: names the first
struct Identity {
  int version = 0;
  std::string id;  // 32 hex digits
};
Result<Identity> ReadIdentity(Database& database, const std::string& path);

// Whether the file holds a journal of any version.
bool IsJournal(Database& database);

}  // namespace mailhub::journal
