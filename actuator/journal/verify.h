// Checks a whole journal, also while an actuator writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actuator/journal/lock_file.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

struct Verified {
  std::string id;
  int schema_version = 0;
  uint64_t events = 0;
  uint64_t last_seq = 0;            // 0: there is no event
  std::optional<WallTime> last_at;  // of the last event
  uint64_t whole_from = 1;          // older events may have been pruned
  uint64_t runs = 0;                // unfinished ones included
  uint64_t open_runs = 0;           // not finished
  // Whether `runs`, `episodes` and `last_heard` were derived anew and compared. Not in a file of an
  // older schema version.
  bool tables_compared = false;
  uint64_t not_compared = 0;  // their lines that pruning may have removed, so that nobody can tell
};

// Reads one committed state of the file and changes nothing. Checks: SQLite's structure, the
// tables are those of this program, no event is missing, also none that the lock file beside it names, each event and plan can be read and nothing in an event is left unread, each run's
// events fit its plan and each other, and all derived tables have in each column what the events
// give. Reads the whole file. Errors:
//   kCorrupt    damaged; one line for each mistake, at most 20
//   kRefused    not a journal, or a newer program's; no permission
//   others as JournalReader
Result<Verified> Verify(const std::string& path);
// The same for a copy, without a lock file beside it: `mark` is what that of the original said before
// it was copied.
Result<Verified> VerifyCopy(const std::string& path, const std::optional<Mark>& mark);

}  // namespace mailhub::journal
