#include "actuator/api/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::api {
namespace {

using ::testing::IsEmpty;

engine::Event Decided(engine::Decision decision, const std::string& fingerprint = "f00d") {
  engine::AlertDecided body;
  body.fingerprint = fingerprint;
  body.alertname = "TablesStale";
  body.labels = {{"alertname", "TablesStale"}, {"instance", std::string(5'000, 'x')}};
  body.decision = decision;
  body.detail = "the site file has no host mailhub9";
  return {1, WallTime(), "", body};
}

std::string Field(const LogLine& line, const std::string& name) {
  for (const auto& [field, value] : line.fields)
    if (field == name) return value;
  return "";
}

TEST(EventLog, SaysWhatWasDecidedAboutAnAlertAndWarnsOfARejectedOne) {
  EventLog log;
  const auto rejected = log.Lines(Decided(engine::Decision::kRejected));
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].level, LogLevel::kWarn);
  EXPECT_EQ(Field(rejected[0], "decision"), "rejected");
  EXPECT_EQ(Field(rejected[0], "alert"), "TablesStale");
  EXPECT_EQ(Field(rejected[0], "detail"), "the site file has no host mailhub9");
  EXPECT_LT(Field(rejected[0], "labels").size(), 310U) << "labels are bounded";
  const auto ignored = log.Lines(Decided(engine::Decision::kIgnored, "beef"));
  ASSERT_EQ(ignored.size(), 1U);
  EXPECT_EQ(ignored[0].level, LogLevel::kInfo);
}

TEST(EventLog, SaysTheSameDecisionAboutTheSameAlertOnce) {
  EventLog log;
  EXPECT_EQ(log.Lines(Decided(engine::Decision::kIgnored)).size(), 1U);
  EXPECT_THAT(log.Lines(Decided(engine::Decision::kIgnored)), IsEmpty());
  EXPECT_EQ(log.Lines(Decided(engine::Decision::kRejected)).size(), 1U);
  EXPECT_EQ(log.Lines(Decided(engine::Decision::kIgnored)).size(), 1U) << "it has changed back";
}

TEST(EventLog, ForgetsTheOldestOfTooManyAlerts) {
  EventLog log;
  log.Lines(Decided(engine::Decision::kIgnored, "first"));
  for (int i = 0; i < 5'000; ++i) log.Lines(Decided(engine::Decision::kIgnored, std::to_string(i)));
  EXPECT_THAT(log.Lines(Decided(engine::Decision::kIgnored, "4999")), IsEmpty());
  EXPECT_EQ(log.Lines(Decided(engine::Decision::kIgnored, "first")).size(), 1U);
}

TEST(EventLog, SaysModesDropsAndWhatPeopleDecided) {
  EventLog log;
  const engine::EventBody bodies[] = {
      engine::ModeChanged{engine::Mode::kHalted, "anna"}, engine::RunDropped{"no longer true"},
      engine::OperatorActed{engine::Verb::kSkip, "3", "anna", "done by hand"},
      engine::DeadManRestored{"1", "started by the host"},
      engine::HostTakeover{"x500", "anna", "the old machine is gone"}};
  const char* messages[] = {"The mode has changed", "A run is dropped", "A run is told what to do",
                            "A host has acted by itself", "A host is to be taken over"};
  for (size_t i = 0; i < std::size(bodies); ++i) {
    const auto lines = log.Lines({i + 1, WallTime(), "r", bodies[i]});
    ASSERT_EQ(lines.size(), 1U) << i;
    EXPECT_EQ(lines[0].message, messages[i]);
  }
  EXPECT_THAT(log.Lines({9, WallTime(), "r", engine::StepStarted{"1", 1, ""}}), IsEmpty());
}

}  // namespace
}  // namespace mailhub::api
