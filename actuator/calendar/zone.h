// Time zones as tables, so that later use needs no file. Only zone.cc includes Abseil, which reads
// the system's time zone data.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "actuator/calendar/span.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::calendar {

// A clock on the wall: the time since 1970-01-01 00:00 as the zone's clocks show it.
using LocalTime = std::chrono::local_time<Milliseconds>;

// What the tables hold: from 1970 to the end of 2099. Times outside are unknown.
inline constexpr WallTime kFirstKnown{Milliseconds{0}};
inline constexpr WallTime kLastKnown{std::chrono::sys_days(std::chrono::year(2100) / 1 / 1)};

// Immutable; may be used by several threads. Copies are deep: some hundred rows.
class Zone {
 public:
  // A stretch of time with one distance to UTC; `local` is the same stretch on the wall.
  struct Era {
    Span span;
    Milliseconds offset;       // local time minus UTC
    std::string abbreviation;  // "GMT", "+0545"
  };

  // UTC.
  Zone();
  // `eras` in order, without gaps, from kFirstKnown to kLastKnown.
  Zone(std::string name, std::vector<Era> eras);

  const std::string& Name() const { return name_; }
  // The era that holds the moment; the nearest one for a moment outside the tables.
  const Era& At(WallTime at) const;
  // All eras that overlap the span.
  std::vector<Era> Over(const Span& span) const;
  LocalTime ToLocal(WallTime at) const;

  // A local time may exist twice (clocks went back) or not at all (forward). Twice: the earlier or
  // the later moment. Not at all: the moment of the change.
  WallTime Earliest(LocalTime local) const;
  WallTime Latest(LocalTime local) const;

  // "2026-11-30 20:00 GMT"; seconds only if they are not 0.
  std::string Text(WallTime at) const;

 private:
  std::string name_;
  std::vector<Era> eras_;
};

// The table of an IANA name such as "Europe/London", or of "UTC". kInvalid without a place: no such
// name, or "Local": the file must mean the same on each machine. Reads the system's data at the
// first use of a name; a change of the data counts after the program's restart.
Result<Zone> LoadZone(const std::string& name);

}  // namespace mailhub::calendar
