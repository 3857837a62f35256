// See time_interval.h.
#include "actuator/calendar/time_interval.h"

#include <algorithm>
#include <chrono>

namespace mailhub::calendar {
namespace {

namespace chrono = std::chrono;

constexpr Range kWholeDay{0, 24 * 60};

bool OneHolds(const std::vector<Range>& ranges, int number) {
  return ranges.empty() ||
         std::ranges::any_of(ranges, [&](const Range& range) { return range.Holds(number); });
}

bool HoldsDay(const std::vector<Range>& ranges, int day, int days_in_month) {
  const auto from_front = [&](int number) {
    return number < 0 ? days_in_month + number + 1 : number;
  };
  return ranges.empty() || std::ranges::any_of(ranges, [&](const Range& range) {
           return Range{from_front(range.begin), from_front(range.end)}.Holds(day);
         });
}

bool HoldsDate(const TimeInterval& interval, chrono::local_days day) {
  const chrono::year_month_day date(day);
  const chrono::year_month_day_last last(date.year() / date.month() / chrono::last);
  return OneHolds(interval.years, static_cast<int>(date.year())) &&
         OneHolds(interval.months, static_cast<int>(static_cast<unsigned>(date.month()))) &&
         OneHolds(interval.weekdays, static_cast<int>(chrono::weekday(day).c_encoding())) &&
         HoldsDay(interval.days_of_month, static_cast<int>(static_cast<unsigned>(date.day())),
                  static_cast<int>(static_cast<unsigned>(last.day())));
}

}  // namespace

void AddSpans(const TimeInterval& interval, const Span& within, std::vector<Span>* spans) {
  for (const Zone::Era& era : interval.zone->Over(within)) {
    const WallTime begin = std::max(within.begin, era.span.begin);
    const WallTime end = std::min(within.end, era.span.end);
    const auto local = [&](WallTime at) { return LocalTime(at.time_since_epoch() + era.offset); };
    for (auto day = chrono::floor<chrono::days>(local(begin)); day < local(end);
         day += chrono::days(1)) {
      if (!HoldsDate(interval, day)) continue;
      const auto add = [&](const Range& minutes) {
        const WallTime midnight(LocalTime(day).time_since_epoch() - era.offset);
        const Span span{std::max(begin, midnight + chrono::minutes(minutes.begin)),
                        std::min(end, midnight + chrono::minutes(minutes.end))};
        if (span.begin < span.end) spans->push_back(span);
      };
      if (interval.times.empty()) add(kWholeDay);
      for (const Range& minutes : interval.times) add(minutes);
    }
  }
}

}  // namespace mailhub::calendar
