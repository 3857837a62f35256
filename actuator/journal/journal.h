// The journal: the append-only record of the engine's decisions. It makes "intent before effect"
// true, and runs are rebuilt from it. docs/journal_format.md describes the file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/past.h"
#include "actuator/journal/store.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// The only writer of one journal file; holds the lock file beside it, PATH.lock, during its
// lifetime.
class Journal final : public EventStore {
 public:
  // Creates the file (mode 0600) if it does not exist; its directory must. Errors:
  //   kRefused    another actuator has it; no permission; no journal of ours, or another than the
  //               lock file names; a newer program's
  //   kCorrupt    damaged, or an older copy; the message has the remedy
  //   kNotFound   no such directory; or the file is gone or empty, though the lock file names it
  //   kOverloaded, kOutcomeUnknown   disk full, I/O errors
  static Result<std::unique_ptr<Journal>> Open(const std::string& path, WallTime now);
  ~Journal() override;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const std::string& id() const override;
  uint64_t last_seq() const override;
  Status Replay(Scope scope, const std::function<void(const engine::Event&)>& each) override;
  Status Append(std::span<const engine::Event> events) override;

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Looks at a journal while somebody else writes it. Thread-safe: each call uses a connection of its
// own and sees one committed state. Gives what it finds one by one, until `each` returns false, so
// that no answer has to be in memory whole. Errors: kNotFound, kInvalid as said, else as Journal.
class JournalReader {
 public:
  explicit JournalReader(std::string path) : path_(std::move(path)) {}

  // All three newest first. They look at engine::kMostLookedAt rows and return where to go on, as a
  // filter's `before`; 0 when they have looked at all, or `each` has ended them.
  Result<uint64_t> FinishedRuns(const engine::RunFilter& filter,
                                const std::function<bool(const engine::PastRun&)>& each) const;
  // As FinishedRuns, each with what a report counts of its events. kCorrupt names an event that
  // cannot be read.
  Result<uint64_t> Report(const engine::RunFilter& filter,
                          const std::function<bool(const engine::ReportedRun&)>& each) const;
  // Finished runs that ended at this time or later are all there; nothing: so are all others.
  // Pruning goes on meanwhile, so ask for it after the runs.
  Result<std::optional<WallTime>> RunsWholeFrom() const;
  Result<uint64_t> Alerts(const engine::AlertFilter& filter,
                          const std::function<bool(const engine::PastAlert&)>& each) const;
  // The events of one run after that one, oldest first. `run`: its id or a prefix of at least 6
  // characters; kInvalid when too short or shared by several runs, kNotFound when nobody's.
  Status RunEvents(const std::string& run, uint64_t after,
                   const std::function<bool(const engine::Event&)>& each) const;
  // All events after that one but decisions about alerts, oldest first.
  Status EventsAfter(uint64_t after, const std::function<bool(const engine::Event&)>& each) const;

 private:
  const std::string path_;
};

}  // namespace mailhub::journal
