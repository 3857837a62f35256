// See ranges.h.
#include "actuator/calendar/ranges.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actuator/calendar/moment.h"
#include "lib/base/lower.h"
#include "lib/base/printable.h"
#include "lib/config/values.h"

namespace mailhub::calendar {
namespace {

using config::Node;

constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

// The words count from `first`.
std::optional<int> WordIn(std::span<const std::string_view> words, std::string_view text,
                          int first) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) return std::nullopt;
  return static_cast<int>(found - words.begin()) + first;
}

std::optional<int> NumberIn(std::string_view text, int least, int greatest) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < least || number > greatest) return std::nullopt;
  return number;
}

// "BEGIN:END", or one value for both.
template <typename Value>
Result<Range> ReadRange(const Node& node, Value value, std::string_view expected) {
  const auto read = config::ReadString(node);
  if (!read) return node.Expected(expected);
  const std::string text = Lower(*read);
  const size_t colon = text.find(':');
  const std::optional<int> begin = value(std::string_view(text).substr(0, colon));
  const std::optional<int> end =
      colon == text.npos ? begin : value(std::string_view(text).substr(colon + 1));
  if (!begin || !end) return node.Expected(expected);
  return Range{*begin, *end};
}

// For ranges whose ends can be compared.
template <typename Value>
Result<Range> ReadOrdered(const Node& node, Value value, std::string_view expected) {
  Result<Range> range = ReadRange(node, value, expected);
  if (range && range->begin > range->end) {
    return node.Invalid("expected a range whose end is not before its begin, found \"" +
                        Excerpt(node.Scalar()) + "\"; write two ranges instead");
  }
  return range;
}

Result<int> ReadMinutes(const Node& node) {
  constexpr std::string_view kExpected = "a time of day from 00:00 to 24:00, like \"09:00\"";
  if (!node.IsScalar()) return node.Expected(kExpected);
  if (const auto minutes = ParseTimeOfDay(node.Scalar())) return *minutes;
  return node.Expected(kExpected);
}

}  // namespace

Result<Range> ReadTimes(const Node& node) {
  if (const Status only = node.OnlyKeys({"start_time", "end_time"}); !only) {
    return Fail(only.error());
  }
  const auto start = ReadMinutes(node["start_time"]);
  if (!start) return Fail(start.error());
  const auto end = ReadMinutes(node["end_time"]);
  if (!end) return Fail(end.error());
  if (*start >= *end) {
    return node["end_time"].Invalid(
        "expected a time after start_time; a range over midnight is two: until \"24:00\", and "
        "from \"00:00\"");
  }
  return Range{*start, *end};
}

Result<Range> ReadWeekdays(const Node& node) {
  return ReadOrdered(
      node, [](std::string_view text) { return WordIn(kWeekdays, text, 0); },
      "a day from sunday to saturday, or a range like monday:friday");
}

Result<Range> ReadDaysOfMonth(const Node& node) {
  Result<Range> range = ReadRange(
      node,
      [](std::string_view text) {
        const auto day = NumberIn(text, -31, 31);
        return day == 0 ? std::nullopt : day;
      },
      "a day from 1 to 31, or from -31 to -1 counted from the month's end, or a range of them like "
      "1:5");
  if (!range) return range;
  if (range->begin < 0 && range->end > 0) {
    return node.Invalid("expected a negative end of a range with a negative begin, found \"" +
                        Excerpt(node.Scalar()) + "\"");
  }
  // The shortest month decides, as in Alertmanager.
  const auto in_february = [](int day) { return day < 0 ? 28 + day : day; };
  if (in_february(range->begin) > in_february(range->end)) {
    return node.Invalid("expected a range whose end is not before its begin, found \"" +
                        Excerpt(node.Scalar()) + "\"");
  }
  return range;
}

Result<Range> ReadMonths(const Node& node) {
  return ReadOrdered(
      node,
      [](std::string_view text) {
        const auto word = WordIn(kMonths, text, 1);
        return word ? word : NumberIn(text, 1, 12);
      },
      "a month from january to december or from 1 to 12, or a range like may:august");
}

Result<Range> ReadYears(const Node& node) {
  return ReadOrdered(
      node, [](std::string_view text) { return NumberIn(text, 1, 9'999); },
      "a year like 2027, or a range like 2027:2029");
}

}  // namespace mailhub::calendar
