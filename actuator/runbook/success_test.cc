// Exit statuses that mean success: the allowed values, and their place in the plan.
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

std::string Build(const std::string& more) {
  return Book("steps:\n  - name: Build\n    run: {on: hub1, command: build}\n" + more);
}

TEST(Success, IsZeroUnlessTheStepSaysOtherwise) {
  EXPECT_THAT(Make({Build("")}).steps[0].success, ElementsAre(0));
  EXPECT_THAT(Make({Build("    success: [0, 1]\n")}).steps[0].success, ElementsAre(0, 1));
  EXPECT_THAT(Make({Build("    success: [255]\n")}).steps[0].success, ElementsAre(255));
  EXPECT_THAT(Make({Book("steps:\n  - name: Build\n    job: {on: hub1, command: build}\n"
                         "    timeout: 1h\n    success: [1, 0]\n")})
                  .steps[0]
                  .success,
              ElementsAre(0, 1));
}

TEST(Success, MayBeSetForOwedSteps) {
  const auto plan =
      Make({Build("always:\n  - since: Build\n    name: Tidy\n"
                  "    run: {on: hub1, command: tidy}\n    success: [0, 3]\n")});
  ASSERT_EQ(plan.always.size(), 1u);
  EXPECT_THAT(plan.always[0].step.success, ElementsAre(0, 3));
}

TEST(Success, IsAListOfExitStatuses) {
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {"1", "expected a list of 1 to 16 exit statuses, found \"1\""},
           {"[]", "expected a list of 1 to 16 exit statuses"},
           {"[0, 256]", "success[1]: expected a whole number from 0 to 255"},
           {"[-1]", "success[0]: expected a whole number from 0 to 255"},
           {"[0, 0]", "success[1]: 0 is listed twice"},
           {"[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]", "1 to 16 exit statuses"}}) {
    EXPECT_THAT(Mistake({Build("    success: " + text + "\n")}), HasSubstr(part)) << text;
  }
}

TEST(Success, IsNotForServiceSteps) {
  EXPECT_THAT(Mistake({Book("steps:\n  - name: Start\n    service: {on: hub1, name: client, "
                            "state: started}\n    success: [0, 1]\n")}),
              HasSubstr("steps[0].success: a service is judged by its state"));
}

}  // namespace
}  // namespace mailhub::runbook
