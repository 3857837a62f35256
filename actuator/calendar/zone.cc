// See zone.h. Abseil reads both forms of the time zone data: with all changes written out, and with
// a rule for later years.
#include "actuator/calendar/zone.h"

#include <absl/time/time.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "lib/base/printable.h"
#include "lib/config/names.h"

namespace mailhub::calendar {
namespace {

// No dot and no slash in front: the name becomes a file's path.
constexpr config::AllowList kZoneNames{"_+-/", "/+-0123456789", 64};

Zone::Era EraFrom(const absl::TimeZone& zone, absl::Time at) {
  const absl::TimeZone::CivilInfo info = zone.At(at);
  return {{FromUnixMs(absl::ToUnixMillis(at)), kLastKnown}, Seconds(info.offset), info.zone_abbr};
}

}  // namespace

Zone::Zone() : Zone("UTC", {{{kFirstKnown, kLastKnown}, Milliseconds(0), "UTC"}}) {}

Zone::Zone(std::string name, std::vector<Era> eras)
    : name_(std::move(name)), eras_(std::move(eras)) {}

const Zone::Era& Zone::At(WallTime at) const {
  const auto after =
      std::ranges::upper_bound(eras_, at, {}, [](const Era& era) { return era.span.begin; });
  return after == eras_.begin() ? eras_.front() : *std::prev(after);
}

std::vector<Zone::Era> Zone::Over(const Span& span) const {
  const auto first =
      std::ranges::upper_bound(eras_, span.begin, {}, [](const Era& era) { return era.span.end; });
  const auto last =
      std::ranges::lower_bound(eras_, span.end, {}, [](const Era& era) { return era.span.begin; });
  return first < last ? std::vector<Era>(first, last) : std::vector<Era>();
}

LocalTime Zone::ToLocal(WallTime at) const {
  return LocalTime(at.time_since_epoch() + At(at).offset);
}

WallTime Zone::Earliest(LocalTime local) const {
  for (const Era& era : eras_) {
    const WallTime at(local.time_since_epoch() - era.offset);
    // Before the era's begin: no earlier era had this time, so the clocks skipped it.
    if (at < era.span.end) return std::max(at, era.span.begin);
  }
  return kLastKnown;
}

WallTime Zone::Latest(LocalTime local) const {
  for (auto era = eras_.rbegin(); era != eras_.rend(); ++era) {
    const WallTime at(local.time_since_epoch() - era->offset);
    if (at >= era->span.begin) return std::min(at, era->span.end);
  }
  return kFirstKnown;
}

std::string Zone::Text(WallTime at) const {
  namespace chrono = std::chrono;
  const LocalTime local = ToLocal(at);
  const auto day = chrono::floor<chrono::days>(local);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(local - day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
  std::string all = text;
  if (time.seconds().count() != 0) {
    std::snprintf(text, sizeof text, ":%02d", static_cast<int>(time.seconds().count()));
    all += text;
  }
  return all + " " + At(at).abbreviation;
}

Result<Zone> LoadZone(const std::string& name) {
  if (name == "UTC") return Zone();
  const auto wrong = [&](const std::string& why) {
    return Fail(ErrorKind::kInvalid, "expected UTC or a time zone like Europe/London, found \"" +
                                         Excerpt(name) + "\"" + why);
  };
  if (name == "Local" || name == "localtime") {
    return wrong(": name the zone, so that the file means the same on each machine");
  }
  absl::TimeZone zone;
  if (!kZoneNames.Allows(name) || !absl::LoadTimeZone(name, &zone)) {
    return wrong(", which this machine's time zone data do not have");
  }
  std::vector<Zone::Era> eras;
  const absl::Time last = absl::FromUnixMillis(ToUnixMs(kLastKnown));
  absl::Time at = absl::FromUnixMillis(ToUnixMs(kFirstKnown));
  absl::TimeZone::CivilTransition change;
  while (at < last) {
    if (!eras.empty()) eras.back().span.end = FromUnixMs(absl::ToUnixMillis(at));
    eras.push_back(EraFrom(zone, at));
    if (!zone.NextTransition(at, &change)) break;
    const absl::Time next = zone.At(change.to).trans;
    if (next <= at) return Fail(ErrorKind::kInternal, "cannot follow the changes of " + name);
    at = next;
  }
  return Zone(name, std::move(eras));
}

}  // namespace mailhub::calendar
