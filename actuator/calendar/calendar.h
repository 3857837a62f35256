// The calendar: named intervals, and when each of them holds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actuator/calendar/span.h"
#include "actuator/calendar/time_interval.h"
#include "actuator/calendar/zone.h"
#include "lib/base/result.h"
#include "lib/base/words.h"

namespace mailhub::calendar {

enum class Kind { kTimeInterval, kPeriod, kIcs };
constexpr auto WordsOf(Kind) {
  using enum Kind;
  return Vocabulary<Kind>({{kTimeInterval, "time_interval"}, {kPeriod, "period"}, {kIcs, "ics"}});
}

// What one name means: rules, or fixed spans.
struct Interval {
  std::string name;
  Kind kind = Kind::kTimeInterval;
  std::vector<TimeInterval> rules;
  Spans fixed;
  // Nothing is known of this interval before and after. An iCalendar file is written out for some
  // years only.
  Span known{kFirstKnown, kLastKnown};
  std::shared_ptr<const Zone> zone;  // in which sentences give its times; never null
};

// Immutable after it was read. Its functions do no I/O and may be called by several threads.
class Calendar {
 public:
  Calendar() = default;
  // Different names; `blackouts` are among them.
  Calendar(std::vector<Interval> intervals, std::vector<std::string> blackouts);

  // In the order of the file.
  const std::vector<Interval>& Intervals() const { return intervals_; }
  // The names that apply to every run of the site.
  const std::vector<std::string>& Blackouts() const { return blackouts_; }
  // Null: no interval has this name. Lives as long as the calendar.
  const Interval* Find(const std::string& name) const;

 private:
  std::vector<Interval> intervals_;
  std::vector<std::string> blackouts_;
};

// The parts of `within` in which the interval holds.
Spans SpansOf(const Interval& interval, const Span& within);
// Whether the moment is inside the interval; nothing: it is not known, because the moment is
// outside `interval.known`.
std::optional<bool> Inside(const Interval& interval, WallTime at);
// The zone whose days a person expects: of the first interval that is not in UTC; else UTC.
Zone DaysOf(const Calendar& calendar);

}  // namespace mailhub::calendar
