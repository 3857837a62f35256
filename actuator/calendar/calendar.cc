// See calendar.h.
#include "actuator/calendar/calendar.h"

#include <algorithm>
#include <utility>

namespace mailhub::calendar {

Calendar::Calendar(std::vector<Interval> intervals, std::vector<std::string> blackouts)
    : intervals_(std::move(intervals)), blackouts_(std::move(blackouts)) {}

const Interval* Calendar::Find(const std::string& name) const {
  const auto found = std::ranges::find(intervals_, name, &Interval::name);
  return found == intervals_.end() ? nullptr : &*found;
}

Spans SpansOf(const Interval& interval, const Span& within) {
  const Span known{std::max(within.begin, interval.known.begin),
                   std::min(within.end, interval.known.end)};
  std::vector<Span> spans = Clip(interval.fixed, known);
  for (const TimeInterval& rule : interval.rules) AddSpans(rule, known, &spans);
  return Union(std::move(spans));
}

std::optional<bool> Inside(const Interval& interval, WallTime at) {
  if (!interval.known.Holds(at)) return std::nullopt;
  return !SpansOf(interval, {at, at + Milliseconds(1)}).empty();
}

Zone DaysOf(const Calendar& calendar) {
  for (const Interval& interval : calendar.Intervals()) {
    if (interval.zone->Name() != "UTC") return *interval.zone;
  }
  return Zone();
}

}  // namespace mailhub::calendar
