// Reads calendar.yml, which docs/calendar.md describes, with the iCalendar files that it names.
#pragma once

#include <functional>
#include <string>

#include "actuator/calendar/calendar.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::calendar {

// Gives an iCalendar file's text, or why it cannot be read.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

// An iCalendar file is written out from so long before `now` to so long after it. It has to be read
// again before that time is over, as with each reload and start.
inline constexpr Milliseconds kIcsBefore = std::chrono::days(400);
inline constexpr Milliseconds kIcsAfter = std::chrono::days(5 * 366);

// Every mistake is kInvalid with file:line:column, the field and what was expected; a file that
// cannot be opened is kNotFound or kRefused. Nothing but iCalendar files depends on `now`. Reads the
// machine's time zone data. May be called by several threads.
Result<Calendar> LoadCalendar(const std::string& path, WallTime now);
// `path` is what messages call the text, and where relative paths of iCalendar files begin.
Result<Calendar> ParseCalendar(const std::string& text, const std::string& path, WallTime now,
                               const FileReader& files);

}  // namespace mailhub::calendar
