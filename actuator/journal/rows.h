// Makes an Event from a row of the events table. The writer's replay and the readers share it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "actuator/engine/event.h"
#include "actuator/journal/database.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// The columns EventReader expects, in this order.
inline constexpr const char* kEventColumns = "seq, at_ms, run, kind, body";

// Plans are stored once per digest, and most runs share a few; each is decoded once. Confined to
// one thread; must not outlive `database`.
class EventReader {
 public:
  explicit EventReader(Database* database) : database_(database) {}

  // kCorrupt names the event.
  Result<engine::Event> Read(const Statement& row);

 private:
  Result<const engine::Plan*> FindPlan(const std::string& digest);

  Database* database_;
  std::map<std::string, engine::Plan> plans_;
};

}  // namespace mailhub::journal
