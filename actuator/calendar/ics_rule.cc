// See ics_rule.h.
#include "actuator/calendar/ics_rule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <set>

#include "lib/base/lower.h"
#include "lib/base/printable.h"

namespace mailhub::calendar {
namespace {

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Of digits, at most nine.
int NumberOf(std::string_view digits) {
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

bool IsNumber(std::string_view text, int least, int most) {
  if (!IsDigits(text) || text.size() > 6) return false;
  const int number = NumberOf(text);
  return number >= least && number <= most;
}

// "-1", "29", "MO" or "-1SU".
bool IsListed(std::string_view one) {
  if (one.starts_with('-') || one.starts_with('+')) one.remove_prefix(1);
  const size_t digits = std::min(one.find_first_not_of("0123456789"), one.size());
  const std::string_view rest = one.substr(digits);
  const bool fine = digits == 0 || IsNumber(one.substr(0, digits), 0, 366);
  return fine && !one.empty() && (rest.empty() || rest.size() == 2);
}

bool IsList(std::string_view value) {
  while (true) {
    const size_t comma = std::min(value.find(','), value.size());
    if (!IsListed(value.substr(0, comma))) return false;
    if (comma == value.size()) return true;
    value.remove_prefix(comma + 1);
  }
}

bool IsFine(const std::string& key, std::string_view value) {
  if (key == "count") return IsNumber(value, 1, 100'000);
  if (key == "interval") return IsNumber(value, 1, 1'000);
  if (key == "until") return IsIcsDate(value) || IsIcsTime(value);
  if (key == "freq" || key == "wkst") return value.size() >= 2 && value.size() <= 8;
  constexpr std::array<std::string_view, 9> kLists = {"byday",    "bymonth",   "bymonthday",
                                                      "bysetpos", "byyearday", "byweekno",
                                                      "byhour",   "byminute",  "bysecond"};
  return std::ranges::find(kLists, key) != kLists.end() && IsList(value);
}

}  // namespace

bool IsIcsDate(std::string_view text, int first) {
  namespace chrono = std::chrono;
  if (text.size() != 8 || !IsDigits(text)) return false;
  const chrono::year_month_day date{
      chrono::year(NumberOf(text.substr(0, 4))),
      chrono::month(static_cast<unsigned>(NumberOf(text.substr(4, 2)))),
      chrono::day(static_cast<unsigned>(NumberOf(text.substr(6))))};
  return date.ok() && date.year() >= chrono::year(first) && date.year() <= chrono::year(2099);
}

bool IsIcsTime(std::string_view text, int first) {
  if (text.size() == 16 && text.back() == 'Z') text.remove_suffix(1);
  if (text.size() != 15 || text[8] != 'T' || !IsIcsDate(text.substr(0, 8), first)) return false;
  const std::string_view time = text.substr(9);
  return IsDigits(time) && NumberOf(time.substr(0, 2)) < 24 && NumberOf(time.substr(2, 2)) < 60 &&
         NumberOf(time.substr(4)) < 60;
}

std::string MistakeInRule(std::string_view value) {
  std::set<std::string> keys;
  while (true) {
    const std::string_view part = value.substr(0, std::min(value.find(';'), value.size()));
    const size_t equals = part.find('=');
    const std::string key = Lower(part.substr(0, std::min(equals, part.size())));
    if (equals == part.npos || !IsFine(key, part.substr(equals + 1))) {
      return "expected parts like FREQ=WEEKLY, COUNT up to 100000, INTERVAL up to 1000, UNTIL, and "
             "lists like BYDAY=-1SU with numbers up to 366; found \"" +
             Excerpt(std::string(part)) + "\"";
    }
    if (!keys.insert(key).second) return "two parts " + Excerpt(key);
    if (part.size() == value.size()) return "";
    value.remove_prefix(part.size() + 1);
  }
}

// As zones have them: "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", or the first such day from one of the month on. libical looks at
// each day of the year for others, from the first year on.
std::string MistakeInZoneRule(std::string_view value) {
  if (std::string mistake = MistakeInRule(value); !mistake.empty()) return mistake;
  const std::string rule = Lower(value) + ";";
  size_t begin = 0;
  std::map<std::string, std::string> parts;
  for (size_t end = 0; (end = rule.find(';', begin)) != rule.npos; begin = end + 1) {
    const size_t equals = rule.find('=', begin);
    parts[rule.substr(begin, equals - begin)] = rule.substr(equals + 1, end - equals - 1);
  }
  const auto commas = [&](const char* key) {
    return parts.contains(key) ? std::ranges::count(parts[key], ',') : 0;
  };
  bool fine = parts["freq"] == "yearly" && parts.contains("bymonth") && commas("bymonth") == 0 &&
              commas("byday") == 0 && commas("bymonthday") < 7;
  for (const auto& [key, of] : parts) {
    constexpr std::array<std::string_view, 8> kKnown = {
        "freq", "interval", "bymonth", "byday", "bymonthday", "until", "count", "wkst"};
    fine = fine && std::ranges::find(kKnown, key) != kKnown.end();
  }
  return fine ? "" : "expected a zone's rule like FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU";
}

}  // namespace mailhub::calendar
