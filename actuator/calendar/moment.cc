// See moment.h.
#include "actuator/calendar/moment.h"

#include <chrono>

namespace mailhub::calendar {
namespace {

namespace chrono = std::chrono;

// The text is long enough.
std::optional<int> NumberAt(std::string_view text, size_t at, size_t digits) {
  int number = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

std::optional<chrono::local_days> DayOf(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = NumberAt(text, 0, 4);
  const auto month = NumberAt(text, 5, 2);
  const auto day = NumberAt(text, 8, 2);
  if (!year || !month || !day || *year < 1971 || *year > 2098) return std::nullopt;
  const chrono::year_month_day date{chrono::year(*year),
                                    chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return chrono::local_days(date);
}

}  // namespace

std::optional<Moment> ParseMoment(std::string_view text) {
  const auto day = DayOf(text.substr(0, 10));
  if (!day) return std::nullopt;
  if (text.size() == 10) return Moment{*day, true};
  if (text[10] != ' ' && text[10] != 'T') return std::nullopt;
  const auto minutes = ParseTimeOfDay(text.substr(11));
  if (!minutes) return std::nullopt;
  return Moment{*day + chrono::minutes(*minutes), false};
}

std::optional<int> ParseTimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = NumberAt(text, 0, 2);
  const auto minutes = NumberAt(text, 3, 2);
  if (!hours || !minutes || *minutes > 59 || *hours * 60 + *minutes > 24 * 60) return std::nullopt;
  return *hours * 60 + *minutes;
}

}  // namespace mailhub::calendar
