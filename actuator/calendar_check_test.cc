// A window or blackout that the calendar lacks is refused where it is written.
#include "actuator/calendar_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/engine/testing_calendar.h"

namespace mailhub {
namespace {

using ::testing::HasSubstr;

std::string WhyNot(const std::string& in_runbook, const std::string& in_trigger,
                   const engine::Calendar* calendar) {
  auto site = config::ParseSite(
      "ssh: {user: root, known_hosts: k, actuator_key: a}\nhosts: {hub: {address: 192.0.2.1}}\n",
      "site.yml");
  if (!site) return site.error().message;
  const auto runbooks = runbook::RunbookLibrary::Parse(
      {{"rebuild.yml", "runbook: rebuild\nsummary: Build\nexpected: 2h\n" + in_runbook +
                           "steps:\n- confirm: Now?\n"}},
      std::make_shared<const config::Site>(std::move(*site)));
  if (!runbooks) return runbooks.error().message;
  const auto settings = settings::ParseSettings(
      "site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'http://127.0.0.1:1'}\ntriggers:\n"
      "  - name: old\n    match: [a=\"b\"]\n    runbook: rebuild\n" +
          in_trigger,
      "actuator.yml");
  if (!settings) return settings.error().message;
  const Status checked = CheckCalendarNames(*settings, **runbooks, calendar);
  return checked ? "accepted" : checked.error().message;
}

TEST(CalendarCheck, KnowsTheNamesOfRunbooksAndTriggers) {
  engine::SpanCalendar calendar;
  calendar.spans["nights"] = {};
  EXPECT_EQ(WhyNot("windows: [nights]\nblackouts: nights\n", "    windows: [nights]\n", &calendar),
            "accepted");
  EXPECT_EQ(WhyNot("windows: [night]\n", "", &calendar),
            "rebuild.yml:4:11: windows[0]: the calendar has no \"night\"; there are: nights");
  EXPECT_EQ(WhyNot("", "    blackouts: [nights, exams]\n", &calendar),
            "actuator.yml:9:25: triggers[0].blackouts[1]: the calendar has no \"exams\"; there "
            "are: nights");
}

TEST(CalendarCheck, WithoutACalendarNoNameIsKnown) {
  EXPECT_THAT(WhyNot("windows: [nights]\n", "", nullptr),
              HasSubstr("rebuild.yml:4:11: windows[0]: \"nights\" is a name of the calendar, and "
                        "none is configured"));
  EXPECT_EQ(WhyNot("", "", nullptr), "accepted");
}

}  // namespace
}  // namespace mailhub
