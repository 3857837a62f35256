// The values in a time interval, as Alertmanager writes them.
#pragma once

#include "actuator/calendar/time_interval.h"
#include "lib/base/result.h"
#include "lib/config/yaml.h"

namespace mailhub::calendar {

// All fail with kInvalid, naming place, field and what was expected. Names in any case.

Result<Range> ReadTimes(const config::Node& node);     // {start_time: "09:00", end_time: "17:00"}
Result<Range> ReadWeekdays(const config::Node& node);  // "saturday", "monday:friday"
Result<Range> ReadDaysOfMonth(const config::Node& node);  // "1:5", "-3:-1"
Result<Range> ReadMonths(const config::Node& node);       // "december", "may:august", "1:3"
Result<Range> ReadYears(const config::Node& node);        // "2027", "2027:2029"

}  // namespace mailhub::calendar
