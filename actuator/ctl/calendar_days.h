// The calendar of a running actuator and its runs as a picture of characters, one line a day.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/calendar_model.h"
#include "actuator/ctl/calendar_text.h"

namespace mailhub::ctl {

// The days, at most 62 columns wide, then a line or two for each run, then the times of each name.
// All text of the actuator becomes printable.
std::vector<std::string> CalendarDays(const LiveCalendar& live, const CalendarView& view);

}  // namespace mailhub::ctl
