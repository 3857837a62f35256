// See duration.h.
#include "lib/base/duration.h"

#include <array>
#include <cstdint>

#include "lib/base/printable.h"

namespace mailhub {
namespace {

struct Unit {
  std::string_view suffix;
  int64_t ms;
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 365LL * 86'400'000},
                                         {"w", 7LL * 86'400'000},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1000},
                                         {"ms", 1}}};
constexpr int64_t kLongestMs = 10 * kUnits[0].ms;

tl::unexpected<Error> Bad(std::string_view text) {
  return Fail(ErrorKind::kInvalid, "\"" + Excerpt(text) +
                                       "\" is not a duration: expected one like 90s, 15m or 1h30m, "
                                       "at most 10y");
}

}  // namespace

Result<Milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return Milliseconds(0);
  int64_t total_ms = 0;
  size_t next_unit = 0;
  size_t at = 0;
  if (text.empty()) return Bad(text);
  while (at < text.size()) {
    int64_t number = 0;
    const size_t first_digit = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      number = number * 10 + (text[at++] - '0');
      if (number > kLongestMs) return Bad(text);
    }
    if (at == first_digit) return Bad(text);
    const size_t first_letter = at;
    while (at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;
    const std::string_view suffix = text.substr(first_letter, at - first_letter);
    while (next_unit < kUnits.size() && kUnits[next_unit].suffix != suffix) ++next_unit;
    if (next_unit == kUnits.size() || number > kLongestMs / kUnits[next_unit].ms) return Bad(text);
    total_ms += number * kUnits[next_unit++].ms;
    if (total_ms > kLongestMs) return Bad(text);
  }
  return Milliseconds(total_ms);
}

std::string FormatDuration(Milliseconds duration) {
  int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string text = left < 0 ? "-" : "";
  if (left < 0) left = -left;
  for (const Unit& unit : kUnits) {
    if (unit.suffix == "y" || unit.suffix == "w") continue;
    if (left < unit.ms) continue;
    text += std::to_string(left / unit.ms) + std::string(unit.suffix);
    left %= unit.ms;
  }
  return text;
}

}  // namespace mailhub
