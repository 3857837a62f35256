// iCalendar files (RFC 5545) as fixed spans. Only ics.cc includes libical.
#pragma once

#include <string>
#include <string_view>

#include "actuator/calendar/span.h"
#include "actuator/calendar/zone.h"
#include "lib/base/result.h"

namespace mailhub::calendar {

// The time of all events of the file within `known`. `floating` is the zone of whole days and of
// times without a zone. What a VEVENT means is in docs/calendar.md. kInvalid with name:line:1 for a
// file that cannot be understood as a whole: nothing is left out silently. At most 20,000
// repetitions in `known`, and 100,000 that are looked at. May be called by several threads, which
// then wait for each other.
Result<Spans> ReadIcs(std::string_view text, const std::string& name, const Zone& floating,
                      const Span& known);

}  // namespace mailhub::calendar
