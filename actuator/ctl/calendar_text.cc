// See calendar_text.h.
#include "actuator/ctl/calendar_text.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actuator/ctl/text.h"
#include "lib/base/duration.h"

namespace mailhub::ctl {
namespace {

namespace chrono = std::chrono;

using calendar::Calendar;
using calendar::Interval;
using calendar::LocalTime;
using calendar::Span;
using calendar::Spans;

constexpr size_t kLongestName = 22;
constexpr size_t kMostTimes = 40;  // of one name; a picture says the rest
constexpr Milliseconds kFarther = chrono::days(400);

// The hours of one character: a day of a short view has room for each hour.
int HoursOfCell(const CalendarView& view) {
  return view.days <= 2 ? 1 : 4;
}

WallTime MidnightBefore(const CalendarView& view, int day) {
  return view.zone.Earliest(LocalTime(view.first + chrono::days(day)));
}

// "Fri 27".
std::string DayText(chrono::local_days day, size_t width) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  char text[16];
  std::snprintf(text, sizeof text, "%s %u", kDays[chrono::weekday(day).c_encoding()],
                static_cast<unsigned>(chrono::year_month_day(day).day()));
  std::string all = text;
  all.resize(width, ' ');
  return all;
}

std::string DateText(chrono::local_days day) {
  const chrono::year_month_day date(day);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

char CellOf(const Interval& interval, const Spans& spans, const Span& cell) {
  if (cell.begin >= cell.end) return ' ';  // the clocks skip all of it
  if (cell.begin < interval.known.begin || cell.end > interval.known.end) return '?';
  const Spans inside = calendar::Clip(spans, cell);
  if (inside.empty()) return '.';
  return inside.front() == cell ? '#' : '+';
}

std::string CellsOf(const CalendarView& view, int day, const Interval& interval,
                    const Spans& spans) {
  std::string cells;
  const int hours = HoursOfCell(view);
  const LocalTime midnight(view.first + chrono::days(day));
  for (int hour = 0; hour < 24; hour += hours) {
    const Span cell{view.zone.Earliest(midnight + chrono::hours(hour)),
                    view.zone.Earliest(midnight + chrono::hours(hour + hours))};
    cells += CellOf(interval, spans, cell);
  }
  return cells;
}

std::string NameColumn(const std::string& name) {
  std::string column = Shortened(name, kLongestName);
  column.resize(kLongestName + 2, ' ');
  return column;
}

bool IsBlackout(const Calendar& calendar, const Interval& interval) {
  return std::ranges::find(calendar.Blackouts(), interval.name) != calendar.Blackouts().end();
}

void AddTimes(const Calendar& calendar, const Interval& interval, const CalendarView& view,
              std::vector<std::string>* lines) {
  lines->push_back(interval.name +
                   (IsBlackout(calendar, interval) ? ", a blackout for every run:" : ":"));
  const Span within = view.Within();
  const Span wide{within.begin - kFarther, within.end + kFarther};
  size_t count = 0;
  for (const Span& span : calendar::SpansOf(interval, wide)) {
    if (span.end <= within.begin || span.begin >= within.end || ++count > kMostTimes) continue;
    const bool begins = span.begin > std::max(wide.begin, interval.known.begin);
    const bool ends = span.end < std::min(wide.end, interval.known.end);
    lines->push_back("  " + std::string(begins ? "" : "before ") + interval.zone->Text(span.begin) +
                     " to " + (ends ? "" : "after ") + interval.zone->Text(span.end) +
                     (begins && ends ? ", " + FormatDuration(span.end - span.begin) : ""));
  }
  if (count == 0) lines->push_back("  at no time");
  if (count > kMostTimes) {
    lines->push_back("  and " + std::to_string(count - kMostTimes) + " more");
  }
  if (within.begin < interval.known.begin || within.end > interval.known.end) {
    lines->push_back("  unknown before " + interval.zone->Text(interval.known.begin) +
                     " and from " + interval.zone->Text(interval.known.end) + " on");
  }
}

}  // namespace

Span CalendarView::Within() const {
  return {MidnightBefore(*this, 0), MidnightBefore(*this, days)};
}

std::string Rfc3339(WallTime at) {
  const auto day = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(chrono::floor<Seconds>(at - day));
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

std::vector<std::string> CalendarLines(const Calendar& calendar, const CalendarView& view) {
  const int hours = HoursOfCell(view);
  const size_t width = static_cast<size_t>(24 / hours);
  std::vector<std::string> lines = {"Days of " + view.zone.Name() + "; a character is " +
                                    std::to_string(hours) +
                                    "h: # holds, + in part, . not, ? unknown"};
  const Span within = view.Within();
  for (int week = 0; week < view.days; week += 7) {
    const int last = std::min(week + 7, view.days);
    lines.emplace_back();
    std::string head = NameColumn(DateText(view.first + chrono::days(week)));
    for (int day = week; day < last; ++day) {
      head += DayText(view.first + chrono::days(day), width) + " ";
    }
    lines.push_back(head.substr(0, head.find_last_not_of(' ') + 1));
    for (const Interval& interval : calendar.Intervals()) {
      const Spans spans = calendar::SpansOf(interval, within);
      std::string row = NameColumn(interval.name);
      for (int day = week; day < last; ++day) row += CellsOf(view, day, interval, spans) + " ";
      lines.push_back(row.substr(0, row.find_last_not_of(' ') + 1));
    }
  }
  lines.emplace_back();
  for (const Interval& interval : calendar.Intervals()) AddTimes(calendar, interval, view, &lines);
  return lines;
}

std::string CalendarJson(const Calendar& calendar, const CalendarView& view) {
  using Json = nlohmann::ordered_json;
  const Span within = view.Within();
  Json all = {{"from", Rfc3339(within.begin)},
              {"to", Rfc3339(within.end)},
              {"location", view.zone.Name()},
              {"intervals", Json::array()}};
  for (const Interval& interval : calendar.Intervals()) {
    Json spans = Json::array();
    for (const Span& span : calendar::SpansOf(interval, within)) {
      spans.push_back({{"begin", Rfc3339(span.begin)}, {"end", Rfc3339(span.end)}});
    }
    all["intervals"].push_back({{"name", interval.name},
                                {"kind", Name(interval.kind)},
                                {"location", interval.zone->Name()},
                                {"blackout", IsBlackout(calendar, interval)},
                                {"known_from", Rfc3339(interval.known.begin)},
                                {"known_to", Rfc3339(interval.known.end)},
                                {"spans", spans}});
  }
  return all.dump();
}

}  // namespace mailhub::ctl
