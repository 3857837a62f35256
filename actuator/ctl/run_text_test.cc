#include "actuator/ctl/run_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::ctl {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Step MakeStep(int number, const std::string& phase, const std::string& result) {
  Step step;
  step.path = std::to_string(number);
  step.name = "Step " + std::to_string(number);
  step.phase = phase;
  step.result = result;
  if (phase != "pending") step.elapsed_s = 2;
  return step;
}

// Of `count` steps, `done` are over and the next waits at its gate.
Run MakeRun(int count, int done) {
  Run run;
  run.id = "3f2a91c0aa55aa55";
  run.runbook = "mailhub-rebuild";
  run.target = "mailhub2";
  run.by = "anna";
  run.state = "running";
  run.started_at = "2026-03-01T10:00:00.000Z";
  run.elapsed_s = 125;
  run.steps_done = done;
  run.steps_total = count;
  for (int i = 1; i <= count; ++i) {
    const bool over = i <= done;
    run.steps.push_back(MakeStep(i,
                                 over            ? "done"
                                 : i == done + 1 ? "gate"
                                                 : "pending",
                                 over ? "done" : ""));
  }
  if (done < count) run.steps[static_cast<size_t>(done)].gate = Gate{"false", 0.72, 0.9, ">=", ""};
  return run;
}

TEST(RunText, ShowsEveryStepWithItsMarkAndTheGateAgainstItsThreshold) {
  ctl::Run run = MakeRun(3, 1);
  const auto lines = RunLines(run, false);
  EXPECT_THAT(lines, Contains("  [x] Step 1  2.0s"));
  EXPECT_THAT(lines, Contains("  [>] Step 2  2.0s  gate  gate 0.72, wants >= 0.9 (false)"));
  EXPECT_THAT(lines, Contains("  [ ] Step 3"));
  EXPECT_THAT(lines, Contains(HasSubstr("elapsed 2m05s")));
}

TEST(RunText, SaysOfAHeldRunWhereWhyAndWhatCanBeDone) {
  ctl::Run run = MakeRun(3, 1);
  run.state = "held";
  run.hold = Hold{"gate_shut", "2", "Step 2", "the gate did not open within 1h"};
  const auto lines = RunLines(run, false);
  EXPECT_THAT(lines, Contains("HELD (gate_shut) at: Step 2"));
  EXPECT_THAT(lines, Contains("  the gate did not open within 1h"));
  EXPECT_THAT(lines, Contains(HasSubstr("retry|skip|resolve|cancel 3f2a91c0aa55")));
  EXPECT_THAT(lines, Contains(HasSubstr("[!] Step 2")));
}

TEST(RunText, FitsTheScreenAndKeepsTheCurrentStepOnIt) {
  for (const int done : {0, 1, 50, 98, 99, 100}) {
    const auto lines = Frame(MakeRun(100, done), 40, 20);
    EXPECT_LE(lines.size(), 20U) << done;
    for (const std::string& line : lines) EXPECT_LE(line.size(), 40U) << line;
    const char* mark = done < 100 ? "[>]" : "[x]";
    EXPECT_THAT(lines, Contains(HasSubstr(mark))) << done;
  }
  EXPECT_LE(Frame(MakeRun(100, 3), 40, 4).size(), 4U);
}

TEST(RunText, EscapesWhatRemoteHostsAnswered) {
  ctl::Run run = MakeRun(2, 1);
  run.steps[0].output = "fine\x1b]0;owned\x07\n";
  run.steps[0].command = "true";
  run.steps[1].gate->why = "\x1b[2Jgone";
  const auto lines = RunLines(run, true);
  EXPECT_THAT(lines, Contains("        | fine\\x1b]0;owned\\x07"));
  EXPECT_THAT(lines, Each(Not(HasSubstr("\x1b"))));
  ChangeLog log;
  EXPECT_THAT(log.Changes(run), Each(Not(HasSubstr("\x1b"))));
}

TEST(RunText, ReportsEachChangeOnce) {
  ChangeLog log;
  EXPECT_THAT(log.Changes(MakeRun(2, 0)),
              ElementsAre("run 3f2a91c0aa55aa55 by anna", "mailhub-rebuild mailhub2: running",
                          "Step 1: gate, gate 0.72, wants >= 0.9 (false)"));
  EXPECT_THAT(log.Changes(MakeRun(2, 0)), IsEmpty());
  EXPECT_THAT(
      log.Changes(MakeRun(2, 1)),
      ElementsAre("Step 1: done after 2.0s", "Step 2: gate, gate 0.72, wants >= 0.9 (false)"));
}

TEST(RunText, RepeatsAMovingGateNowAndThenOnly) {
  ChangeLog log;
  ctl::Run run = MakeRun(1, 0);
  log.Changes(run);
  run.steps[0].gate->value = 0.8;
  run.steps[0].elapsed_s = 5;
  EXPECT_THAT(log.Changes(run), IsEmpty());
  run.steps[0].elapsed_s = 13;
  EXPECT_THAT(log.Changes(run), ElementsAre(AllOf(HasSubstr("0.8"), HasSubstr(">= 0.9"))));
  run.steps[0].gate->state = "stale";
  EXPECT_THAT(log.Changes(run), ElementsAre(HasSubstr("stale")));
}

TEST(RunText, EndsTheLogWithTheResult) {
  ChangeLog log;
  log.Changes(MakeRun(1, 0));
  ctl::Run run = MakeRun(1, 1);
  run.state = "finished";
  run.result = "succeeded";
  EXPECT_THAT(log.Changes(run), ElementsAre("Step 1: done after 2.0s",
                                            "mailhub-rebuild mailhub2: succeeded after 2m05s"));
}

}  // namespace
}  // namespace mailhub::ctl
