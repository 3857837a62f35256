// What a runbook says about people who answer and about suitable times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/runbook/testing_books.h"

namespace mailhub::runbook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_books::Book;
using testing_books::Make;
using testing_books::Mistake;

std::string WithQuestion(const std::string& lines) {
  return Book("steps:\n- confirm:\n    question: Now?\n" + lines);
}

TEST(Confirm, APlainTextIsAskedForEverAndAnybodyMayAnswer) {
  const auto plan = Make({Book("steps:\n- confirm: Now?\n")});
  EXPECT_EQ(plan.steps[0].name, "Now?");
  EXPECT_FALSE(plan.steps[0].approval);
}

TEST(Confirm, AMapSaysWhoMayAnswerAndForHowLong) {
  const auto plan =
      Make({WithQuestion("    timeout: 2h\n    on_timeout: abort\n    by: [alice, approver]\n"
                         "    not_the_starter: true\n")});
  const engine::Step& step = plan.steps[0];
  EXPECT_EQ(step.name, "Now?");
  EXPECT_EQ(step.on_failure, engine::OnFailure::kAbort);
  ASSERT_TRUE(step.approval);
  EXPECT_EQ(step.approval->timeout, Milliseconds(7'200'000));
  EXPECT_THAT(step.approval->by, ElementsAre("alice", "approver"));
  EXPECT_TRUE(step.approval->not_the_starter);
}

TEST(Confirm, MistakesNameThePlaceAndWhatWasExpected) {
  EXPECT_THAT(Mistake({Book("steps:\n- confirm: {timeout: 1h}\n")}),
              HasSubstr("the question that a person answers"));
  EXPECT_THAT(Mistake({WithQuestion("    on_timeout: abort\n")}),
              HasSubstr("timeout: missing; expected a duration"));
  EXPECT_THAT(Mistake({WithQuestion("    timeout: 1h\n    on_timeout: continue\n")}),
              HasSubstr("expected hold or abort: silence is no consent"));
  EXPECT_THAT(Mistake({WithQuestion("    by: [viewer]\n")}), HasSubstr("a viewer may only look"));
  EXPECT_THAT(Mistake({WithQuestion("    by: [ann, ann]\n")}), HasSubstr("is listed twice"));
  EXPECT_THAT(Mistake({WithQuestion("    by: []\n")}), HasSubstr("1 to 32 logins or roles"));
  EXPECT_THAT(Mistake({WithQuestion("    timeout: 0s\n")}), HasSubstr("expected at least 1s"));
  EXPECT_THAT(Mistake({WithQuestion("    whom: ann\n")}), HasSubstr("whom: unknown key"));
}

constexpr char kNightly[] = R"(
runbook: nightly
summary: At night
expected: 1h
windows: [nights, weekends]
blackouts: Christmas
steps:
- confirm: Now?
)";

TEST(SuitableTimes, AreFrozenInThePlan) {
  const auto plan =
      Make({Book("expected: 2h\nwindows: [nights]\nblackouts: [exams]\n"
                 "steps:\n- confirm: Now?\n")});
  EXPECT_THAT(plan.suitable.windows, ElementsAre("nights"));
  EXPECT_THAT(plan.suitable.blackouts, ElementsAre("exams"));
}

TEST(SuitableTimes, OfACalledRunbookCountToo) {
  const std::string call = "steps:\n- call: {runbook: nightly}\n";
  const auto plan =
      Make({Book("expected: 2h\nwindows: [nights]\nblackouts: [exams]\n" + call), kNightly});
  EXPECT_THAT(plan.suitable.windows, ElementsAre("nights"));
  EXPECT_THAT(plan.suitable.blackouts, ::testing::UnorderedElementsAre("exams", "Christmas"));
  for (const char* windows : {"", "windows: [days]\n", "windows: [nights, days]\n"}) {
    EXPECT_THAT(Mistake({Book("expected: 2h\n" + std::string(windows) + call), kNightly}),
                HasSubstr("runbook nightly has windows; expected windows of the run's own runbook, "
                          "of these: nights, weekends"))
        << windows;
  }
}

TEST(SuitableTimes, MistakesNameThePlaceAndWhatWasExpected) {
  const std::string rest = "steps:\n- confirm: Now?\n";
  EXPECT_THAT(Mistake({Book("windows: [nights]\n" + rest)}),
              HasSubstr("expected: missing; expected how long a run takes"));
  EXPECT_THAT(Mistake({Book("expected: 1h\nwindows: []\n" + rest)}),
              HasSubstr("1 to 16 names of the calendar"));
  EXPECT_THAT(Mistake({Book("expected: 1h\nblackouts: [a, a]\n" + rest)}),
              HasSubstr("\"a\" is listed twice"));
}

}  // namespace
}  // namespace mailhub::runbook
