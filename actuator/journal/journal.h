// The append-only record of everything the engine decided: what makes "intent before effect" true,
// and what a run's state is rebuilt from. The file's format is written down in
// docs/journal_format.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// What Replay leaves out.
enum class Scope {
  kEverything,
  // Not the steps of runs that finished long ago: of runs that are swept and not among the newest
  // 50 finished ones only run_queued, run_started, run_ending, run_finished and run_swept come. A
  // start with 10,000 finished runs need not read a million rows.
  kWhatStillMatters,
};

// The only writer of one journal file; holds the lock file beside it, PATH.lock, as long as it
// lives. Confined to one thread at a time.
class Journal {
 public:
  // Creates the file (mode 0600) if it does not exist; its directory must. Errors:
  //   kRefused    another actuator has it; no permission; no journal of ours; a newer program's
  //   kCorrupt    damaged; the sentence says what to do
  //   kNotFound   no such directory
  //   kOverloaded, kOutcomeUnknown   disk full, I/O errors
  static Result<std::unique_ptr<Journal>> Open(const std::string& path, WallTime now);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Random 128-bit hex, given at creation: what hosts know this journal by.
  const std::string& id() const;
  // Of the last committed event; 0 when there is none.
  uint64_t last_seq() const;

  // Calls `each` for the events in their order. kCorrupt when one is missing or cannot be read;
  // what `each` has seen by then must be thrown away.
  Status Replay(Scope scope, const std::function<void(const engine::Event&)>& each);

  // Records all of them, durably, or none. Events that are there already (the commit happened
  // although it was reported failed) must be the same and are not recorded again. Errors:
  //   kOverloaded      disk full or busy: nothing recorded
  //   kOutcomeUnknown  an I/O error: perhaps recorded. Append the same again
  //   kRefused         the file has become read-only: nothing recorded
  //   kCorrupt         other events stand under these numbers, or numbers would be missing: stop
  // After any error the journal may be used again.
  Status Append(std::span<const engine::Event> events);

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One finished run.
struct FinishedRun {
  std::string id;
  std::string runbook;
  std::string target;
  std::string by;
  engine::RunResult result = engine::RunResult::kSucceeded;
  std::string detail;
  WallTime queued;
  std::optional<WallTime> started;  // nothing: dropped or cancelled in the queue
  WallTime finished;
};

// Looks at a journal while somebody else writes it. Thread-safe: each call uses a connection of its
// own and sees one committed state. Errors: kNotFound, kInvalid as said, else as Journal.
class JournalReader {
 public:
  explicit JournalReader(std::string path) : path_(std::move(path)) {}

  // Newest first. Of all runbooks when `runbook` is empty.
  Result<std::vector<FinishedRun>> FinishedRuns(const std::string& runbook, size_t limit) const;
  // alert_decided events, newest first.
  Result<std::vector<engine::Event>> Alerts(size_t limit) const;
  // All events of one run, oldest first. `run`: its id or a prefix of at least 6 characters;
  // kInvalid when too short or shared by several runs, kNotFound when nobody's.
  Result<std::vector<engine::Event>> RunEvents(const std::string& run) const;

 private:
  const std::string path_;
};

}  // namespace mailhub::journal
