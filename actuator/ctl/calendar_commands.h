// `calendar check` and `calendar show`: a calendar's file, without the actuator. `calendar`: that of a
// running one.
#pragma once

#include <string>

#include "actuator/ctl/commands.h"
#include "lib/base/clock.h"

namespace mailhub::ctl {

// The first two print the first mistake as file:line:column to standard error; they return the exit status.

// Reads the file as the actuator does, with the iCalendar files that it names, and counts what it
// has. `now` as for LoadCalendar.
int CalendarCheck(const std::string& file, WallTime now);

// Shows `days` days from `from` on, which is a date, or "" for today. Days are those of `location`;
// "": of the file's first interval that is not in UTC.
int CalendarShow(const std::string& file, const std::string& from, int days,
                 const std::string& location, Format format, WallTime now);

// Windows, blackouts and unfinished runs of the actuator's calendar. Days as above; "": those of the
// calendar's first location that is not UTC, and today by the actuator's clock.
int CalendarLive(ApiClient& api, const std::string& from, int days, const std::string& location,
                 Format format);

}  // namespace mailhub::ctl
