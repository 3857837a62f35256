// See span.h.
#include "actuator/calendar/span.h"

#include <algorithm>

namespace mailhub::calendar {

Spans Union(std::vector<Span> spans) {
  std::erase_if(spans, [](const Span& span) { return span.begin >= span.end; });
  std::ranges::sort(spans, {}, &Span::begin);
  Spans all;
  for (const Span& span : spans) {
    if (!all.empty() && span.begin <= all.back().end) {
      all.back().end = std::max(all.back().end, span.end);
    } else {
      all.push_back(span);
    }
  }
  return all;
}

Spans Subtract(const Spans& from, const Spans& without) {
  Spans rest;
  auto next = without.begin();
  for (Span span : from) {
    while (next != without.end() && next->end <= span.begin) ++next;
    // `next` stays where it is: it may reach into the following span too.
    for (auto cut = next; cut != without.end() && cut->begin < span.end; ++cut) {
      if (span.begin < cut->begin) rest.push_back({span.begin, cut->begin});
      span.begin = std::max(span.begin, cut->end);
    }
    if (span.begin < span.end) rest.push_back(span);
  }
  return rest;
}

Spans Clip(const Spans& spans, const Span& limits) {
  Spans clipped;
  for (const Span& span : spans) {
    const Span part{std::max(span.begin, limits.begin), std::min(span.end, limits.end)};
    if (part.begin < part.end) clipped.push_back(part);
  }
  return clipped;
}

const Span* Holding(const Spans& spans, WallTime at) {
  const auto after = std::ranges::upper_bound(spans, at, {}, &Span::begin);
  if (after == spans.begin()) return nullptr;
  const Span& last = *std::prev(after);
  return last.Holds(at) ? &last : nullptr;
}

}  // namespace mailhub::calendar
