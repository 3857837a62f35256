// See calendar_commands.h.
#include "actuator/ctl/calendar_commands.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "actuator/calendar/moment.h"
#include "actuator/calendar/read.h"
#include "actuator/ctl/calendar_days.h"
#include "actuator/ctl/calendar_model.h"
#include "actuator/ctl/calendar_text.h"
#include "actuator/ctl/output.h"
#include "lib/base/counted.h"
#include "lib/base/printable.h"

namespace mailhub::ctl {
namespace {

using calendar::Calendar;
using calendar::Interval;
using calendar::Kind;
using calendar::Zone;

Result<Zone> ZoneFor(const Calendar& calendar, const std::string& location) {
  if (!location.empty()) return calendar::LoadZone(location);
  return calendar::DaysOf(calendar);
}

// The date, or today in the zone. Nothing: no date that the tables have, with all that is shown.
std::optional<std::chrono::local_days> FirstDay(const std::string& from, const Zone& zone,
                                                WallTime now) {
  if (from.empty()) return std::chrono::floor<std::chrono::days>(zone.ToLocal(now));
  const auto moment = calendar::ParseMoment(from);
  if (!moment || !moment->whole_day) return std::nullopt;
  return std::chrono::floor<std::chrono::days>(moment->at);
}

Error NoDay(const std::string& from) {
  return {ErrorKind::kInvalid,
          "--from: expected a date like 2027-01-04, from 1971 to 2098, found \"" + from + "\""};
}

// This machine need not have the zone of the actuator's calendar.
Result<Zone> ZoneFor(const LiveCalendar& live, const std::string& location) {
  auto zone = calendar::LoadZone(location.empty() ? live.location : location);
  if (zone || !location.empty()) return zone;
  std::fprintf(stderr, "mailhubctl: the days are those of UTC: %s\n",
               Printable(zone.error().message).c_str());
  return Zone();
}

}  // namespace

int CalendarCheck(const std::string& file, WallTime now) {
  const auto calendar = calendar::LoadCalendar(file, now);
  if (!calendar) return Complain(calendar.error());
  const auto count = [&](Kind kind) {
    return static_cast<size_t>(std::ranges::count(calendar->Intervals(), kind, &Interval::kind));
  };
  Out(Printable(file) + ": " + Counted(count(Kind::kTimeInterval), "time interval") + ", " +
      Counted(count(Kind::kPeriod), "period") + ", " +
      Counted(count(Kind::kIcs), "iCalendar file") + ", " +
      Counted(calendar->Blackouts().size(), "blackout") + " for every run, no mistake\n");
  return 0;
}

int CalendarShow(const std::string& file, const std::string& from, int days,
                 const std::string& location, Format format, WallTime now) {
  const auto calendar = calendar::LoadCalendar(file, now);
  if (!calendar) return Complain(calendar.error());
  auto zone = ZoneFor(*calendar, location);
  if (!zone) return Complain({ErrorKind::kInvalid, "--location: " + zone.error().message});
  const auto first = FirstDay(from, *zone, now);
  if (!first) return Complain(NoDay(from));
  const CalendarView view{*first, days, *std::move(zone)};
  if (format == Format::kJson) return OutJson(CalendarJson(*calendar, view));
  OutLines(CalendarLines(*calendar, view));
  return 0;
}

int CalendarLive(ApiClient& api, const std::string& from, int days, const std::string& location,
                 Format format) {
  // Which days these are depends on the calendar's zone, so that is asked for first.
  const auto some = api.Get("/api/v1/calendar");
  if (!some) return Complain(some.error());
  const auto begun = ParseCalendar(*some);
  if (!begun) return Complain(begun.error());
  auto zone = ZoneFor(*begun, location);
  if (!zone) return Complain({ErrorKind::kInvalid, "--location: " + zone.error().message});
  const auto first = FirstDay(from, *zone, begun->now);
  if (!first) return Complain(NoDay(from));
  const CalendarView view{*first, days, *std::move(zone)};
  const calendar::Span within = view.Within();
  const auto data = api.Get("/api/v1/calendar",
                            {{"since", Rfc3339(within.begin)}, {"until", Rfc3339(within.end)}});
  return Print(data, format, ParseCalendar,
               [&](const LiveCalendar& live) { OutLines(CalendarDays(live, view)); });
}

}  // namespace mailhub::ctl
