// A calendar as a picture of characters, and as JSON.
#pragma once

#include <string>
#include <vector>

#include "actuator/calendar/calendar.h"
#include "actuator/calendar/zone.h"
#include "lib/base/clock.h"

namespace mailhub::ctl {

// Which days of a calendar to show, as the zone's clocks have them.
struct CalendarView {
  std::chrono::local_days first;
  int days = 14;
  calendar::Zone zone;

  calendar::Span Within() const;
};

// "2026-03-01T10:00:00Z".
std::string Rfc3339(WallTime at);

// A row for each name and week: '#' it holds, '+' a part of the time, '.' not at all, '?' unknown.
// Then the times of each name, with their true ends where these are less than 400 days away.
std::vector<std::string> CalendarLines(const calendar::Calendar& calendar,
                                       const CalendarView& view);

// {"from", "to", "location", "intervals": [{"name", "kind", "location", "blackout", "known_from",
// "known_to", "spans": [{"begin", "end"}]}]}; times are RFC 3339 in UTC, spans are cut at `from` and
// `to`, and nothing is known of an interval before `known_from` and from `known_to` on.
std::string CalendarJson(const calendar::Calendar& calendar, const CalendarView& view);

}  // namespace mailhub::ctl
