// Time zones: which names are taken, and how a local time becomes a moment where clocks change.
#include "actuator/calendar/zone.h"

#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::calendar {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Zone Load(const std::string& name) {
  const auto zone = LoadZone(name);
  EXPECT_TRUE(zone) << name;
  return zone ? *zone : Zone();
}

LocalTime Local(const std::string& text) {
  return ParseMoment(text)->at;
}

std::string WhyNot(const std::string& name) {
  const auto zone = LoadZone(name);
  return zone ? "accepted" : zone.error().message;
}

TEST(Zone, LondonHasItsSummerTime) {
  const Zone london = Load("Europe/London");
  EXPECT_EQ(london.Text(Utc("2027-03-28 00:59")), "2027-03-28 00:59 GMT");
  EXPECT_EQ(london.Text(Utc("2027-03-28 01:00")), "2027-03-28 02:00 BST");
  EXPECT_EQ(london.Text(Utc("2027-10-31 00:59")), "2027-10-31 01:59 BST");
  EXPECT_EQ(london.Text(Utc("2027-10-31 01:00")), "2027-10-31 01:00 GMT");
}

TEST(Zone, LaterYearsFollowTheRule) {
  const Zone london = Load("Europe/London");
  EXPECT_EQ(london.At(Utc("2060-07-01")).offset, hours(1));
  EXPECT_EQ(london.At(Utc("2060-12-01")).offset, hours(0));
}

TEST(Zone, HalfHoursAndQuartersAreRead) {
  EXPECT_EQ(Load("Asia/Kathmandu").Text(Utc("2027-01-01 00:00")), "2027-01-01 05:45 +0545");
  const Zone lord_howe = Load("Australia/Lord_Howe");
  EXPECT_EQ(lord_howe.At(Utc("2027-01-01")).offset, hours(11));
  EXPECT_EQ(lord_howe.At(Utc("2027-07-01")).offset, hours(10) + minutes(30));
}

TEST(Zone, ErasFollowEachOtherWithoutGaps) {
  for (const char* name : {"UTC", "Europe/London", "Africa/Casablanca", "Pacific/Apia",
                           "America/Sao_Paulo", "Europe/Dublin", "Asia/Tokyo"}) {
    const std::vector<Zone::Era> eras = Load(name).Over({kFirstKnown, kLastKnown});
    ASSERT_FALSE(eras.empty()) << name;
    EXPECT_EQ(eras.front().span.begin, kFirstKnown) << name;
    EXPECT_EQ(eras.back().span.end, kLastKnown) << name;
    for (size_t i = 1; i < eras.size(); ++i) {
      EXPECT_EQ(eras[i - 1].span.end, eras[i].span.begin) << name;
    }
  }
}

TEST(Zone, ASkippedTimeIsTheMomentOfTheChange) {
  const Zone london = Load("Europe/London");
  EXPECT_EQ(london.Earliest(Local("2027-03-28 01:30")), Utc("2027-03-28 01:00"));
  EXPECT_EQ(london.Latest(Local("2027-03-28 01:30")), Utc("2027-03-28 01:00"));
}

TEST(Zone, ADoubledTimeIsTwoMoments) {
  const Zone london = Load("Europe/London");
  EXPECT_EQ(london.Earliest(Local("2027-10-31 01:30")), Utc("2027-10-31 00:30"));
  EXPECT_EQ(london.Latest(Local("2027-10-31 01:30")), Utc("2027-10-31 01:30"));
}

TEST(Zone, AnyOtherTimeIsOneMoment) {
  const Zone london = Load("Europe/London");
  for (const char* text : {"2027-03-28 00:59", "2027-03-28 02:00", "2027-10-31 00:59",
                           "2027-10-31 02:00", "2027-07-01 12:00"}) {
    EXPECT_EQ(london.Earliest(Local(text)), london.Latest(Local(text))) << text;
    EXPECT_EQ(london.ToLocal(london.Earliest(Local(text))), Local(text)) << text;
  }
}

TEST(Zone, OnlyNamesOfTheDataAreTaken) {
  EXPECT_EQ(WhyNot("Europe/Londn"),
            "expected UTC or a time zone like Europe/London, found \"Europe/Londn\", which this "
            "machine's time zone data do not have");
  for (const char* name : {"", "../Europe/London", "/etc/localtime", "/usr/share/zoneinfo/UTC",
                           "libc:localtime", "Fixed/UTC+05:00:00", "Europe", "tzdata.zi",
                           "Europe/../Europe/London", "leapseconds", "file:UTC", "a\nb"}) {
    EXPECT_NE(WhyNot(name), "accepted") << name;
  }
}

TEST(Zone, TheMachinesOwnZoneHasNoName) {
  EXPECT_EQ(WhyNot("Local"),
            "expected UTC or a time zone like Europe/London, found \"Local\": name the zone, so "
            "that the file means the same on each machine");
  EXPECT_NE(WhyNot("localtime"), "accepted");
}

}  // namespace
}  // namespace mailhub::calendar
