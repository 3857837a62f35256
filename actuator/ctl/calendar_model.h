// The API's answer about the calendar of a running actuator, as plain structs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/calendar/span.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

struct CalendarName {
  std::string name;
  bool blackout = false;  // for every run
  calendar::Span known;   // nothing is known of it before and after
  calendar::Spans spans;  // cut at `since` and `until`
};

struct CalendarRun {
  std::string id, runbook, target, state;
  std::optional<WallTime> started;
  std::optional<WallTime> starts;  // planned
  std::optional<WallTime> ends;    // expected
  std::string end_unknown;         // why it is not known
  double reserved_s = 0;           // 0: unknown
  std::string reserved_from;
  std::string waiting_for;
};

struct LiveCalendar {
  WallTime now;
  bool configured = false;
  std::string location;  // time zone of its days
  std::string mode;
  std::vector<CalendarName> names;
  std::vector<CalendarRun> runs;  // unfinished ones
};

// As in model.h.
Result<LiveCalendar> ParseCalendar(const std::string& data);

}  // namespace mailhub::ctl
