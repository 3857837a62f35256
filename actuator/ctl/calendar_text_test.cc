// The picture of a calendar, and its JSON.
#include "actuator/ctl/calendar_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::ctl {
namespace {

using calendar::Calendar;
using calendar::LoadZone;
using calendar::Utc;
using ::testing::Contains;

Calendar Ours() {
  return calendar::Parsed(R"(
time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: '20:00', end_time: '24:00'}, {start_time: '00:00', end_time: '06:00'}]
        location: Europe/London
  - name: A name that is too long for its column
    time_intervals: [{weekdays: [sunday], location: Europe/London}]
periods:
  - {name: Christmas, begin: 2026-12-24, end: 2027-01-03, location: Europe/London}
blackouts: [Christmas]
)");
}

CalendarView From(int year, unsigned month, unsigned day, int days) {
  return {std::chrono::local_days(std::chrono::year(year) / month / day), days,
          *LoadZone("Europe/London")};
}

std::string Lines(const Calendar& calendar, const CalendarView& view) {
  std::string all;
  for (const std::string& line : CalendarLines(calendar, view)) all += line + "\n";
  return all;
}

TEST(CalendarText, AWeekIsARowForEachName) {
  const std::string all = Lines(Ours(), From(2026, 12, 20, 8));
  EXPECT_EQ(all.substr(0, all.find("nights:")),
            R"(Days of Europe/London; a character is 4h: # holds, + in part, . not, ? unknown

2026-12-20              Sun 20 Mon 21 Tue 22 Wed 23 Thu 24 Fri 25 Sat 26
nights                  #+...# #+...# #+...# #+...# #+...# #+...# #+...#
A name that is too ...  ###### ...... ...... ...... ...... ...... ......
Christmas               ...... ...... ...... ...... ###### ###### ######

2026-12-27              Sun 27
nights                  #+...#
A name that is too ...  ######
Christmas               ######

)");
}

TEST(CalendarText, TimesHaveTheirTrueEnds) {
  const auto lines = CalendarLines(Ours(), From(2026, 12, 25, 1));
  EXPECT_THAT(lines, Contains("Christmas, a blackout for every run:"));
  EXPECT_THAT(lines, Contains("  2026-12-24 00:00 GMT to 2027-01-04 00:00 GMT, 11d"));
  EXPECT_THAT(lines, Contains("  2026-12-24 20:00 GMT to 2026-12-25 06:00 GMT, 10h"));
  EXPECT_THAT(lines, Contains("  at no time"));
}

TEST(CalendarText, AShortViewHasEachHour) {
  EXPECT_THAT(CalendarLines(Ours(), From(2026, 12, 23, 1)),
              Contains("nights                  ######..............####"));
}

TEST(CalendarText, TheChangeOfTheClocksKeepsTheColumns) {
  EXPECT_THAT(CalendarLines(Ours(), From(2027, 3, 28, 1)),
              Contains("nights                  # ####..............####"));
  EXPECT_THAT(CalendarLines(Ours(), From(2027, 10, 31, 1)),
              Contains("nights                  ######..............####"));
}

TEST(CalendarText, WhatNeverEndsIsSaid) {
  const Calendar always = calendar::Parsed("time_intervals: [{name: a, time_intervals: [{}]}]");
  EXPECT_THAT(
      CalendarLines(always, {std::chrono::local_days(std::chrono::year(2027) / 6 / 1), 1, {}}),
      Contains("  before 2026-04-27 00:00 UTC to after 2028-07-06 00:00 UTC"));
}

TEST(CalendarText, WhatIsUnknownIsSaid) {
  calendar::Interval term;
  term.name = "Term";
  term.known = {Utc("2026-11-01"), Utc("2026-12-01 12:00")};
  term.zone = std::make_shared<const calendar::Zone>();
  const auto lines = CalendarLines(
      Calendar({term}, {}), {std::chrono::local_days(std::chrono::year(2026) / 12 / 1), 3, {}});
  EXPECT_THAT(lines, Contains("Term                    ...??? ?????? ??????"));
  EXPECT_THAT(lines,
              Contains("  unknown before 2026-11-01 00:00 UTC and from 2026-12-01 12:00 UTC on"));
}

TEST(CalendarText, JsonHasTheSameInUtc) {
  const Calendar calendar = calendar::Parsed(
      "periods: [{name: Exams, begin: 2027-06-01, end: 2027-06-04, location: Europe/London}]");
  EXPECT_EQ(
      CalendarJson(calendar, From(2027, 6, 3, 7)),
      R"({"from":"2027-06-02T23:00:00Z","to":"2027-06-09T23:00:00Z","location":"Europe/London",)"
      R"("intervals":[{"name":"Exams","kind":"period","location":"Europe/London",)"
      R"("blackout":false,"known_from":"1970-01-01T00:00:00Z",)"
      R"("known_to":"2100-01-01T00:00:00Z",)"
      R"("spans":[{"begin":"2027-06-02T23:00:00Z","end":"2027-06-04T23:00:00Z"}]}]})");
}

}  // namespace
}  // namespace mailhub::ctl
