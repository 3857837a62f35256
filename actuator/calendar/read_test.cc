// What the calendar's file may hold. A refusal names place, field and the expected value.
#include "actuator/calendar/read.h"

#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::calendar {
namespace {

std::string WhyNot(const std::string& text) {
  const auto calendar = ParseCalendar(text, "calendar.yml", Utc("2026-11-27"), NoFiles);
  if (calendar) return "accepted";
  EXPECT_EQ(calendar.error().kind, ErrorKind::kInvalid);
  return calendar.error().message;
}

std::string WhyNotRule(const std::string& rule) {
  return WhyNot("time_intervals:\n- name: it\n  time_intervals:\n  - " + rule + "\n");
}

TEST(Read, AFileOfAlertmanagersFormAndPeriods) {
  const Calendar calendar = Parsed(R"(
time_intervals:
  - name: nights
    time_intervals:
      - times:
          - start_time: 20:00
            end_time: "24:00"
          - start_time: '00:00'
            end_time: 06:00
        weekdays: ['monday:friday']
        location: Europe/London
      - weekdays: [saturday, sunday]
        location: Europe/London
periods:
  - {name: Student registrations 2027, begin: 2027-01-04, end: 2027-01-22, location: Europe/London}
  - {name: Christmas, begin: 2026-12-24, end: 2027-01-03}
blackouts: [Christmas]
)");
  ASSERT_EQ(calendar.Intervals().size(), 3u);
  const Interval* nights = calendar.Find("nights");
  ASSERT_NE(nights, nullptr);
  EXPECT_EQ(nights->kind, Kind::kTimeInterval);
  EXPECT_EQ(nights->rules.size(), 2u);
  EXPECT_EQ(nights->zone->Name(), "Europe/London");
  EXPECT_EQ(calendar.Find("Christmas")->kind, Kind::kPeriod);
  EXPECT_EQ(calendar.Find("Christmas")->zone->Name(), "UTC");
  EXPECT_EQ(calendar.Blackouts(), std::vector<std::string>{"Christmas"});
  EXPECT_EQ(calendar.Find("christmas"), nullptr);
}

TEST(Read, UnknownKeysAreRefused) {
  EXPECT_EQ(WhyNot("mute_time_intervals: []"),
            "calendar.yml:1:1: mute_time_intervals: unknown key; expected one of: time_intervals, "
            "periods, ics, blackouts");
  EXPECT_EQ(WhyNotRule("{weekday: [monday]}"),
            "calendar.yml:4:6: time_intervals[0].time_intervals[0].weekday: unknown key; expected "
            "one of: times, weekdays, days_of_month, months, years, location");
}

TEST(Read, TimesOfDay) {
  const auto why_not = [](const std::string& start, const std::string& end) {
    return WhyNotRule("times: [{start_time: '" + start + "', end_time: '" + end + "'}]");
  };
  EXPECT_EQ(why_not("00:00", "24:00"), "accepted");
  EXPECT_EQ(why_not("09:00", "24:01"),
            "calendar.yml:4:45: time_intervals[0].time_intervals[0].times[0].end_time: expected a "
            "time of day from 00:00 to 24:00, like \"09:00\", found \"24:01\"");
  for (const char* bad :
       {"9:00", "0900", "09:60", "25:00", "-1:00", "09:0", "09:00:00", "", "+9:00"}) {
    EXPECT_NE(why_not("00:00", bad), "accepted") << bad;
  }
  EXPECT_EQ(why_not("22:00", "06:00"),
            "calendar.yml:4:45: time_intervals[0].time_intervals[0].times[0].end_time: expected a "
            "time after start_time; a range over midnight is two: until \"24:00\", and from "
            "\"00:00\"");
  EXPECT_NE(why_not("06:00", "06:00"), "accepted");
  EXPECT_EQ(WhyNotRule("times: [{start_time: '06:00'}]"),
            "calendar.yml:4:13: time_intervals[0].time_intervals[0].times[0].end_time: missing; "
            "expected a time of day from 00:00 to 24:00, like \"09:00\"");
}

TEST(Read, Weekdays) {
  EXPECT_EQ(WhyNotRule("weekdays: [mon]"),
            "calendar.yml:4:16: time_intervals[0].time_intervals[0].weekdays[0]: expected a day "
            "from sunday to saturday, or a range like monday:friday, found \"mon\"");
  EXPECT_EQ(WhyNotRule("weekdays: ['saturday:sunday']"),
            "calendar.yml:4:16: time_intervals[0].time_intervals[0].weekdays[0]: expected a range "
            "whose end is not before its begin, found \"saturday:sunday\"; write two ranges "
            "instead");
  EXPECT_NE(WhyNotRule("weekdays: ['monday:']"), "accepted");
  EXPECT_NE(WhyNotRule("weekdays: ['monday:tuesday:friday']"), "accepted");
  EXPECT_NE(WhyNotRule("weekdays: ['1']"), "accepted");
}

TEST(Read, DaysOfMonth) {
  for (const char* good : {"1", "31", "-31", "1:31", "-3:-1", "1:-1", "27:-1", "28:31"}) {
    EXPECT_EQ(WhyNotRule("days_of_month: ['" + std::string(good) + "']"), "accepted") << good;
  }
  for (const char* bad :
       {"0", "32", "-32", "5:1", "-1:-3", "-3:1", "29:-1", "1.5", "first", "1:5:9"}) {
    EXPECT_NE(WhyNotRule("days_of_month: ['" + std::string(bad) + "']"), "accepted") << bad;
  }
}

TEST(Read, MonthsAndYears) {
  for (const char* bad : {"0", "13", "jan", "december:january", "3:1"}) {
    EXPECT_NE(WhyNotRule("months: ['" + std::string(bad) + "']"), "accepted") << bad;
  }
  for (const char* bad : {"0", "-1", "10000", "2027:2026", "MMXX"}) {
    EXPECT_NE(WhyNotRule("years: ['" + std::string(bad) + "']"), "accepted") << bad;
  }
}

// Alertmanager takes an empty list for "never".
TEST(Read, AnEmptyListIsRefused) {
  EXPECT_EQ(WhyNotRule("weekdays: []"),
            "calendar.yml:4:15: time_intervals[0].time_intervals[0].weekdays: expected a list with "
            "one at least, found a list");
  EXPECT_NE(WhyNot("time_intervals: [{name: it, time_intervals: []}]"), "accepted");
}

TEST(Read, APeriodsEndIsAfterItsBegin) {
  const auto why_not = [](const std::string& begin, const std::string& end) {
    return WhyNot("periods: [{name: it, begin: " + begin + ", end: " + end + "}]");
  };
  EXPECT_EQ(why_not("2027-01-04", "2027-01-04"), "accepted");
  EXPECT_EQ(why_not("2027-01-04", "2027-01-03"),
            "calendar.yml:1:46: periods[0].end: expected an end after the begin");
  EXPECT_NE(why_not("2027-01-04 09:00", "2027-01-04 09:00"), "accepted");
  EXPECT_EQ(why_not("2027-01-04", "2027-01-05 12:00"),
            "calendar.yml:1:46: periods[0].end: expected a date, as begin is one");
  EXPECT_EQ(why_not("2027-02-29", "2027-03-01"),
            "calendar.yml:1:29: periods[0].begin: expected a date like 2027-01-04, or a date and a "
            "time like \"2027-01-04 08:30\", from 1971 to 2098, found \"2027-02-29\"");
  for (const char* bad : {"1970-12-31", "2099-01-01", "2027-1-4", "2027-01-04 25:00", "2027-01-04Z",
                          "20270104", "2027-01-04 09:00:00", "soon", "2027-01-04 24:30"}) {
    EXPECT_NE(why_not(bad, bad), "accepted") << bad;
  }
}

TEST(Read, NamesAreUniqueAndPlain) {
  EXPECT_EQ(WhyNot("periods:\n- {name: a, begin: 2027-01-04, end: 2027-01-04}\n"
                   "- {name: a, begin: 2027-01-05, end: 2027-01-05}\n"),
            "calendar.yml:3:10: periods[1].name: another interval has this name");
  EXPECT_EQ(WhyNot("periods: [{begin: 2027-01-04, end: 2027-01-04}]"),
            "calendar.yml:1:11: periods[0].name: missing; expected the interval's name");
  for (const char* bad : {"' a'", "'a '", "'-a'", "\"a\\nb\"", "«a»", "'a;b'"}) {
    EXPECT_NE(
        WhyNot("periods: [{begin: 2027-01-04, end: 2027-01-04, name: " + std::string(bad) + "}]"),
        "accepted")
        << bad;
  }
}

TEST(Read, ABlackoutIsANameOfTheFile) {
  EXPECT_EQ(WhyNot("blackouts: [Christmas]"),
            "calendar.yml:1:13: blackouts[0]: expected the name of an interval in this file");
}

TEST(Read, ALocationIsInTheZoneData) {
  EXPECT_EQ(WhyNotRule("location: Europe/Atlantis"),
            "calendar.yml:4:15: time_intervals[0].time_intervals[0].location: expected UTC or a "
            "time zone like Europe/London, found \"Europe/Atlantis\", which this machine's time "
            "zone data do not have");
}

TEST(Read, TheNumberOfRulesHasALimit) {
  std::string text = "time_intervals:\n- name: it\n  time_intervals:\n";
  for (int i = 0; i < 1'001; ++i) text += "  - {months: [1]}\n";
  EXPECT_EQ(WhyNot(text),
            "calendar.yml:1004:5: time_intervals[0].time_intervals[1000]: more than 1000 rules in "
            "all");
}

TEST(Read, AMissingFileIsSaid) {
  const auto calendar = LoadCalendar("/nonexistent/calendar.yml", Utc("2026-11-27"));
  ASSERT_FALSE(calendar);
  EXPECT_EQ(calendar.error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace mailhub::calendar
