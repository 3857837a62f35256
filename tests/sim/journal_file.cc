// See journal_file.h.
#include "tests/sim/journal_file.h"

namespace mailhub::sim {

Status JournalFile::Open() {
  if (trouble == Trouble::kGone && mark > 0) {
    return Fail(ErrorKind::kCorrupt, "the journal is gone; its mark names it");
  }
  if (trouble == Trouble::kOlderCopy && mark > 0) {
    return Fail(ErrorKind::kCorrupt, "the journal ends before its mark");
  }
  mark = events.size();
  return {};
}

}  // namespace mailhub::sim
