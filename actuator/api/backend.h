// What the HTTP side needs of the actuator: look, ask, read the past. The service implements it;
// tests use a fake.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/engine.h"

namespace mailhub::api {

// One finished run, from the journal.
struct PastRun {
  uint64_t seq = 0;  // of the event that it ended with
  std::string id;
  std::string runbook;
  std::string target;
  std::string by;
  engine::RunResult result = engine::RunResult::kSucceeded;
  std::string detail;
  WallTime queued;
  WallTime started;
  WallTime finished;
};

// One decided alert, from the journal.
struct PastAlert {
  uint64_t seq = 0;  // of its event
  WallTime at;
  engine::AlertDecided decided;
};

// Which decisions are wanted; what is empty or 0 is not looked at.
struct AlertFilter {
  std::string alertname;
  std::string fingerprint;  // its beginning
  std::string decision;
  std::string run;      // its beginning
  uint64_t before = 0;  // only decisions of events before that one
};

// What may be asked of the engine.
using Ask = std::variant<engine::Notification, engine::Command, engine::SetMode, engine::TakeOver,
                         engine::CloseEpisode>;

// Which configuration is in force.
struct ConfigurationState {
  WallTime since;  // when it came into force
  // The last reload was refused, then and for this reason; empty when it was not.
  std::optional<WallTime> refused = {};
  std::string why = {};
};

// Thread-safe. Calls block until answered, at most a few seconds.
class Backend {
 public:
  virtual ~Backend() = default;

  // The newest committed state; never null.
  virtual std::shared_ptr<const engine::View> Look() const = 0;

  // Answered once what it caused is committed: the run's id. kOverloaded when the inbox is full or
  // the journal cannot be written (HTTP 503); kRefused, kNotFound, kInvalid from the engine.
  // TakeOver is answered once the host obeys: kUnreachable, kOutcomeUnknown, kInvalid (no such
  // host) as the host's adapter says; it is in the journal then all the same.
  virtual Result<std::string> Submit(Ask) = 0;

  // The dry run: expanded, nothing queued.
  virtual Result<engine::Plan> MakePlan(const std::string& runbook,
                                        const std::map<std::string, std::string>& parameters) = 0;

  // The past, one by one until `each` returns false: whoever needs a page need not have all of it in
  // memory.
  // Newest first. Of all runbooks when `runbook` is empty; ended before that event when it is not 0.
  virtual Status History(const std::string& runbook, uint64_t before,
                         const std::function<bool(const PastRun&)>& each) = 0;
  // Newest first.
  virtual Status Alerts(const AlertFilter& filter,
                        const std::function<bool(const PastAlert&)>& each) = 0;
  // The events of one run after that one, oldest first. Takes a full id or a unique prefix of at
  // least 6 characters.
  virtual Status RunEvents(const std::string& run, uint64_t after,
                           const std::function<bool(const engine::Event&)>& each) = 0;

  virtual Status Reload() = 0;
  virtual ConfigurationState Configuration() const = 0;
  virtual bool Ready() const = 0;  // replayed, and the journal can be written
};

}  // namespace mailhub::api
