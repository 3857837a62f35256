// `calendar check` and `calendar show`, on files.
#include "actuator/ctl/calendar_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "actuator/calendar/testing_calendar.h"

namespace mailhub::ctl {
namespace {

namespace fs = std::filesystem;
using calendar::Utc;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

class CalendarCommandsTest : public ::testing::Test {
 protected:
  CalendarCommandsTest() {
    std::string name = fs::temp_directory_path() / "mailhub-calendar-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    Write("calendar.yml",
          "time_intervals:\n- name: nights\n  time_intervals:\n  - times: [{start_time: '20:00', "
          "end_time: '24:00'}]\n    location: Europe/London\nics:\n- {name: Term, file: term.ics}\n"
          "blackouts: [Term]\n");
    Write(
        "term.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270104\r\n"
        "DTEND;VALUE=DATE:20270320\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  template <typename Act>
  int Run(Act act) {
    CaptureStdout();
    CaptureStderr();
    const int status = act((folder_ / "calendar.yml").string());
    out_ = GetCapturedStdout();
    err_ = GetCapturedStderr();
    return status;
  }
  int Check() {
    return Run(
        [](const std::string& file) { return CalendarCheck(file, Utc("2026-12-30 12:00")); });
  }
  int Show(const std::string& from, const std::string& location, Format format) {
    return Run([&](const std::string& file) {
      return CalendarShow(file, from, 7, location, format, Utc("2026-12-30 23:30"));
    });
  }

  fs::path folder_;
  std::string out_;
  std::string err_;
};

TEST_F(CalendarCommandsTest, AGoodFileIsCounted) {
  EXPECT_EQ(Check(), 0);
  EXPECT_THAT(out_, HasSubstr("calendar.yml: 1 time interval, 0 periods, 1 iCalendar file, 1 "
                              "blackout for every run, no mistake\n"));
}

TEST_F(CalendarCommandsTest, AMistakeHasItsPlace) {
  Write("calendar.yml", "periods: [{name: a, begin: 2027-01-04, end: soon}]");
  EXPECT_EQ(Check(), 1);
  EXPECT_THAT(err_, HasSubstr("calendar.yml:1:45: periods[0].end: expected a date like"));
  EXPECT_EQ(Show("", "", Format::kTable), 1);
  EXPECT_EQ(out_, "");
}

TEST_F(CalendarCommandsTest, AMistakeInAnICalendarFileHasItsPlaceThere) {
  Write("term.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:tomorrow\nEND:VEVENT\nEND:VCALENDAR\n");
  EXPECT_EQ(Check(), 1);
  EXPECT_THAT(err_, HasSubstr("term.ics:3:1: DTSTART: expected a date"));
}

TEST_F(CalendarCommandsTest, DaysAreThoseOfTheFilesZoneAndBeginToday) {
  EXPECT_EQ(Show("", "", Format::kTable), 0);
  EXPECT_THAT(out_, StartsWith("Days of Europe/London;"));
  EXPECT_THAT(out_, HasSubstr("2026-12-30 "));
  EXPECT_EQ(Show("", "Asia/Tokyo", Format::kTable), 0);
  EXPECT_THAT(out_, HasSubstr("2026-12-31 "));
}

TEST_F(CalendarCommandsTest, AnotherFirstDayAndJson) {
  EXPECT_EQ(Show("2027-07-01", "UTC", Format::kJson), 0);
  EXPECT_THAT(out_, HasSubstr("\"from\": \"2027-07-01T00:00:00Z\""));
  EXPECT_THAT(out_, HasSubstr("\"begin\": \"2027-07-01T19:00:00Z\""));
}

TEST_F(CalendarCommandsTest, WrongOptionsAreRefused) {
  EXPECT_EQ(Show("tomorrow", "", Format::kTable), 1);
  EXPECT_THAT(err_, HasSubstr("--from: expected a date like 2027-01-04"));
  EXPECT_EQ(Show("", "Atlantis", Format::kTable), 1);
  EXPECT_THAT(err_, HasSubstr("--location: expected UTC or a time zone"));
}

}  // namespace
}  // namespace mailhub::ctl
