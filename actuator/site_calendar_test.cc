// The calendar's file as the engine sees it.
#include "actuator/site_calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub {
namespace {

using ::testing::HasSubstr;

constexpr Milliseconds kFiveHours{5 * 3'600'000};

std::shared_ptr<const engine::Calendar> Example() {
  const auto loaded = LoadSiteCalendar(MAILHUB_SOURCE_DIR "/actuator/calendar.example.yml",
                                       calendar::Utc("2027-03-01"));
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? *loaded : nullptr;
}

TEST(SiteCalendar, LetsARunStartInItsWindowWhereItFits) {
  const auto calendar = Example();
  ASSERT_NE(calendar, nullptr);
  const auto ask = [&](const char* at) {
    return calendar->Ask({{"nights"}, {}}, calendar::Utc(at), kFiveHours, {});
  };
  EXPECT_TRUE(ask("2027-03-01 21:00").now);
  const auto shut = ask("2027-03-01 12:00");
  EXPECT_FALSE(shut.now);
  EXPECT_EQ(shut.begin, calendar::Utc("2027-03-01 20:00"));
  EXPECT_THAT(shut.why, HasSubstr("window «nights» is closed until 2027-03-01 20:00 GMT"));
  // Two hours are left of the night.
  EXPECT_EQ(ask("2027-03-02 05:00").begin, calendar::Utc("2027-03-02 20:00"));
}

TEST(SiteCalendar, KeepsTheTimeOfOtherRunsAndTheSitesBlackouts) {
  const auto calendar = Example();
  ASSERT_NE(calendar, nullptr);
  const engine::Span other{calendar::Utc("2027-03-01 21:00"), calendar::Utc("2027-03-02 01:00")};
  EXPECT_EQ(calendar->Ask({{"nights"}, {}}, other.begin, kFiveHours, {other}).begin, other.end);
  const auto black = calendar->Ask({{}, {}}, calendar::Utc("2027-09-20"), Milliseconds(0), {});
  EXPECT_FALSE(black.now);
  EXPECT_THAT(black.why, HasSubstr("«Student registrations 2027»"));
}

TEST(SiteCalendar, ListsItsNamesWithTheirTimes) {
  const auto calendar = Example();
  ASSERT_NE(calendar, nullptr);
  EXPECT_EQ(calendar->Location(), "Europe/London");
  const engine::Span day{calendar::Utc("2027-03-01 12:00"), calendar::Utc("2027-03-02 12:00")};
  bool nights = false;
  bool blackout = false;
  for (const engine::NamedTime& one : calendar->List(day)) {
    if (one.name == "nights") {
      nights = true;
      EXPECT_FALSE(one.for_all);
      ASSERT_EQ(one.spans.size(), 1U);
      EXPECT_EQ(one.spans[0].begin, calendar::Utc("2027-03-01 20:00"));
      EXPECT_EQ(one.spans[0].end, calendar::Utc("2027-03-02 07:00"));
    }
    blackout = blackout || (one.name == "Student registrations 2027" && one.for_all);
  }
  EXPECT_TRUE(nights);
  EXPECT_TRUE(blackout);
}

TEST(SiteCalendar, NamesWhatThereIs) {
  const auto calendar = Example();
  ASSERT_NE(calendar, nullptr);
  EXPECT_TRUE(calendar->Knows("weekends"));
  const Status unknown = calendar->Knows("weekend");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("weekends"));
  const auto missing = LoadSiteCalendar("/nonexistent/calendar.yml", WallTime());
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/calendar.yml"));
}

}  // namespace
}  // namespace mailhub
