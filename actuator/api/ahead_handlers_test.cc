// What is ahead: the calendar with its runs, and a plan with its start.
#include "actuator/api/testing_api.h"
#include "actuator/engine/testing_calendar.h"

namespace mailhub::api {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

ConfigurationState WithNights() {
  auto calendar = std::make_shared<engine::SpanCalendar>();
  calendar->spans["nights"] = {
      {testing::kStart + Seconds(3'600), testing::kStart + Seconds(7'200)}};
  calendar->spans["exams"] = {{testing::kStart, testing::kStart + Seconds(86'400)}};
  calendar->always_blackouts = {"exams"};
  return {.since = testing::kStart, .calendar = calendar};
}

TEST_F(ApiTest, ShowsTheCalendarWithTheRunsOfNow) {
  backend_.SetConfiguration(WithNights());
  engine::RunView queued = testing::RunAtItsGate();
  queued.id = "queued";
  queued.state = engine::RunState::kQueued;
  queued.started.reset();
  queued.waiting_for = "window «nights» is closed until later";
  queued.starts_at = testing::kStart + Seconds(3'600);
  queued.needed = {Seconds(600), "`expected` of its runbook; 2 runs so far"};
  queued.ends_at = testing::kStart + Seconds(4'200);
  engine::RunView held = testing::HeldRun();
  held.end_unknown = "it waits for a person, and nobody knows how long";
  engine::View view;
  view.unfinished = {held, queued};
  backend_.Show(view);
  const Json data = Data(Get("/api/v1/calendar"));
  EXPECT_EQ(data["configured"], true);
  EXPECT_EQ(data["since"], "2026-03-01T10:01:00.000Z") << "now";
  EXPECT_EQ(data["until"], "2026-03-15T10:01:00.000Z");
  ASSERT_EQ(data["intervals"].size(), 2U);
  EXPECT_EQ(data["intervals"][0]["name"], "exams");
  EXPECT_EQ(data["intervals"][0]["blackout"], true);
  EXPECT_EQ(data["intervals"][0]["spans"][0]["begin"], "2026-03-01T10:01:00.000Z") << "cut";
  EXPECT_EQ(data["intervals"][1]["blackout"], false);
  EXPECT_EQ(data["intervals"][1]["spans"][0]["begin"], "2026-03-01T11:00:00.000Z");
  ASSERT_EQ(data["runs"].size(), 2U);
  EXPECT_TRUE(data["runs"][0]["endsAt"].is_null());
  EXPECT_EQ(data["runs"][0]["endUnknown"], held.end_unknown);
  EXPECT_EQ(data["runs"][1]["startsAt"], "2026-03-01T11:00:00.000Z");
  EXPECT_EQ(data["runs"][1]["endsAt"], "2026-03-01T11:10:00.000Z");
  EXPECT_EQ(data["runs"][1]["reservedFrom"], "`expected` of its runbook; 2 runs so far");
  EXPECT_EQ(data["runs"][1]["waitingFor"], queued.waiting_for);
}

TEST_F(ApiTest, SaysThatThereIsNoCalendarAndShowsTheRuns) {
  const Json data = Data(Get("/api/v1/calendar"));
  EXPECT_EQ(data["configured"], false);
  EXPECT_THAT(data["intervals"], IsEmpty());
  EXPECT_EQ(data["runs"].size(), 1U);
}

TEST_F(ApiTest, BoundsTheTimeThatACalendarIsAskedFor) {
  const auto ask = [&](const std::string& query) { return Get("/api/v1/calendar?" + query); };
  EXPECT_EQ(ask("since=2026-03-01T00:00:00Z&until=2027-04-05T00:00:00Z").status, 200);
  for (const char* wrong : {"since=2026-03-01T00:00:00Z&until=2027-04-07T00:00:00Z",
                            "since=2026-03-01T00:00:00Z&until=2026-03-01T00:00:00Z",
                            "until=2026-03-01T00:00:00Z", "until=2099-01-01T00:00:00Z"}) {
    ExpectError(ask(wrong), 400, "invalid", "until: expected a time after `since`");
  }
  ExpectError(ask("since=tomorrow"), 400, "invalid", "since: expected a time");
  auto calendar = std::make_shared<engine::SpanCalendar>();
  for (int i = 0; i < 5'001; ++i) {
    const WallTime at = testing::kStart + Seconds(100 + 20 * i);
    calendar->spans["many"].push_back({at, at + Seconds(10)});
  }
  backend_.SetConfiguration({.since = testing::kStart, .calendar = calendar});
  ExpectError(ask("until=2026-03-15T00:00:00Z"), 400, "invalid", "5001 times");
}

TEST_F(ApiTest, SaysWhenAPlannedRunWouldStartOrThatThisIsNotKnown) {
  const char* const path = "/api/v1/plan?runbook=mailhub-rebuild&parameter=target=mailhub2";
  backend_.ForeseeWith(engine::StartView{.refused = "",
                                         .now = false,
                                         .begin = testing::kStart,
                                         .why = "window «nights» is closed",
                                         .needed = {Seconds(60), "`expected` of its runbook"}});
  const Json start = Data(Get(path))["start"];
  EXPECT_EQ(start["now"], false);
  EXPECT_EQ(start["startsAt"], "2026-03-01T10:00:00.000Z");
  EXPECT_EQ(start["waitingFor"], "window «nights» is closed");
  EXPECT_EQ(start["reservedSeconds"], 60);
  EXPECT_EQ(start["unknown"], "");
  backend_.ForeseeWith(Fail(ErrorKind::kOverloaded, "the journal does not answer"));
  const Json data = Data(Get(path));
  EXPECT_EQ(data["runbook"], "mailhub-rebuild") << "the plan itself is known";
  EXPECT_TRUE(data["start"]["now"].is_null());
  EXPECT_TRUE(data["start"]["reservedSeconds"].is_null());
  EXPECT_THAT(data["start"]["unknown"], HasSubstr("the journal does not answer"));
}

}  // namespace
}  // namespace mailhub::api
