// What a notification would do: the decisions about its alerts, and what led to them. Engine::Try
// makes them with the code that decides notifications, on a copy of the state.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/input.h"
#include "actuator/engine/trigger.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// A trigger before the one that answers, and its first matcher that does not match.
struct PassedTrigger {
  std::string trigger;
  Matcher matcher;
  std::optional<std::string> label;  // the alert's value; nothing: the alert has no such label
};

struct AlertTrial {
  // As it would be recorded. Its run is a made-up id if the run would be a new one.
  AlertDecided decided;
  bool new_run = false;
  bool malformed = false;             // rejected before any trigger was looked at
  std::vector<PassedTrigger> passed;  // in their order
  // The plan's parameters, or why there is no plan. Nothing: no trigger matches.
  std::optional<Result<std::map<std::string, std::string>>> parameters;
  std::string only_if;                  // the trigger's, with these parameters; empty: none
  std::vector<Step> questions = {};     // the plan's `confirm` steps
  std::optional<StartView> start = {};  // of a new run
};

// Ids for runs that are never queued: "new-1", "new-2" ...
std::function<std::string()> NewRunIds();

// `events`: what the notification's decisions have recorded, one AlertDecided for each alert.
std::vector<AlertTrial> TrialsOf(const Notification& notification, const std::vector<Event>& events,
                                 const std::vector<Trigger>& triggers, const PlanSource& plans);

}  // namespace mailhub::engine
