// The two days of a year on which London's clocks change: 28 March 2027, when 01:00 to 02:00 does
// not exist, and 31 October 2027, when it exists twice. The clock on the wall decides.
#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::calendar {
namespace {

std::string In(const std::string& day, const std::string& start, const std::string& end) {
  const Calendar calendar = OneRule("{times: [{start_time: '" + start + "', end_time: '" + end +
                                    "'}], location: Europe/London}");
  return When(calendar, day + " 00:00", day + " 12:00");
}

TEST(Daylight, AWindowOverTheMissingHourIsShorter) {
  EXPECT_EQ(In("2027-03-28", "00:00", "06:00"), "2027-03-28 00:00 to 2027-03-28 05:00");
}

TEST(Daylight, AWindowThatBeginsInTheMissingHourBeginsWithTheChange) {
  EXPECT_EQ(In("2027-03-28", "01:30", "02:30"), "2027-03-28 01:00 to 2027-03-28 01:30");
}

TEST(Daylight, AWindowThatEndsInTheMissingHourEndsWithTheChange) {
  EXPECT_EQ(In("2027-03-28", "00:30", "01:30"), "2027-03-28 00:30 to 2027-03-28 01:00");
}

TEST(Daylight, AWindowWithinTheMissingHourDoesNotOpen) {
  EXPECT_EQ(In("2027-03-28", "01:15", "01:45"), "");
}

TEST(Daylight, AWindowOverTheDoubledHourIsLonger) {
  EXPECT_EQ(In("2027-10-31", "01:00", "06:00"), "2027-10-31 00:00 to 2027-10-31 06:00");
}

TEST(Daylight, AWindowThatBeginsInTheDoubledHourOpensTwice) {
  EXPECT_EQ(In("2027-10-31", "01:30", "02:30"),
            "2027-10-31 00:30 to 2027-10-31 01:00, 2027-10-31 01:30 to 2027-10-31 02:30");
}

TEST(Daylight, AWindowWithinTheDoubledHourOpensTwice) {
  EXPECT_EQ(In("2027-10-31", "01:15", "01:45"),
            "2027-10-31 00:15 to 2027-10-31 00:45, 2027-10-31 01:15 to 2027-10-31 01:45");
}

TEST(Daylight, AnOctoberDayHas25HoursAndAMarchDay23) {
  const Calendar calendar = OneRule(
      "{days_of_month: [-1], months: [10], location: Europe/London}, {days_of_month: [28], "
      "months: [3], location: Europe/London}");
  EXPECT_EQ(When(calendar, "2027-01-01", "2028-01-01"),
            "2027-03-28 00:00 to 2027-03-28 23:00, 2027-10-30 23:00 to 2027-11-01 00:00");
}

// Alertmanager 0.25 gives this month 30 days, because one hour is missing.
TEST(Daylight, TheLastDayOfMarchIsThe31st) {
  EXPECT_EQ(When(OneRule("{days_of_month: [-1], months: [3], location: Europe/London}"),
                 "2027-01-01", "2028-01-01"),
            "2027-03-30 23:00 to 2027-03-31 23:00");
}

TEST(Daylight, APeriodCoversTheDoubledHourOnBothSides) {
  const Calendar calendar = Parsed(
      "periods:\n"
      "  - {name: from, begin: 2027-10-31 01:30, end: 2027-10-31 03:00, location: Europe/London}\n"
      "  - {name: to, begin: 2027-10-31 00:00, end: 2027-10-31 01:30, location: Europe/London}\n");
  EXPECT_EQ(When(calendar, "2027-01-01", "2028-01-01", "from"),
            "2027-10-31 00:30 to 2027-10-31 03:00");
  EXPECT_EQ(When(calendar, "2027-01-01", "2028-01-01", "to"),
            "2027-10-30 23:00 to 2027-10-31 01:30");
}

TEST(Daylight, APeriodInTheMissingHourBeginsAndEndsWithTheChange) {
  const Calendar calendar = Parsed(
      "periods:\n"
      "  - {name: from, begin: 2027-03-28 01:30, end: 2027-03-28 03:00, location: Europe/London}\n"
      "  - {name: to, begin: 2027-03-28 00:00, end: 2027-03-28 01:30, location: Europe/London}\n");
  EXPECT_EQ(When(calendar, "2027-01-01", "2028-01-01", "from"),
            "2027-03-28 01:00 to 2027-03-28 02:00");
  EXPECT_EQ(When(calendar, "2027-01-01", "2028-01-01", "to"),
            "2027-03-28 00:00 to 2027-03-28 01:00");
}

// Samoa had no 30 December 2011.
TEST(Daylight, AWholeDayMayBeMissing) {
  EXPECT_EQ(
      When(OneRule("{days_of_month: [30], location: Pacific/Apia}"), "2011-12-02", "2012-01-01"),
      "");
}

}  // namespace
}  // namespace mailhub::calendar
