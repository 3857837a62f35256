// The world as the service sees it: who carries out effects, and who is told what was committed.
// main wires the real ones, tests their own.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>

#include "actuator/engine/engine.h"
#include "lib/base/result.h"

namespace mailhub::service {

// Hosts. Thread-safe.
class RemotePort {
 public:
  using Done = std::function<void(engine::RemoteReply)>;

  virtual ~RemotePort() = default;
  // Once, before the first Submit: who this actuator is to the hosts. The epoch is committed.
  virtual void Begin(const std::string& journal_id, uint64_t epoch) = 0;
  // Never blocks. Calls `done` exactly once, from any thread or before it returns; after shutdown
  // perhaps never.
  virtual void Submit(const engine::RemoteRequest& request, Done done) = 0;
  // Has the host obey this journal from now on, unless it is later than `begin_before` there. Else
  // as Submit().
  virtual void TakeOver(const std::string& host, SteadyTime begin_before, Done done) = 0;
};

// Prometheus. Thread-safe; calls block for as long as a query may take, and no longer than a second
// once shutdown has begun.
class ConditionPort {
 public:
  virtual ~ConditionPort() = default;
  virtual engine::GateReading Evaluate(const engine::GateQuestion& question) = 0;
  virtual engine::QueryReading Ask(const engine::QueryQuestion& question) = 0;
};

// Called on the owner thread: be short.
class Observer {
 public:
  using Took = std::chrono::duration<double>;

  virtual ~Observer() = default;
  // `events` are committed, in their order; none of them was seen before.
  virtual void Committed(std::span<const engine::Event> events, Took took) = 0;
  virtual void CommitFailed(const Error& error) = 0;
};

}  // namespace mailhub::service
