// What is kept about receivers of notifications, beside the journal: how far each has come, and the
// runs that were found late. A file of its own, so that writing it never delays a commit.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

struct ReceiverCursor {
  std::string name;
  uint64_t seq = 0;            // the last event that needs nothing more
  uint64_t late = 0;           // the same of LateRun::number
  uint64_t left_out = 0;       // notifications that were given up since the last one that was taken
  WallTime last_success = {};  // zero: never

  bool operator==(const ReceiverCursor&) const = default;
};

// A run that was found late. No event says so.
struct LateRun {
  uint64_t number = 0;  // 1, 2, 3, ...: never used again
  std::string run;
  WallTime at;

  bool operator==(const LateRun&) const = default;
};

// Owns a connection. Confined to one thread at a time. Errors are Database's.
class ReceiverStore {
 public:
  // Creates the file (mode 0600). What it holds of another journal than `journal_id`, or of events
  // after `last_seq` (an older copy of the journal was put back), is forgotten; *fresh is then true,
  // as it is for a new file. kCorrupt: damaged; PutAside() first.
  static Result<ReceiverStore> Open(const std::string& path, const std::string& journal_id,
                                    uint64_t last_seq, bool* fresh);
  // Renames a damaged file to PATH.damaged, in place of an earlier one.
  static Status PutAside(const std::string& path);

  ~ReceiverStore();
  ReceiverStore(ReceiverStore&&) noexcept;
  ReceiverStore& operator=(ReceiverStore&&) noexcept;

  Result<std::vector<ReceiverCursor>> Cursors();
  // On disk when it returns. Receivers that are not among them are forgotten.
  Status Save(std::span<const ReceiverCursor> cursors);

  Result<std::vector<LateRun>> Late();  // by number
  Result<uint64_t> LastLate();          // the highest number given so far; 0: none
  // Writes that the run was found late, with the next number. On disk when it returns.
  Result<LateRun> NoteLate(const std::string& run, WallTime at);
  // Forgets those of runs that are not in `unfinished`, up to that number.
  Status ForgetLate(uint64_t up_to, const std::set<std::string>& unfinished);

 private:
  struct Impl;
  explicit ReceiverStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailhub::journal
