// Removes old events from a journal in small steps, beside its writer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actuator/journal/database.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// What is older goes, unless a start still needs it (still_matters.h).
struct KeepSince {
  WallTime decisions;  // about alerts
  WallTime runs;       // by the time of their end; a run goes with all its events
};

// Confined to one thread, with a connection of its own. For the process that has the journal open:
// whoever else prunes a journal has not its lock.
//
// A step reads first and then writes in one short transaction, of some hundred events (or one run,
// if that has more). It is not synced to the disk: the writer's next commit does that. A power cut
// may undo a step, wholly. So the writer waits some milliseconds at most.
class Pruner {
 public:
  // `id`: the journal's, so that no other one is pruned. kRefused: the file has another one; else as
  // Journal::Open.
  static Result<Pruner> Open(const std::string& path, const std::string& id);
  ~Pruner();
  Pruner(Pruner&&) noexcept;
  Pruner& operator=(Pruner&&) noexcept;

  // One step of a pass. True: there is more to do; false: the pass is over, and the next call begins
  // a new one. `keep` counts at the begin of a pass. Errors end the pass: kCorrupt when an event is
  // missing, so that pruning never hides a loss; kOverloaded when the file is not where it was;
  // else as Database.
  Result<bool> Step(const KeepSince& keep);

  // Since Open().
  uint64_t removed_events() const;
  uint64_t removed_runs() const;

 private:
  struct Impl;
  explicit Pruner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailhub::journal
