// The journal's tables, and how an older file becomes today's.
#pragma once

#include <string>

#include "actuator/journal/database.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// What this program writes. Version N + 1 is made from N by step N of the list in schema.cc.
int CurrentSchemaVersion();

// Brings the file to the current version in one transaction; creates everything in an empty file.
// kRefused: it is somebody else's database, or a newer program's. Returns the journal's id.
Result<std::string> PrepareSchema(Database& database, const std::string& path, WallTime now);

// Whether the file holds a journal, of whatever version.
bool IsJournal(Database& database);

}  // namespace mailhub::journal
