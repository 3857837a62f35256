// A moment of a period: a date, or a date and a time of day.
#pragma once

#include <optional>
#include <string_view>

#include "actuator/calendar/zone.h"

namespace mailhub::calendar {

struct Moment {
  LocalTime at;
  bool whole_day = false;  // without a time of day: `at` is its midnight
};

// "2027-01-04", "2027-01-04 08:30" or "2027-01-04T08:30", from 1971 to 2098, so that every zone's
// table has it; "24:00" is the next midnight. Nothing: anything else, or no such day.
std::optional<Moment> ParseMoment(std::string_view text);

// Minutes since midnight of "00:00" to "24:00".
std::optional<int> ParseTimeOfDay(std::string_view text);

}  // namespace mailhub::calendar
