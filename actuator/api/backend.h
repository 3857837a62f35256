// The interface between the HTTP API and the actuator: state, requests, history. The service
// implements it; tests use a fake.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/engine.h"
#include "actuator/engine/past.h"

namespace mailhub::api {

// A request to the engine.
using Ask = std::variant<engine::Notification, engine::Command, engine::SetMode, engine::TakeOver,
                         engine::CloseEpisode>;

// The configuration in force.
struct ConfigurationState {
  WallTime since;  // when it came into force
  // Time and reason of the last reload, when it was refused; otherwise empty.
  std::optional<WallTime> refused = {};
  std::string why = {};
  std::shared_ptr<const engine::Calendar> calendar = {};  // null: none is configured
};

// Thread-safe. Calls block until there is an answer, at most a few seconds.
class Backend {
 public:
  virtual ~Backend() = default;

  // The newest committed state; never null.
  virtual std::shared_ptr<const engine::View> Look() const = 0;

  // Returns the run's id once the resulting events are committed. kOverloaded: the inbox is full or
  // the journal cannot be written (HTTP 503). kRefused, kNotFound, kInvalid come from the engine.
  // TakeOver returns once the host obeys. Its errors are the host adapter's: kUnreachable,
  // kOutcomeUnknown, kInvalid (no such host); the journal has the take-over even then.
  virtual Result<std::string> Submit(Ask) = 0;

  // The dry run: expands the runbook and queues nothing.
  virtual Result<engine::Plan> MakePlan(const std::string& runbook,
                                        const std::map<std::string, std::string>& parameters) = 0;

  // The past, one by one until `each` returns false: whoever needs a page need not have all of it in
  // memory.
  // All lists are newest first. One call looks at a bounded number of rows and returns where to go on, as a
  // filter's `before`; 0 when it has looked at all, or `each` has ended it.
  virtual Result<uint64_t> History(const engine::RunFilter& filter,
                                   const std::function<bool(const engine::PastRun&)>& each) = 0;
  // The same runs, each with what a report counts of its events.
  virtual Result<uint64_t> Report(const engine::RunFilter& filter,
                                  const std::function<bool(const engine::ReportedRun&)>& each) = 0;
  // Finished runs that ended at this time or later are all there; nothing: so are all others.
  virtual Result<std::optional<WallTime>> RunsWholeFrom() = 0;
  virtual Result<uint64_t> Alerts(const engine::AlertFilter& filter,
                                  const std::function<bool(const engine::PastAlert&)>& each) = 0;
  // The events of one run after that one, oldest first. Takes a full id or a unique prefix of at
  // least 6 characters.
  virtual Status RunEvents(const std::string& run, uint64_t after,
                           const std::function<bool(const engine::Event&)>& each) = 0;

  // What this notification would do now; records and does nothing. Errors as Submit().
  virtual Result<std::vector<engine::AlertTrial>> Try(engine::Notification notification) = 0;
  // Whether an `only_if` holds now.
  virtual engine::QueryReading AskPrometheus(const std::string& expr) = 0;
  // When a run of this plan would start that a person asked for now. Costs time of the deciding
  // thread. Errors as Submit().
  virtual Result<engine::StartView> ForeseeStart(const engine::Plan& plan) = 0;
  // The plan with live values: asks hosts and Prometheus for up to half a minute, changes nothing
  // and queues nothing. Errors as MakePlan() and Submit().
  virtual Result<engine::LivePlan> CheckPlan(
      const std::string& runbook, const std::map<std::string, std::string>& parameters) = 0;

  virtual Status Reload() = 0;
  virtual ConfigurationState Configuration() const = 0;
  virtual bool Ready() const = 0;  // replayed, and the journal can be written
};

}  // namespace mailhub::api
