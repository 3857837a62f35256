// When may a run start? The answer, with the sentences that a person reads. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/calendar/calendar.h"
#include "actuator/calendar/span.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::calendar {

// How far ahead a time is looked for, unless the caller says otherwise.
inline constexpr Milliseconds kHorizon = std::chrono::days(400);
// So many names may be in one Suitable.
inline constexpr size_t kMostNames = 16;

// What a run needs, by names of the calendar. No windows: any time. The site's blackouts apply
// besides.
struct Suitable {
  std::vector<std::string> windows;
  std::vector<std::string> blackouts;
};

// A free time that is long enough.
struct Slot {
  WallTime begin;               // never before the moment that was asked about
  std::optional<WallTime> end;  // nothing: it does not end within the time that was looked at

  bool operator==(const Slot&) const = default;
};

struct Opening {
  bool now = false;          // the run may start, and fits
  std::optional<Slot> slot;  // this one, or the next; nothing: none was found
  // Why not now, one sentence each, without a full stop: "window «nights» is closed until
  // 2026-11-30 20:00 GMT". Empty if `now`.
  std::vector<std::string> why;
  // "next slot: 2026-11-30 20:00 GMT to 2026-12-01 06:00 GMT", or that none was found and how far
  // was looked. Empty if `now`.
  std::string next;

  // All of it in one line.
  std::string Sentence() const;
};

// kInvalid: a name that the calendar does not have, or more than kMostNames of one kind.
Status Check(const Calendar& calendar, const Suitable& suitable);

// Whether a run that needs the time `needed` may start at `now`; else the next slot. A slot is
// inside one window at least throughout (windows that touch or overlap count as one), and in no
// blackout and in no span of `occupied`, which is the time of other runs, in any order. A slot that
// begins later than `horizon` after `now` is not found.
//
// What is not known is no slot: a name that the calendar does not have, or a time for which an
// interval is not known; `why` says so. Work: some steps for each day of the horizon and each rule
// of the names.
Opening Ask(const Calendar& calendar, const Suitable& suitable, WallTime now, Milliseconds needed,
            const std::vector<Span>& occupied, Milliseconds horizon = kHorizon);

}  // namespace mailhub::calendar
