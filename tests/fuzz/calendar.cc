// The calendar's file, up to the next slot of a run.
#include <algorithm>
#include <string>

#include "actuator/calendar/calendar.h"
#include "actuator/calendar/read.h"
#include "actuator/calendar/suitable.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using calendar::Calendar;
using calendar::Interval;
using calendar::Opening;
using calendar::Span;
using calendar::Spans;
using calendar::Suitable;

constexpr char kPath[] = "/etc/mailhub/calendar.yml";
// The week in which London's clocks go back in 2027.
constexpr WallTime kNow{std::chrono::sys_days(std::chrono::year(2027) / 10 / 28)};
constexpr Milliseconds kHorizon = std::chrono::days(40);

void DemandSet(const Spans& spans, const Span& within) {
  WallTime last = within.begin - Milliseconds(1);
  for (const Span& span : spans) {
    Demand(span.begin < span.end && span.end <= within.end, "a span has a length, and its limits");
    Demand(last < span.begin, "spans are in order and do not touch");
    last = span.end;
  }
}

void DemandEdges(const Interval& interval, const Spans& spans, const Span& within) {
  for (const Span& span : spans) {
    Demand(Inside(interval, span.begin) == true, "a span's begin is inside", interval.name);
    Demand(Inside(interval, span.end - Milliseconds(1)) == true, "its last moment is",
           interval.name);
    if (span.end < within.end) {
      Demand(Inside(interval, span.end) == false, "its end is outside", interval.name);
    }
  }
}

// Whether one of them holds at the moment; a name is in the calendar.
bool OneHolds(const Calendar& calendar, const std::vector<std::string>& names, WallTime at) {
  return std::ranges::any_of(
      names, [&](const std::string& name) { return Inside(*calendar.Find(name), at) == true; });
}

void DemandFree(const Calendar& calendar, const Suitable& suitable, WallTime at) {
  Demand(suitable.windows.empty() || OneHolds(calendar, suitable.windows, at),
         "a slot is in a window");
  Demand(
      !OneHolds(calendar, suitable.blackouts, at) && !OneHolds(calendar, calendar.Blackouts(), at),
      "a slot is in no blackout");
}

void TryQuestion(const Calendar& calendar, const Suitable& suitable, Milliseconds needed) {
  const Opening opening = Ask(calendar, suitable, kNow, needed, {}, kHorizon);
  Demand(opening.now == opening.Sentence().empty(), "a run that may not start is told why");
  if (!opening.now) {
    Demand(!opening.why.empty() && !opening.next.empty(), "each part of it is said");
    for (const std::string& why : opening.why) DemandGoodMessage(why);
    DemandGoodMessage(opening.next);
  }
  if (!opening.slot) return;
  const WallTime begin = opening.slot->begin;
  Demand(begin >= kNow && begin <= kNow + kHorizon, "a slot begins within the horizon");
  Demand(!opening.slot->end || *opening.slot->end - begin >= needed, "a slot is long enough");
  DemandFree(calendar, suitable, begin);
  if (needed.count() == 0) return;
  DemandFree(calendar, suitable, begin + needed / 2);
  DemandFree(calendar, suitable, begin + needed - Milliseconds(1));
}

}  // namespace

void TryCalendar(std::string_view bytes) {
  const auto no_files = [](const std::string& path) -> Result<std::string> {
    return Fail(ErrorKind::kNotFound, path + ": No such file or directory");
  };
  const auto calendar = calendar::ParseCalendar(std::string(bytes), kPath, kNow, no_files);
  if (!calendar) {
    Demand(calendar.error().kind == ErrorKind::kInvalid, "a bad file is invalid");
    return DemandPlaced(calendar.error(), kPath, bytes);
  }
  const Span within{kNow, kNow + std::chrono::days(10)};
  std::vector<std::string> names;
  for (const Interval& interval : calendar->Intervals()) {
    const Spans spans = SpansOf(interval, within);
    DemandSet(spans, within);
    DemandEdges(interval, spans, within);
    Demand(calendar->Find(interval.name) == &interval, "names are unique", interval.name);
    if (names.size() < calendar::kMostNames) names.push_back(interval.name);
  }
  for (const Milliseconds needed : {Milliseconds(0), Milliseconds(5'400'000)}) {
    TryQuestion(*calendar, {names, {}}, needed);
    TryQuestion(*calendar, {{}, names}, needed);
  }
}

}  // namespace mailhub::fuzz
