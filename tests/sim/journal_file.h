// A journal like actuator/journal's: events in a file, and beside it a mark with the file's id and
// its length at the last start. docs/journal_format.md says when a start is refused.
#pragma once

#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "lib/base/result.h"

namespace mailhub::sim {

struct JournalFile {
  enum class Trouble { kNone, kGone, kOlderCopy };

  // Call before a start. kCorrupt while the file is gone or ends before the mark: it is left
  // unchanged, and a person must repair it.
  Status Open();
  void Mend() { trouble = Trouble::kNone; }

  std::string id;
  std::vector<engine::Event> events;
  uint64_t mark = 0;  // events at the last start
  Trouble trouble = Trouble::kNone;
};

}  // namespace mailhub::sim
