// See rfc3339.h. The calendar is the standard library's; g++ 12 lacks its parser.
#include "actuator/webhook/rfc3339.h"

#include <chrono>
#include <cstddef>
#include <string>

#include "lib/base/printable.h"

namespace mailhub::webhook {
namespace {

// Reads the text from the front; after the first mismatch everything fails.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  int Number(size_t digits, int least, int greatest) {
    int number = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!IsDigit()) return Bad();
      number = number * 10 + (text_[at_++] - '0');
    }
    return number < least || number > greatest ? Bad() : number;
  }
  void Take(char c) {
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
    } else {
      good_ = false;
    }
  }
  bool Sees(char c) const { return at_ < text_.size() && text_[at_] == c; }
  // Milliseconds of ".739266876"; 0 when there is no fraction.
  int FractionMs() {
    if (!Sees('.')) return 0;
    ++at_;
    if (!IsDigit()) return Bad();
    int ms = 0;
    int digits = 0;
    for (; IsDigit(); ++at_, ++digits) {
      if (digits < 3) ms = ms * 10 + (text_[at_] - '0');
    }
    for (; digits < 3; ++digits) ms *= 10;
    return ms;
  }
  bool AtEnd() const { return good_ && at_ == text_.size(); }

 private:
  bool IsDigit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }
  int Bad() {
    good_ = false;
    return 0;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool good_ = true;
};

}  // namespace

Result<WallTime> ParseRfc3339(std::string_view text) {
  namespace chrono = std::chrono;
  Cursor cursor(text);
  const int year = cursor.Number(4, 1, 9999);
  cursor.Take('-');
  const int month = cursor.Number(2, 1, 12);
  cursor.Take('-');
  const int day = cursor.Number(2, 1, 31);
  cursor.Take('T');
  const int hour = cursor.Number(2, 0, 23);
  cursor.Take(':');
  const int minute = cursor.Number(2, 0, 59);
  cursor.Take(':');
  const int second = cursor.Number(2, 0, 60);
  const int ms = cursor.FractionMs();
  chrono::minutes offset{0};
  if (cursor.Sees('Z')) {
    cursor.Take('Z');
  } else {
    const int sign = cursor.Sees('-') ? -1 : 1;
    cursor.Take(sign < 0 ? '-' : '+');
    const int offset_hours = cursor.Number(2, 0, 23);
    cursor.Take(':');
    offset = chrono::minutes(sign * (offset_hours * 60 + cursor.Number(2, 0, 59)));
  }
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!cursor.AtEnd() || !date.ok()) {
    return Fail(ErrorKind::kInvalid, "\"" + Excerpt(text, 60) +
                                         "\" is not a time: expected one like "
                                         "2018-08-03T09:52:26.739Z");
  }
  const Milliseconds since_midnight = chrono::hours(hour) + chrono::minutes(minute) +
                                      chrono::seconds(second) + Milliseconds(ms) - offset;
  const chrono::sys_days midnight(date);
  return WallTime(Milliseconds(midnight.time_since_epoch()) + since_midnight);
}

}  // namespace mailhub::webhook
