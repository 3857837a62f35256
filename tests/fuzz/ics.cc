// An iCalendar file.
#include "actuator/calendar/ics.h"

#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using calendar::Span;

constexpr char kPath[] = "/etc/mailhub/a.ics";
constexpr Span kKnown{WallTime(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1)),
                      WallTime(std::chrono::sys_days(std::chrono::year(2029) / 1 / 1))};

// The same file with the other line ends.
std::string WithOtherLineEnds(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool pair = bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n';
    if (pair) continue;
    const bool was_pair = i > 0 && bytes[i - 1] == '\r';
    if (bytes[i] == '\n' && !was_pair) text += '\r';
    text += bytes[i];
  }
  return text;
}

}  // namespace

void TryIcs(std::string_view bytes) {
  const auto spans = calendar::ReadIcs(bytes, kPath, calendar::Zone(), kKnown);
  if (!spans) {
    Demand(spans.error().kind == ErrorKind::kInvalid, "a bad file is invalid");
    return DemandPlaced(spans.error(), kPath, bytes);
  }
  WallTime last = kKnown.begin - Milliseconds(1);
  for (const Span& span : *spans) {
    Demand(span.begin < span.end && span.end <= kKnown.end, "a span has a length, and its limits");
    Demand(last < span.begin, "spans are in order and do not touch");
    last = span.end;
  }
  const auto again = calendar::ReadIcs(WithOtherLineEnds(bytes), kPath, calendar::Zone(), kKnown);
  Demand(again && *again == *spans, "line ends do not matter");
}

}  // namespace mailhub::fuzz
