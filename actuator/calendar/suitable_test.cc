// When a run may start, and what is said if it may not.
#include "actuator/calendar/suitable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::calendar {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The 30th of November 2026 is a Monday.
const Calendar& Ours() {
  static const Calendar calendar = Parsed(R"(
time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: '20:00', end_time: '24:00'}]
        location: Europe/London
      - times: [{start_time: '00:00', end_time: '06:00'}]
        location: Europe/London
  - name: weekends
    time_intervals: [{weekdays: [saturday, sunday], location: Europe/London}]
  - name: lunch
    time_intervals: [{times: [{start_time: '12:00', end_time: '13:00'}]}]
  - name: never
    time_intervals: [{years: [2020]}]
  - name: always
    time_intervals: [{}]
periods:
  - {name: Christmas, begin: 2026-12-24, end: 2027-01-03, location: Europe/London}
  - {name: Summer, begin: 2027-06-01, end: 2027-08-31, location: Europe/London}
  - {name: Exams, begin: 2026-12-01, end: 2026-12-04, location: Europe/London}
blackouts: [Christmas]
)");
  return calendar;
}

Opening In(const Suitable& suitable, const std::string& now, Milliseconds needed,
           const std::vector<Span>& occupied = {}) {
  return Ask(Ours(), suitable, Utc(now), needed, occupied);
}

Slot From(const std::string& begin, const std::string& end) {
  return {Utc(begin), Utc(end)};
}

TEST(Suitable, NoWindowIsAnyTime) {
  const Opening opening = In({}, "2026-11-27 12:00", hours(5));
  EXPECT_TRUE(opening.now);
  EXPECT_EQ(opening.slot, From("2026-11-27 12:00", "2026-12-24 00:00"));
  EXPECT_THAT(opening.why, IsEmpty());
  EXPECT_EQ(opening.Sentence(), "");
}

TEST(Suitable, AnOpenWindowWithEnoughTimeLeftIsNow) {
  const Opening opening = In({{"nights"}, {}}, "2026-11-30 22:00", hours(8));
  EXPECT_TRUE(opening.now);
  EXPECT_EQ(opening.slot, From("2026-11-30 22:00", "2026-12-01 06:00"));
}

TEST(Suitable, AClosedWindowSaysUntilWhen) {
  const Opening opening = In({{"nights"}, {}}, "2026-11-30 12:00", hours(5));
  EXPECT_FALSE(opening.now);
  EXPECT_EQ(opening.slot, From("2026-11-30 20:00", "2026-12-01 06:00"));
  EXPECT_THAT(opening.why, ElementsAre("window «nights» is closed until 2026-11-30 20:00 GMT"));
  EXPECT_EQ(opening.next, "next slot: 2026-11-30 20:00 GMT to 2026-12-01 06:00 GMT");
  EXPECT_EQ(opening.Sentence(),
            "window «nights» is closed until 2026-11-30 20:00 GMT; next slot: 2026-11-30 20:00 GMT "
            "to 2026-12-01 06:00 GMT");
}

TEST(Suitable, WhatIsLeftOfAWindowMustSuffice) {
  const Opening opening = In({{"nights"}, {}}, "2026-12-01 02:50", hours(5));
  EXPECT_FALSE(opening.now);
  EXPECT_EQ(opening.slot, From("2026-12-01 20:00", "2026-12-02 06:00"));
  EXPECT_THAT(opening.why, ElementsAre("needs 5h, 3h10m are left of «nights»"));
}

TEST(Suitable, ExactlyEnoughIsEnough) {
  EXPECT_TRUE(In({{"nights"}, {}}, "2026-12-01 01:00", hours(5)).now);
  EXPECT_FALSE(In({{"nights"}, {}}, "2026-12-01 01:00", hours(5) + Milliseconds(1)).now);
}

TEST(Suitable, ARunOfNoLengthNeedsAnOpenWindow) {
  EXPECT_TRUE(In({{"nights"}, {}}, "2026-12-01 05:59", Milliseconds(0)).now);
  EXPECT_FALSE(In({{"nights"}, {}}, "2026-12-01 06:00", Milliseconds(0)).now);
}

TEST(Suitable, WindowsThatTouchAreOne) {
  // From Friday evening to Monday morning.
  const Opening opening = In({{"weekends", "nights"}, {}}, "2026-12-04 20:00", hours(58));
  EXPECT_TRUE(opening.now);
  EXPECT_EQ(opening.slot, From("2026-12-04 20:00", "2026-12-07 06:00"));
}

TEST(Suitable, SeveralClosedWindowsAreAllNamed) {
  EXPECT_THAT(In({{"weekends", "nights"}, {}}, "2026-12-01 12:00", hours(1)).why,
              ElementsAre("window «weekends» is closed until 2026-12-05 00:00 GMT",
                          "window «nights» is closed until 2026-12-01 20:00 GMT"));
}

TEST(Suitable, ABlackoutSaysUntilWhen) {
  const Opening opening = In({{}, {"Exams"}}, "2026-12-02 12:00", hours(1));
  EXPECT_FALSE(opening.now);
  EXPECT_EQ(opening.slot, From("2026-12-05 00:00", "2026-12-24 00:00"));
  EXPECT_THAT(opening.why, ElementsAre("blackout «Exams» until 2026-12-05 00:00 GMT"));
}

TEST(Suitable, TheSitesBlackoutsApplyToEveryRun) {
  EXPECT_THAT(In({}, "2026-12-25 12:00", hours(1)).why,
              ElementsAre("blackout «Christmas» until 2027-01-04 00:00 GMT"));
  EXPECT_THAT(In({{}, {"Christmas"}}, "2026-12-25 12:00", hours(1)).why,
              ElementsAre("blackout «Christmas» until 2027-01-04 00:00 GMT"));
}

TEST(Suitable, ARunMustEndBeforeTheNextBlackout) {
  const Opening opening = In({{"nights"}, {}}, "2026-12-23 21:00", hours(4));
  EXPECT_FALSE(opening.now);
  EXPECT_THAT(opening.why, ElementsAre("needs 4h, 3h are left until blackout «Christmas» begins"));
  EXPECT_EQ(opening.slot, From("2027-01-04 00:00", "2027-01-04 06:00"));
}

TEST(Suitable, ClosedWindowAndBlackoutAreBothSaid) {
  const Opening opening = In({{"nights"}, {"Exams"}}, "2026-12-02 12:00", hours(1));
  EXPECT_THAT(opening.why, ElementsAre("window «nights» is closed until 2026-12-02 20:00 GMT",
                                       "blackout «Exams» until 2026-12-05 00:00 GMT"));
  EXPECT_EQ(opening.slot, From("2026-12-05 00:00", "2026-12-05 06:00"));
}

TEST(Suitable, AWindowWithinABlackoutGivesNoSlot) {
  const Opening opening = In({{"Exams"}, {"Exams"}}, "2026-11-27 12:00", hours(1));
  EXPECT_EQ(opening.slot, std::nullopt);
  EXPECT_EQ(opening.next, "no slot of 1h was found that begins before 2028-01-01 12:00 GMT");
}

TEST(Suitable, AWindowThatIsTooShortGivesNoSlot) {
  EXPECT_EQ(In({{"lunch"}, {}}, "2026-11-27 12:00", hours(2)).slot, std::nullopt);
  EXPECT_THAT(In({{"lunch"}, {}}, "2026-11-27 12:10", hours(2)).why,
              ElementsAre("needs 2h, 50m are left of «lunch»"));
}

TEST(Suitable, AWindowThatNeverOpensIsSaid) {
  EXPECT_EQ(In({{"never"}, {}}, "2026-11-27 12:00", hours(1)).Sentence(),
            "window «never» is closed until after 2028-01-01 13:00 UTC; no slot of 1h was found "
            "that begins before 2028-01-01 12:00 UTC");
}

TEST(Suitable, ABlackoutThatNeverEndsIsSaid) {
  EXPECT_THAT(In({{}, {"always"}}, "2026-11-27 12:00", hours(1)).why,
              ElementsAre("blackout «always» until after 2028-01-01 13:00 UTC"));
}

TEST(Suitable, TheHorizonIsForTheBeginOfASlot) {
  const auto ask = [](Milliseconds horizon) {
    return Ask(Ours(), {{"nights"}, {}}, Utc("2026-11-30 12:00"), hours(10), {}, horizon).slot;
  };
  EXPECT_EQ(ask(hours(8)), From("2026-11-30 20:00", "2026-12-01 06:00"));
  EXPECT_EQ(ask(hours(8) - Milliseconds(1)), std::nullopt);
}

TEST(Suitable, AnEndBeyondWhatWasLookedAtIsNotSaid) {
  const Opening opening = Ask(Ours(), {{"always"}, {}}, Utc("2027-02-01"), hours(1), {}, days(30));
  EXPECT_TRUE(opening.now);
  ASSERT_TRUE(opening.slot);
  EXPECT_EQ(opening.slot->end, std::nullopt);
}

TEST(Suitable, TheTimeOfOtherRunsIsTaken) {
  const std::vector<Span> occupied = {{Utc("2026-11-30 21:00"), Utc("2026-12-01 01:30")},
                                      {Utc("2026-11-30 18:00"), Utc("2026-11-30 21:00")}};
  const Opening opening = In({{"nights"}, {}}, "2026-11-30 20:30", hours(4), occupied);
  EXPECT_THAT(opening.why, ElementsAre("another run has this time until 2026-12-01 01:30 GMT"));
  EXPECT_EQ(opening.slot, From("2026-12-01 01:30", "2026-12-01 06:00"));
  EXPECT_THAT(In({{"nights"}, {}}, "2026-11-30 17:00", hours(2), occupied).slot,
              From("2026-12-01 01:30", "2026-12-01 06:00"));
  EXPECT_THAT(In({}, "2026-11-30 17:00", hours(2), occupied).why,
              ElementsAre("needs 2h, 1h are left until another run's time begins"));
}

TEST(Suitable, RunsArePlannedOneAfterTheOther) {
  std::vector<Span> occupied;
  std::string plan;
  for (int run = 0; run < 4; ++run) {
    const Opening opening = In({{"nights"}, {}}, "2026-11-30 12:00", hours(3), occupied);
    ASSERT_TRUE(opening.slot);
    occupied.push_back({opening.slot->begin, opening.slot->begin + hours(3)});
    plan += Ours().Find("nights")->zone->Text(opening.slot->begin) + "\n";
  }
  EXPECT_EQ(plan,
            "2026-11-30 20:00 GMT\n2026-11-30 23:00 GMT\n2026-12-01 02:00 GMT\n"
            "2026-12-01 20:00 GMT\n");
}

TEST(Suitable, WhatIsNeededIsRoundedUpAndWhatIsLeftDown) {
  EXPECT_THAT(
      In({{"nights"}, {}}, "2026-12-01 03:00", hours(3) + minutes(10) + Milliseconds(1'500)).why,
      ElementsAre("needs 3h11m, 3h are left of «nights»"));
}

TEST(Suitable, SummerTimeIsSaid) {
  EXPECT_THAT(In({{"nights"}, {}}, "2027-05-03 12:00", hours(5)).why,
              ElementsAre("window «nights» is closed until 2027-05-03 20:00 BST"));
  EXPECT_EQ(In({{"nights"}, {}}, "2027-05-03 12:00", hours(5)).slot,
            From("2027-05-03 19:00", "2027-05-04 05:00"));
}

TEST(Suitable, TheNightOfTheChangeIsAnHourShorterOrLonger) {
  EXPECT_FALSE(In({{"nights"}, {}}, "2027-03-27 20:00", hours(10)).now);
  EXPECT_TRUE(In({{"nights"}, {}}, "2027-03-27 20:00", hours(9)).now);
  EXPECT_TRUE(In({{"nights"}, {}}, "2027-10-30 19:00", hours(11)).now);
}

TEST(Suitable, ANameThatTheCalendarLacksIsUnknownAndGivesNoSlot) {
  const Opening opening = In({{"gone", "nights"}, {}}, "2026-11-30 22:00", hours(1));
  EXPECT_FALSE(opening.now);
  EXPECT_EQ(opening.slot, std::nullopt);
  EXPECT_EQ(opening.Sentence(),
            "it is unknown when window «gone» holds: the calendar does not have this name; no slot "
            "can be looked for");
  EXPECT_FALSE(In({{}, {"gone"}}, "2026-11-30 22:00", hours(1)).now);
}

TEST(Suitable, ATimeOutsideWhatIsKnownIsUnknownAndGivesNoSlot) {
  Interval term{.name = "Term",
                .kind = Kind::kIcs,
                .rules = {},
                .fixed = {{Utc("2027-01-10"), Utc("2027-03-20")}},
                .known = {Utc("2026-11-01"), Utc("2027-12-01")},
                .zone = std::make_shared<const Zone>()};
  const Calendar calendar({term}, {"Term"});
  EXPECT_TRUE(Ask(calendar, {}, Utc("2026-12-01"), hours(1), {}).now);
  EXPECT_EQ(Ask(calendar, {}, Utc("2027-12-01"), hours(1), {}).Sentence(),
            "it is unknown whether «Term» holds: it is known from 2026-11-01 00:00 UTC to "
            "2027-12-01 00:00 UTC only; no slot can be looked for");
  EXPECT_FALSE(Ask(calendar, {}, Utc("2026-10-31"), hours(1), {}).now);
  // A run that would end after it does not fit.
  const Opening opening = Ask(calendar, {}, Utc("2027-11-30 23:30"), hours(1), {});
  EXPECT_FALSE(opening.now);
  EXPECT_THAT(opening.why, ElementsAre("needs 1h, 30m are left of the time that is known"));
  EXPECT_EQ(opening.next, "no slot of 1h was found that begins before 2027-12-01 00:00 UTC");
}

TEST(Suitable, AbsurdLengthsAreNoOverflow) {
  EXPECT_FALSE(In({}, "2026-11-27", Milliseconds::max()).now);
  EXPECT_TRUE(In({}, "2026-11-27", Milliseconds::min()).now);
  EXPECT_FALSE(Ask(Ours(), {}, WallTime::max(), hours(1), {}).now);
  EXPECT_FALSE(Ask(Ours(), {}, WallTime::min(), hours(1), {}).now);
}

TEST(Suitable, NamesAreCheckedWhenAConfigurationIsRead) {
  EXPECT_TRUE(Check(Ours(), {{"nights"}, {"Exams"}}));
  EXPECT_EQ(Check(Ours(), {{"night"}, {}}).error().message,
            "the calendar has no interval \"night\", which is named as a window");
  EXPECT_EQ(Check(Ours(), {{}, {"Easter"}}).error().message,
            "the calendar has no interval \"Easter\", which is named as a blackout");
  EXPECT_EQ(Check(Ours(), {std::vector<std::string>(17, "nights"), {}}).error().message,
            "more than 16 windows");
}

}  // namespace
}  // namespace mailhub::calendar
