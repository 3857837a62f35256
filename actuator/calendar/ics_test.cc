// iCalendar files: which times their events are, and what is refused.
#include "actuator/calendar/ics.h"

#include <gtest/gtest.h>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::calendar {
namespace {

constexpr const char* kOutlook = R"(BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
)";

std::string File(const std::string& content) {
  return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n" + content + "END:VCALENDAR\n";
}
std::string Event(const std::string& content) {
  return "BEGIN:VEVENT\nUID:1\n" + content + "END:VEVENT\n";
}

Result<Spans> Read(const std::string& text) {
  const auto london = LoadZone("Europe/London");
  return ReadIcs(text, "a.ics", *london, {Utc("2026-01-01"), Utc("2031-01-01")});
}
std::string Times(const std::string& text) {
  const auto spans = Read(text);
  return spans ? Text(*spans) : spans.error().message;
}
std::string TimesOf(const std::string& content) {
  return Times(File(Event(content)));
}

TEST(Ics, AWholeDayIsThatOfTheLocation) {
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DATE:20270701\n"), "2027-06-30 23:00 to 2027-07-01 23:00");
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DATE:20270104\nDTEND;VALUE=DATE:20270123\n"),
            "2027-01-04 00:00 to 2027-01-23 00:00");
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DATE:20270104\nDURATION:P1W\n"),
            "2027-01-04 00:00 to 2027-01-11 00:00");
}

TEST(Ics, ATimeIsInUtcInItsZoneOrInTheLocation) {
  EXPECT_EQ(TimesOf("DTSTART:20270701T090000Z\nDTEND:20270701T100000Z\n"),
            "2027-07-01 09:00 to 2027-07-01 10:00");
  EXPECT_EQ(TimesOf("DTSTART:20270701T090000\nDTEND:20270701T100000\n"),
            "2027-07-01 08:00 to 2027-07-01 09:00");
  EXPECT_EQ(TimesOf("DTSTART;TZID=America/New_York:20270701T090000\nDURATION:PT1H30M\n"),
            "2027-07-01 13:00 to 2027-07-01 14:30");
  EXPECT_EQ(TimesOf("DTSTART;TZID=America/New_York:20270701T090000\n"
                    "DTEND;TZID=Europe/London:20270701T153000\n"),
            "2027-07-01 13:00 to 2027-07-01 14:30");
}

TEST(Ics, AZoneOfTheFileIsUsedIfTheMachineDoesNotHaveIt) {
  const std::string at = "DTSTART;TZID=GMT Standard Time:";
  EXPECT_EQ(Times(File(kOutlook + Event(at + "20270701T090000\nDURATION:PT1H\n"))),
            "2027-07-01 08:00 to 2027-07-01 09:00");
  EXPECT_EQ(Times(File(kOutlook + Event(at + "20280101T090000\nDURATION:PT1H\n"))),
            "2028-01-01 09:00 to 2028-01-01 10:00");
  EXPECT_EQ(TimesOf(at + "20270701T090000\nDURATION:PT1H\n"),
            "a.ics:4:1: this event has the time zone \"GMT Standard Time\", which neither the "
            "machine's time zone data nor a VTIMEZONE of this file have");
}

TEST(Ics, TheZoneOfTheFileChangesWhenLondonDoes) {
  const Zone london = *LoadZone("Europe/London");
  for (const char* day : {"20270328", "20271031", "20300331"}) {
    for (const char* time : {"003000", "013000", "023000"}) {
      const std::string at = std::string(day) + "T" + time + "\nDURATION:PT10M\n";
      EXPECT_EQ(Times(File(kOutlook + Event("DTSTART;TZID=GMT Standard Time:" + at))),
                TimesOf("DTSTART;TZID=Europe/London:" + at))
          << at;
    }
  }
}

TEST(Ics, AnEventWithoutLengthIsNoTime) {
  EXPECT_EQ(TimesOf("DTSTART:20270701T090000Z\n"), "");
}

TEST(Ics, RepetitionsKeepTheTimeOnTheWall) {
  EXPECT_EQ(TimesOf("DTSTART;TZID=Europe/London:20270326T220000\nDTEND;TZID=Europe/"
                    "London:20270327T060000\nRRULE:FREQ=DAILY;COUNT=3\n"),
            "2027-03-26 22:00 to 2027-03-27 06:00, 2027-03-27 22:00 to 2027-03-28 05:00, "
            "2027-03-28 21:00 to 2027-03-29 05:00");
}

TEST(Ics, ADurationInHoursIsExact) {
  EXPECT_EQ(TimesOf("DTSTART;TZID=Europe/London:20270327T220000\nDURATION:PT8H\n"),
            "2027-03-27 22:00 to 2027-03-28 06:00");
  EXPECT_EQ(TimesOf("DTSTART;TZID=Europe/London:20270327T220000\nDURATION:P1D\n"),
            "2027-03-27 22:00 to 2027-03-28 21:00");
}

TEST(Ics, UntilIsInTheZoneOfTheEvent) {
  const std::string event = "DTSTART;TZID=America/New_York:20270701T220000\nDURATION:PT1H\n";
  EXPECT_EQ(TimesOf(event + "RRULE:FREQ=DAILY;UNTIL=20270703T020000Z\n"),
            "2027-07-02 02:00 to 2027-07-02 03:00, 2027-07-03 02:00 to 2027-07-03 03:00");
  EXPECT_EQ(TimesOf(event + "RRULE:FREQ=DAILY;UNTIL=20270703T015959Z\n"),
            "2027-07-02 02:00 to 2027-07-02 03:00");
  EXPECT_EQ(TimesOf(event + "RRULE:FREQ=DAILY;UNTIL=20270702\n"),
            "2027-07-02 02:00 to 2027-07-02 03:00, 2027-07-03 02:00 to 2027-07-03 03:00");
}

TEST(Ics, DatesAreAddedAndRemoved) {
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DATE:20270104\nRRULE:FREQ=WEEKLY;COUNT=4\n"
                    "EXDATE;VALUE=DATE:20270111,20270118\nRDATE;VALUE=DATE:20270301\n"),
            "2027-01-04 00:00 to 2027-01-05 00:00, 2027-01-25 00:00 to 2027-01-26 00:00, "
            "2027-03-01 00:00 to 2027-03-02 00:00");
  EXPECT_EQ(TimesOf("DTSTART;TZID=Europe/London:20270701T090000\nDURATION:PT1H\n"
                    "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20270702T080000Z\n"),
            "2027-07-01 08:00 to 2027-07-01 09:00, 2027-07-03 08:00 to 2027-07-03 09:00");
  EXPECT_EQ(TimesOf("DTSTART;TZID=Europe/London:20270701T090000\nDURATION:PT1H\n"
                    "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20270702\n"
                    "EXDATE;TZID=Europe/London:20270701T090000,20270709T090000\n"),
            "2027-07-03 08:00 to 2027-07-03 09:00");
}

TEST(Ics, OneRepetitionMayBeMovedOrCancelled) {
  const std::string daily = Event(
      "DTSTART;TZID=Europe/London:20270701T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n");
  EXPECT_EQ(Times(File(daily + Event("RECURRENCE-ID:20270702T080000Z\n"
                                     "DTSTART:20270702T150000Z\nDURATION:PT2H\n"))),
            "2027-07-01 08:00 to 2027-07-01 09:00, 2027-07-02 15:00 to 2027-07-02 17:00, "
            "2027-07-03 08:00 to 2027-07-03 09:00");
  EXPECT_EQ(Times(File(daily + Event("RECURRENCE-ID;TZID=Europe/London:20270702T090000\nSTATUS:"
                                     "CANCELLED\nDTSTART:20270702T150000Z\nDURATION:PT2H\n"))),
            "2027-07-01 08:00 to 2027-07-01 09:00, 2027-07-03 08:00 to 2027-07-03 09:00");
}

TEST(Ics, ACancelledEventIsNoTime) {
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DATE:20270701\nSTATUS:CANCELLED\n"), "");
}

TEST(Ics, ARuleWithoutEndIsWrittenOutAsFarAsIsKnown) {
  const auto spans = Read(File(Event("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY\n")));
  ASSERT_TRUE(spans) << spans.error().message;
  EXPECT_EQ(spans->size(), 5u);
  EXPECT_EQ(spans->back().begin, Utc("2030-12-25"));
}

TEST(Ics, AFoldedLineIsOne) {
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DA\n TE:202701\n\t04\nSUMMARY:a\n b\n"),
            "2027-01-04 00:00 to 2027-01-05 00:00");
}

TEST(Ics, OtherComponentsAreNoTimes) {
  EXPECT_EQ(Times(File("BEGIN:VTODO\nDTSTART:20270104T090000Z\nDUE:20270105T090000Z\nEND:VTODO\n")),
            "");
}

TEST(Ics, AFileMustBeWhole) {
  EXPECT_EQ(Times(""), "a.ics:1:1: expected END:VCALENDAR at the end");
  EXPECT_EQ(Times("<html>"), "a.ics:1:1: expected BEGIN:VCALENDAR, found \"<html>\"");
  EXPECT_EQ(Times("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20270104T090000Z\n"),
            "a.ics:4:1: expected END:VCALENDAR at the end");
  EXPECT_EQ(Times("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n"),
            "a.ics:3:1: END: expected the end of vevent, found \"VCALENDAR\"");
  EXPECT_EQ(Times(File("") + File("")), "a.ics:5:1: expected nothing after END:VCALENDAR");
}

TEST(Ics, AnEventsMistakeHasItsLine) {
  EXPECT_EQ(TimesOf("SUMMARY:x\n"), "a.ics:4:1: this event has no DTSTART");
  EXPECT_EQ(TimesOf("DTSTART;VALUE=DATE:20270229\n"),
            "a.ics:6:1: DTSTART: expected a date like 20270104 or a time like 20270104T090000, "
            "from 1900 to 2099, found \"20270229\"");
  for (const char* bad :
       {"DTSTART:20270104T250000Z", "DTSTART:20270104T09", "DTSTART:2027013x",
        "DTSTART:", "DTSTART:18991231T090000", "DTSTART:20270104T090000+0100", "no property",
        "DTSTART:20270104T090000Z\nDTEND:20270104T080000Z",
        "DTSTART:20270104T090000Z\nDTEND;VALUE=DATE:20270105",
        "DTSTART:20270104T090000Z\nDURATION:-PT1H", "DTSTART:20270104T090000Z\nDURATION:soon",
        "DTSTART;VALUE=DATE:20270104\nDURATION:PT1H",
        "DTSTART:20270104T090000Z\nDTSTART:20270104T090000Z",
        "DTSTART:20270104T090000Z\nDURATION:PT1H\nDTEND:20270104T110000Z",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=SOMETIMES",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=HOURLY",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2,3",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY;BYMONTHDAY=-3",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;BYSETPOS=200",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=YEARLY;BYWEEKNO=20",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TU;WKST=TH",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=TU",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=YEARLY;BYMONTHDAY=3,29;BYDAY=MO",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "DTSTART:20270104T090000Z\nEXRULE:FREQ=DAILY",
        "DTSTART:20270104T090000Z\nRDATE;VALUE=PERIOD:20270104T090000Z/PT5H",
        "DTSTART:20270104T090000Z\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270104T090000Z",
        "DTSTART;TZID=../../etc/passwd:20270104T090000",
        // Numbers that libical cuts to 16 or 32 bits.
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY;COUNT=4294967297",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY;INTERVAL=65537",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=65540",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY;COUNT=2;COUNT=3",
        "DTSTART:20270104T090000Z\nRRULE:FREQ=DAILY;COUNT",
        "DTSTART:20270104T090000Z\nSTATUS:CONFIRMED\nSTATUS:CANCELLED",
        "DTSTART:20270104T090000Z\nSUMMARY:a\x01"}) {
    EXPECT_TRUE(TimesOf(std::string(bad) + "\n").starts_with("a.ics:"))
        << TimesOf(std::string(bad) + "\n") << bad;
  }
}

TEST(Ics, RepetitionsHaveALimit) {
  std::string events;
  for (int i = 0; i < 6; ++i) events += Event("DTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY\n");
  EXPECT_EQ(Times(File(events)),
            "a.ics:24:1: RRULE: more than 100000 repetitions in this file since its events began");
}

// libical writes out what a zone's rules give, without a limit.
TEST(Ics, AZoneMustBeOneThatPeopleHave) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string text = kOutlook;
    text.replace(text.find(from), from.size(), to);
    return Times(File(text + Event("DTSTART;TZID=GMT Standard Time:20270701T090000\n")));
  };
  const std::string rule = "FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10";
  EXPECT_EQ(changed(rule, "FREQ=SECONDLY"),
            "a.ics:10:1: RRULE: expected a zone's rule like FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU");
  for (const char* other :
       {"FREQ=DAILY", "FREQ=HOURLY", "FREQ=YEARLY;BYHOUR=1,2", "FREQ=YEARLY;FREQ=SECONDLY",
        "X=;FREQ=YEARLY;", "FREQ=YEARLY;BYDAY=MO", "FREQ=YEARLY;BYMONTH=3;BYDAY=MO,TU",
        "FREQ=YEARLY;BYMONTH=3;BYYEARDAY=1"}) {
    EXPECT_TRUE(changed(rule, other).starts_with("a.ics:10:1: RRULE: ")) << other;
  }
  EXPECT_EQ(changed("TZOFFSETTO:+0000", "TZOFFSETTO:+9900"),
            "a.ics:9:1: VTIMEZONE: expected an offset like +0100, below a day");
  EXPECT_EQ(changed("TZOFFSETTO:+0000\n", ""), "a.ics:10:1: VTIMEZONE: this part needs tzoffsetto");
  EXPECT_EQ(changed("TZID:GMT Standard Time\n", ""),
            "a.ics:17:1: VTIMEZONE: needs TZID, and STANDARD or DAYLIGHT");
  EXPECT_EQ(Times(File("BEGIN:VTIMEZONE\nTZID:a\nEND:VTIMEZONE\n")),
            "a.ics:6:1: VTIMEZONE: needs TZID, and STANDARD or DAYLIGHT");
  EXPECT_EQ(Times(File(std::string(kOutlook) + kOutlook)),
            "a.ics:20:1: VTIMEZONE: another one has the TZID \"GMT Standard Time\"");
  std::string parts;
  for (int i = 0; i < 201; ++i) {
    parts +=
        "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:"
        "STANDARD\n";
  }
  EXPECT_TRUE(Times(File("BEGIN:VTIMEZONE\nTZID:a\n" + parts + "END:VTIMEZONE\n"))
                  .ends_with("more than 200 STANDARD and DAYLIGHT"));
}

TEST(Ics, ACalendarReadsItsFiles) {
  const std::string text = File(Event("DTSTART;VALUE=DATE:20270104\nDTEND;VALUE=DATE:20270123\n"));
  const auto read = [&](const std::string& file) {
    return Parsed(
        "ics: [{name: Term, file: " + file + ", location: Europe/London}]\nblackouts: [Term]",
        [&](const std::string& path) -> Result<std::string> {
          if (path == "/etc/mailhub/term.ics") return text;
          return Fail(ErrorKind::kNotFound, path);
        });
  };
  EXPECT_EQ(When(read("term.ics"), "2026-12-01", "2028-01-01", "Term"),
            "2027-01-04 00:00 to 2027-01-23 00:00");
  const Calendar calendar = read("/etc/mailhub/term.ics");
  const Interval& term = *calendar.Find("Term");
  EXPECT_EQ(term.kind, Kind::kIcs);
  EXPECT_EQ(Inside(term, Utc("2027-01-05")), true);
  EXPECT_EQ(Inside(term, Utc("2033-01-05")), std::nullopt);
  const auto missing = ParseCalendar("ics: [{name: Term, file: term.ics}]", "/calendar.yml",
                                     Utc("2026-11-27"), NoFiles);
  EXPECT_EQ(missing.error().message,
            "/calendar.yml:1:26: ics[0].file: /term.ics: No such file or directory");
}

}  // namespace
}  // namespace mailhub::calendar
