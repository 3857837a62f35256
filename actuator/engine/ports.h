// Interfaces for the engine's effects and for observers of committed events. The adapters implement
// them, the service calls them, tests have their own.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>

#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"
#include "actuator/engine/host_report.h"
#include "actuator/engine/remote.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// Hosts. Thread-safe.
class RemotePort {
 public:
  using Done = std::function<void(RemoteReply)>;

  virtual ~RemotePort() = default;
  // Call once, before the first Submit: this actuator's identity for the hosts. The epoch is
  // committed.
  virtual void Begin(const std::string& journal_id, uint64_t epoch) = 0;
  // Never blocks. Calls `done` exactly once, from any thread or before it returns; after shutdown
  // perhaps never.
  virtual void Submit(const RemoteRequest& request, Done done) = 0;
  // Makes the host obey this journal from now on, unless the host's turn comes after
  // `begin_before`. Else as Submit().
  virtual void TakeOver(const std::string& host, SteadyTime begin_before, Done done) = 0;
};

// Prometheus. Thread-safe; calls block for as long as a query may take, and no longer than a second
// once shutdown has begun.
class ConditionPort {
 public:
  virtual ~ConditionPort() = default;
  virtual GateReading Evaluate(const GateQuestion& question) = 0;
  virtual QueryReading Ask(const QueryQuestion& question) = 0;
};

// Looks at hosts before a run. Thread-safe; a call blocks until the check's deadline at most, and
// changes nothing on the host.
class HostCheckPort {
 public:
  virtual ~HostCheckPort() = default;
  virtual HostReport Check(const HostCheck& check) = 0;
};

// Called on the owner thread: be short.
class Observer {
 public:
  using Took = std::chrono::duration<double>;

  virtual ~Observer() = default;
  // `events` are committed, in order, and each is passed once.
  virtual void Committed(std::span<const Event> events, Took took) = 0;
  virtual void CommitFailed(const Error& error) = 0;
};

}  // namespace mailhub::engine
