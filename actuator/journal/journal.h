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

// Selects decisions. An empty or 0 field selects all.
struct AlertFilter {
  std::string alertname = "";
  std::string fingerprint = "";  // full or its beginning
  std::string decision = "";
  std::string run = "";  // full or its beginning
  uint64_t before = 0;   // only events before this one
};

// Reads a journal while another process writes it. Thread-safe: each call uses its own connection
// and sees one committed state. Errors: kNotFound and kInvalid as below, else as Journal.
class JournalReader {
 public:
  explicit JournalReader(std::string path) : path_(std::move(path)) {}

  // Newest first. An empty `runbook` means all runbooks.
  Result<std::vector<FinishedRun>> FinishedRuns(const std::string& runbook, size_t limit) const;
  // alert_decided events, newest first. Searches the whole journal.
  Result<std::vector<engine::Event>> Alerts(size_t limit, const AlertFilter& filter = {}) const;
  // All events of one run, oldest first. `run`: its id or a prefix of at least 6 characters.
  // kInvalid when it is too short or several runs share it, kNotFound when no run has it.
  Result<std::vector<engine::Event>> RunEvents(const std::string& run) const;

 private:
  const std::string path_;
};

}  // namespace mailhub::journal
