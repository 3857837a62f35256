// A service that a dead man's step stops is owed at any end of the run, even without an `always`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/runbook/testing_books.h"

namespace mailhub::runbook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_books::Book;
using testing_books::Make;
using testing_books::Mistake;

constexpr char kStop[] = R"(
steps:
  - name: Stop
    service: {on: hub1, name: client, state: stopped}
    dead_man: {after: 30m, until: Start}
  - name: Start
    service: {on: hub1, name: client, state: started}
    timeout: 5m
)";

// Each entry as "PATH: SINCE-UNTIL HOST NAME".
std::vector<std::string> Owed(const engine::Plan& plan) {
  std::vector<std::string> owed;
  for (const auto& one : plan.always) {
    owed.push_back(one.step.path + ": " + one.since + "-" + one.until + " " + one.step.host + " " +
                   one.step.name);
  }
  return owed;
}

TEST(Owed, AGuardedServiceIsRestartedAtAnyEndOfTheRun) {
  const auto plan = Make({Book(kStop)});
  ASSERT_THAT(Owed(plan), ElementsAre("always.1: 1-2 hub1 Bring back what «Stop» stopped"));
  const engine::Step& step = plan.always[0].step;
  EXPECT_EQ(step.kind, engine::StepKind::kRun);
  EXPECT_EQ(step.command, plan.steps[0].dead_man->restore);
  EXPECT_TRUE(step.idempotent);
  EXPECT_FALSE(step.gate);
  EXPECT_FALSE(step.dead_man);
  EXPECT_EQ(step.timeout, Milliseconds(300'000)) << "as long as the step that does the same";
}

TEST(Owed, TheRunbooksOwnEntryForTheSameStepAndHostIsEnough) {
  const std::string start = "service: {on: hub1, name: client, state: started}}\n";
  const auto with = [](const std::string& until, const std::string& what) {
    return Owed(Make({Book(kStop + std::string("always:\n  - {since: Stop, ") + until +
                           "name: Mine, " + what)}));
  };
  EXPECT_THAT(with("until: Start, ", start), ElementsAre("always.1: 1-2 hub1 Mine"));
  EXPECT_THAT(with("", start), ElementsAre("always.1: 1- hub1 Mine")) << "owed for longer";
  // A note, another host, an entry paid at once: none of them restarts it.
  const std::string added = "always.2: 1-2 hub1 Bring back what «Stop» stopped";
  EXPECT_THAT(with("until: Start, ", "run: {on: hub1, command: note}}\n"),
              ElementsAre("always.1: 1-2 hub1 Mine", added));
  EXPECT_THAT(with("until: Start, ", "service: {on: hub2, name: client, state: started}}\n"),
              ElementsAre("always.1: 1-2 hub2 Mine", added));
  EXPECT_THAT(with("until: Stop, ", start), ElementsAre("always.1: 1-1 hub1 Mine", added));
}

TEST(Owed, ADeadManToTheRunsEndOwesNothing) {
  EXPECT_THAT(Owed(Make({Book(R"(
steps:
  - name: Stop
    service: {on: hub1, name: client, state: stopped}
    dead_man: {after: 30m}
)")})),
              IsEmpty());
}

TEST(Owed, ComesBackInTheOrderInWhichTheRunWouldHaveBroughtItBack) {
  const auto plan = Make({Book(R"(
steps:
  - name: Stop both
    for_each: {host_in: hubs, except: hub3}
    steps:
      - name: Stop on {{host}}
        service: {on: "{{host}}", name: client, state: stopped}
        dead_man: {after: 30m, until: "Start on {{host}}"}
  - name: Start on hub2
    service: {on: hub2, name: client, state: started}
  - name: Start on hub1
    service: {on: hub1, name: client, state: started}
)")});
  EXPECT_THAT(Owed(plan),
              ElementsAre("always.1: 1.hub2.1-2 hub2 Bring back what «Stop on hub2» stopped",
                          "always.2: 1.hub1.1-3 hub1 Bring back what «Stop on hub1» stopped"));
}

constexpr char kPart[] = R"(runbook: part
summary: Called
steps:
  - name: Stop
    service: {on: hub1, name: client, state: stopped}
    dead_man: {after: 30m, until: Start}
  - name: Start
    service: {on: hub1, name: client, state: started}
)";

TEST(Owed, ACalledRunbookOwesItToo) {
  const std::string call = "steps:\n  - name: Once\n    call: {runbook: part}\n";
  EXPECT_THAT(Owed(Make({Book(call), kPart})),
              ElementsAre("1.always.1: 1.1-1.2 hub1 Bring back what «Stop» stopped (Once)"));
  EXPECT_THAT(Owed(Make({Book(call + "always:\n  - {since: Once > Stop, name: Mine, service: {on: "
                                     "hub1, name: client, state: started}}\n"),
                         kPart})),
              ElementsAre("always.1: 1.1- hub1 Mine"))
      << "the caller's own entry counts as well";
}

TEST(Owed, UntilMayNotComeBeforeSince) {
  constexpr char kBackwards[] = R"(
steps:
  - {name: Start, run: {on: server, use: wake}}
  - name: Stop
    run: {on: server, command: stop}
    dead_man: {restore: {use: wake}, after: 5m, until: Start}
)";
  EXPECT_EQ(Mistake({Book(kBackwards)}),
            "book1.yml:8:56: steps[1].dead_man.until: \"Start\" comes before \"Stop\"; expected "
            "this step or a later one, which brings it back");
  EXPECT_EQ(Mistake({Book("steps:\n"
                          "  - {name: Start, run: {on: server, use: wake}}\n"
                          "  - {name: Stop, run: {on: server, command: stop}}\n"
                          "always:\n"
                          "  - {since: Stop, until: Start, name: Wake, run: {on: server, use: "
                          "wake}}\n")}),
            "book1.yml:7:26: always[0].until: \"Start\" comes before \"Stop\", so nothing would "
            "ever be owed; expected that step or a later one");
}

}  // namespace
}  // namespace mailhub::runbook
