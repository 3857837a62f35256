// A journal as actuator/journal keeps it: events in a file, and beside it a mark that names the
// file and how far it had come at the last start. What a start refuses is written in
// docs/journal_format.md.
#pragma once

#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "lib/base/result.h"

namespace mailhub::sim {

struct JournalFile {
  enum class Trouble { kNone, kGone, kOlderCopy };

  // Before a start. kCorrupt while the file is gone or ends before the mark: it is left alone, and
  // a person must put it right.
  Status Open();
  void Mend() { trouble = Trouble::kNone; }

  std::string id;
  std::vector<engine::Event> events;
  uint64_t mark = 0;  // events at the last start
  Trouble trouble = Trouble::kNone;
};

}  // namespace mailhub::sim
