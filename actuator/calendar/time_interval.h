// Alertmanager's time intervals: rules about the clock on the wall. Pure.
#pragma once

#include <memory>
#include <vector>

#include "actuator/calendar/span.h"
#include "actuator/calendar/zone.h"

namespace mailhub::calendar {

// Both ends count.
struct Range {
  int begin = 0;
  int end = 0;

  bool Holds(int number) const { return begin <= number && number <= end; }
};

// A moment is inside if each list holds it; an empty list holds everything.
struct TimeInterval {
  std::vector<Range> times;          // minutes since midnight, 0 to 1440; here `end` does not count
  std::vector<Range> weekdays;       // 0 Sunday to 6 Saturday
  std::vector<Range> days_of_month;  // 1 to 31, or -31 to -1 counted from the month's end
  std::vector<Range> months;         // 1 to 12
  std::vector<Range> years;
  std::shared_ptr<const Zone> zone;  // never null
};

// Adds those parts of `within` that are inside the interval. Takes a few steps for each day. The
// clock on the wall decides: where it goes back, an hour may be inside twice; where it goes
// forward, a time that it skips is never inside.
void AddSpans(const TimeInterval& interval, const Span& within, std::vector<Span>* spans);

}  // namespace mailhub::calendar
