// Spans of time, and the three operations on sets of them.
#pragma once

#include <vector>

#include "lib/base/clock.h"

namespace mailhub::calendar {

// Begins at `begin` and ends just before `end`.
struct Span {
  WallTime begin;
  WallTime end;

  bool operator==(const Span&) const = default;
  bool Holds(WallTime at) const { return begin <= at && at < end; }
};

// In order, none empty, none touches the next one. The functions below return such a set.
using Spans = std::vector<Span>;

// Takes spans in any order; empty ones count for nothing.
Spans Union(std::vector<Span> spans);
// What of `from` is in no span of `without`.
Spans Subtract(const Spans& from, const Spans& without);
// What of `spans` is within `limits`.
Spans Clip(const Spans& spans, const Span& limits);
// The span that holds the moment; null: none does. Points into `spans`.
const Span* Holding(const Spans& spans, WallTime at);

}  // namespace mailhub::calendar
