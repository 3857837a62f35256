// The lines of an iCalendar file (RFC 5545), checked before libical reads them: libical takes much
// that is wrong, and does not know the line of what it refuses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::calendar {

// One VEVENT. Lines count from 1.
struct IcsEvent {
  int line = 0;
};

// The events of the file in its order, at most 2,000. kInvalid with name:line:1 and the property for:
// a text that is not one VCALENDAR with its end, control characters, a line that is no property,
// components that do not close, and, within events, dates and times that do not exist, and
// properties that would be left out silently (EXRULE, periods in RDATE, a RANGE).
Result<std::vector<IcsEvent>> CheckIcsLines(std::string_view text, const std::string& name);

}  // namespace mailhub::calendar
