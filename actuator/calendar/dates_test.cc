// Rules about dates: the examples of Alertmanager's documentation, and the ends of months and years.
#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::calendar {
namespace {

TEST(Dates, ARuleWithoutAKeyHoldsAlways) {
  EXPECT_EQ(When(OneRule("{}"), "2027-02-01", "2027-03-01"),
            "2027-02-01 00:00 to 2027-03-01 00:00");
}

TEST(Dates, AnEndTimeDoesNotCount) {
  const Calendar calendar = OneRule("{times: [{start_time: '17:00', end_time: '24:00'}]}");
  EXPECT_EQ(When(calendar, "2027-02-01", "2027-02-03"),
            "2027-02-01 17:00 to 2027-02-02 00:00, 2027-02-02 17:00 to 2027-02-03 00:00");
  const Interval& it = *calendar.Find("it");
  EXPECT_EQ(Inside(it, Utc("2027-02-01 17:00") - Milliseconds(1)), false);
  EXPECT_EQ(Inside(it, Utc("2027-02-01 17:00")), true);
  EXPECT_EQ(Inside(it, Utc("2027-02-02 00:00") - Milliseconds(1)), true);
  EXPECT_EQ(Inside(it, Utc("2027-02-02 00:00")), false);
}

TEST(Dates, WeekdaysAreNamesAndRanges) {
  // The 1st of February 2027 is a Monday.
  EXPECT_EQ(When(OneRule("{weekdays: ['monday:wednesday', 'saturday', 'sunday']}"), "2027-02-01",
                 "2027-02-09"),
            "2027-02-01 00:00 to 2027-02-04 00:00, 2027-02-06 00:00 to 2027-02-09 00:00");
  EXPECT_EQ(When(OneRule("{weekdays: [Sunday]}"), "2027-02-01", "2027-02-09"),
            "2027-02-07 00:00 to 2027-02-08 00:00");
}

TEST(Dates, DaysOfAMonthCountFromBothEnds) {
  EXPECT_EQ(When(OneRule("{days_of_month: ['1:5', '-3:-1']}"), "2027-01-01", "2027-03-01"),
            "2027-01-01 00:00 to 2027-01-06 00:00, 2027-01-29 00:00 to 2027-02-06 00:00, "
            "2027-02-26 00:00 to 2027-03-01 00:00");
  EXPECT_EQ(When(OneRule("{days_of_month: [-1]}"), "2027-01-01", "2027-02-01"),
            "2027-01-31 00:00 to 2027-02-01 00:00");
}

TEST(Dates, DaysThatAMonthDoesNotHaveAreCutOff) {
  EXPECT_EQ(
      When(OneRule("{days_of_month: ['1:31'], months: [february]}"), "2027-01-01", "2029-01-01"),
      "2027-02-01 00:00 to 2027-03-01 00:00, 2028-02-01 00:00 to 2028-03-01 00:00");
  EXPECT_EQ(When(OneRule("{days_of_month: ['30:31']}"), "2027-02-01", "2027-05-01"),
            "2027-03-30 00:00 to 2027-04-01 00:00, 2027-04-30 00:00 to 2027-05-01 00:00");
  EXPECT_EQ(When(OneRule("{days_of_month: ['-31:-29']}"), "2027-02-01", "2027-04-01"),
            "2027-03-01 00:00 to 2027-03-04 00:00");
  EXPECT_EQ(When(OneRule("{days_of_month: ['27:-1']}"), "2027-02-01", "2027-04-01"),
            "2027-02-27 00:00 to 2027-03-01 00:00, 2027-03-27 00:00 to 2027-04-01 00:00");
}

TEST(Dates, MonthsAreNamesNumbersAndRanges) {
  EXPECT_EQ(
      When(OneRule("{months: ['1:3', 'may:august', 'December']}"), "2027-01-01", "2028-01-01"),
      "2027-01-01 00:00 to 2027-04-01 00:00, 2027-05-01 00:00 to 2027-09-01 00:00, "
      "2027-12-01 00:00 to 2028-01-01 00:00");
}

TEST(Dates, YearsAreNumbersAndRanges) {
  EXPECT_EQ(When(OneRule("{years: ['2020:2022', '2030']}"), "2019-01-01", "2032-01-01"),
            "2020-01-01 00:00 to 2023-01-01 00:00, 2030-01-01 00:00 to 2031-01-01 00:00");
}

TEST(Dates, ALocationMovesTheHours) {
  EXPECT_EQ(When(OneRule("{times: [{start_time: 09:00, end_time: 17:00}], weekdays: "
                         "['monday:friday'], location: Australia/Sydney}"),
                 "2027-02-06", "2027-02-09"),
            "2027-02-07 22:00 to 2027-02-08 06:00, 2027-02-08 22:00 to 2027-02-09 00:00");
}

TEST(Dates, ALeapYearHasItsDay) {
  EXPECT_EQ(When(OneRule("{days_of_month: [29], months: [2]}"), "2027-01-01", "2033-01-01"),
            "2028-02-29 00:00 to 2028-03-01 00:00, 2032-02-29 00:00 to 2032-03-01 00:00");
  EXPECT_EQ(When(OneRule("{days_of_month: [-1], months: [2]}"), "2027-01-01", "2029-01-01"),
            "2027-02-28 00:00 to 2027-03-01 00:00, 2028-02-29 00:00 to 2028-03-01 00:00");
}

TEST(Dates, NewYearIsNoGap) {
  EXPECT_EQ(When(OneRule("{months: [12], days_of_month: [31], years: [2027]}, {months: [1], "
                         "days_of_month: [1], years: [2028]}"),
                 "2027-01-01", "2029-01-01"),
            "2027-12-31 00:00 to 2028-01-02 00:00");
  // 2028 begins in Kiritimati while UTC has the 31st.
  EXPECT_EQ(
      When(OneRule("{years: [2028], location: Pacific/Kiritimati}"), "2027-12-31", "2028-01-02"),
      "2027-12-31 10:00 to 2028-01-02 00:00");
}

TEST(Dates, SeveralRulesAreOneInterval) {
  EXPECT_EQ(When(OneRule("{times: [{start_time: '00:00', end_time: '06:00'}, {start_time: '20:00', "
                         "end_time: '24:00'}]}, {weekdays: [saturday, sunday]}"),
                 "2027-02-05 12:00", "2027-02-08 12:00"),
            "2027-02-05 20:00 to 2027-02-08 06:00");
}

TEST(Dates, APeriodOfDatesHasItsLastDay) {
  const Calendar calendar = Parsed(
      "periods:\n"
      "  - {name: Christmas, begin: 2026-12-24, end: 2027-01-03, location: Europe/London}\n"
      "  - {name: one day, begin: 2027-07-01, end: 2027-07-01, location: Europe/London}\n"
      "  - {name: hours, begin: '2027-07-01 09:00', end: 2027-07-01T17:30}\n");
  EXPECT_EQ(When(calendar, "2026-01-01", "2028-01-01", "Christmas"),
            "2026-12-24 00:00 to 2027-01-04 00:00");
  EXPECT_EQ(When(calendar, "2026-01-01", "2028-01-01", "one day"),
            "2027-06-30 23:00 to 2027-07-01 23:00");
  EXPECT_EQ(When(calendar, "2026-01-01", "2028-01-01", "hours"),
            "2027-07-01 09:00 to 2027-07-01 17:30");
}

TEST(Dates, NothingIsKnownOutsideTheTables) {
  const Calendar calendar = OneRule("{}");
  EXPECT_EQ(Inside(*calendar.Find("it"), Utc("1971-01-01") - std::chrono::days(400)), std::nullopt);
  EXPECT_EQ(Inside(*calendar.Find("it"), Utc("2098-12-31") + std::chrono::days(400)), std::nullopt);
}

}  // namespace
}  // namespace mailhub::calendar
