// Makes notices of a journal's events, in their order.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "actuator/engine/event.h"
#include "actuator/engine/run.h"
#include "actuator/notify/notice.h"
#include "lib/base/result.h"

namespace mailhub::notify {

// Folds the events of each unfinished run. Confined to one thread.
class Follower {
 public:
  // Gives the events of one run from its first on until `each` returns false. Fails as
  // JournalReader::RunEvents.
  using RunEvents = std::function<Status(const std::string& run,
                                         const std::function<bool(const engine::Event&)>& each)>;
  explicit Follower(RunEvents run_events) : run_events_(std::move(run_events)) {}

  // Call for each event in the journal's order, from any event on; decisions about alerts may be
  // left out. Nothing: it is none that anybody is told about. Fails if the earlier events of its run
  // cannot be read; call it again with the same event then.
  Result<std::optional<Notice>> Take(const engine::Event& event);

  // Call before it is given events that it had before.
  void Forget() { runs_.clear(); }

  // That this run was found late at that time. Nothing: the journal has its end by now. Fails
  // likewise; kNotFound: the journal does not know the run.
  Result<std::optional<Notice>> Late(const std::string& run, WallTime at) const;

 private:
  // The run as it is after the event with that number.
  Result<engine::Run> Read(const std::string& id, uint64_t up_to) const;

  const RunEvents run_events_;
  std::map<std::string, engine::Run> runs_;
};

}  // namespace mailhub::notify
