// Log lines for people: one line per decision about an alert, change of a run, or action of a
// person.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actuator/engine/event.h"
#include "lib/base/log.h"

namespace mailhub::api {

struct LogLine {
  LogLevel level = LogLevel::kInfo;
  std::string message;
  std::vector<LogField> fields;
};

// Confined to one thread. Alertmanager repeats its notifications, so a decision about an alert is
// logged once, until the decision changes. Remembers the newest 5,000 alerts.
class EventLog {
 public:
  // The event's lines; none for steps, which `mailhubctl run log` shows.
  std::vector<LogLine> Lines(const engine::Event& event);

 private:
  bool SaidBefore(const engine::AlertDecided& decided);

  std::map<std::string, engine::Decision> said_;  // by fingerprint and name
  std::deque<std::string> order_;                 // the keys of `said_`, oldest first
};

}  // namespace mailhub::api
