// Calendars and times as short texts, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "actuator/calendar/calendar.h"
#include "actuator/calendar/moment.h"
#include "actuator/calendar/read.h"

namespace mailhub::calendar {

// A moment in UTC: "2027-03-28 01:30", or a date.
inline WallTime Utc(const std::string& text) {
  const auto moment = ParseMoment(text);
  EXPECT_TRUE(moment) << text;
  return moment ? WallTime(moment->at.time_since_epoch()) : WallTime();
}

// "2027-03-28 01:30 to 2027-03-28 02:00, ..." in UTC.
inline std::string Text(const Spans& spans) {
  const auto text = [](WallTime at) {
    std::string all = Zone().Text(at);
    return all.substr(0, all.rfind(" UTC"));
  };
  std::string all;
  for (const Span& span : spans) {
    all += (all.empty() ? "" : ", ") + text(span.begin) + " to " + text(span.end);
  }
  return all;
}

inline Result<std::string> NoFiles(const std::string& path) {
  return Fail(ErrorKind::kNotFound, path + ": No such file or directory");
}

inline Calendar Parsed(const std::string& text, const FileReader& files = NoFiles) {
  const auto calendar =
      ParseCalendar(text, "/etc/mailhub/calendar.yml", Utc("2026-11-27 12:00"), files);
  EXPECT_TRUE(calendar) << calendar.error().message;
  return calendar ? *calendar : Calendar();
}

// One interval «it» with one rule, which is a map in YAML's flow style.
inline Calendar OneRule(const std::string& rule) {
  return Parsed("time_intervals: [{name: it, time_intervals: [" + rule + "]}]");
}

// When «it» holds, in UTC.
inline std::string When(const Calendar& calendar, const std::string& begin, const std::string& end,
                        const std::string& name = "it") {
  const Interval* interval = calendar.Find(name);
  EXPECT_NE(interval, nullptr) << name;
  return interval == nullptr ? "" : Text(SpansOf(*interval, {Utc(begin), Utc(end)}));
}

}  // namespace mailhub::calendar
