// Reads calendar.yml, which docs/calendar.md describes, with the iCalendar files that it names.
#pragma once

#include <string>

#include "actuator/calendar/calendar.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::calendar {

// Every mistake is kInvalid with file:line:column, the field and what was expected; a file that
// cannot be opened is kNotFound or kRefused. `now` decides for which years the repetitions of an
// iCalendar file are written out; nothing else depends on it. Reads the machine's time zone data.
Result<Calendar> LoadCalendar(const std::string& path, WallTime now);
// `path` is what messages call the text, and where the paths of iCalendar files begin.
Result<Calendar> ParseCalendar(const std::string& text, const std::string& path, WallTime now);

}  // namespace mailhub::calendar
