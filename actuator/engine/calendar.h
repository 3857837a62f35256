// When a run may start: the engine's question to a calendar of windows and blackouts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// Names of the calendar. A run starts only while one of `windows` is open (without any: at any time)
// and none of `blackouts` lasts. A calendar may have further blackouts for all runs.
struct Suitable {
  std::vector<std::string> windows;
  std::vector<std::string> blackouts;

  bool operator==(const Suitable&) const = default;
};

// A span of wall time, without its end.
struct Span {
  WallTime begin;
  WallTime end;

  bool operator==(const Span&) const = default;
};

// Time to reserve for a run, and its origin, for people.
struct Needed {
  Milliseconds time{0};  // 0: unknown
  std::string from;
};

struct Opening {
  bool now = false;               // it may start now, and its time is enough
  std::optional<WallTime> begin;  // else: when it may; nothing: never, as far as the calendar looks
  std::string why;                // else: what is in the way, and until when; for people
};

// One name of a calendar, and when it holds in the time that was asked about.
struct NamedTime {
  std::string name;
  std::string kind;      // the calendar's word for what defines it
  std::string location;  // its time zone
  bool for_all = false;  // a blackout for every run
  Span known;            // nothing is known of it before and after
  std::vector<Span> spans;
};

// Immutable. Pure: no I/O, safe to call from any thread. A reload brings a new one.
class Calendar {
 public:
  virtual ~Calendar() = default;

  // Whether something that takes `needed` may start at `now`: it must fit into what is left of the
  // window, before the next blackout, and beside each of `occupied`. 0: it only starts. An unknown
  // name counts as never suitable.
  virtual Opening Ask(const Suitable& suitable, WallTime now, Milliseconds needed,
                      const std::vector<Span>& occupied) const = 0;
  // kNotFound, with the names that there are.
  virtual Status Knows(const std::string& name) const = 0;
  // All its names, in their order. Spans are cut at both ends of `within`.
  virtual std::vector<NamedTime> List(const Span& within) const = 0;
  // The time zone whose days people expect.
  virtual std::string Location() const = 0;
};

}  // namespace mailhub::engine
