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

// `count` steps: `done` are over, and the next waits at its gate.
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
  EXPECT_THAT(lines, Contains("  [>] Step 2  2.0s  gate 0.72, wants >= 0.9 (false)"));
  EXPECT_THAT(lines, Contains("  [ ] Step 3"));
  EXPECT_THAT(lines, Contains(HasSubstr("elapsed 2m05s")));
}

ctl::Run MakeHeldRun() {
  ctl::Run run = MakeRun(3, 1);
  run.state = "held";
  run.steps[1].output = "one\ntwo\nthree\ntable is locked\n";
  run.holds = {{1, "2", "Step 2", "step_failed", "exit status 1", "2026-03-01T10:02:00.000Z"},
               {2, "1", "Step 1", "dead_man_restored", "started by the host", ""}};
  return run;
}

TEST(RunText, SaysOfEveryHoldWhereWhyWhatTheStepSaidAndWhatToType) {
  const auto lines = RunLines(MakeHeldRun(), false);
  EXPECT_THAT(lines, Contains(HasSubstr("HOLD 1 (step_failed) at step 2, Step 2, since 2026-")));
  EXPECT_THAT(lines, Contains("  exit status 1"));
  EXPECT_THAT(lines, Contains("  | table is locked"));
  EXPECT_THAT(lines, Not(Contains("  | one"))) << "the last lines are enough";
  EXPECT_THAT(lines, Contains("HOLD 2 (dead_man_restored) at step 1, Step 1"));
  EXPECT_THAT(lines, Contains("  look again:      mailhubctl run resume 3f2a91c0aa55 --hold 1"));
  EXPECT_THAT(lines, Contains("  try once more:   mailhubctl run retry 3f2a91c0aa55 --hold 1"));
  EXPECT_THAT(
      lines, Contains("  leave it undone: mailhubctl run skip 3f2a91c0aa55 --hold 1 --reason WHY"));
  EXPECT_THAT(
      lines,
      Contains("  declare it done: mailhubctl run resolve 3f2a91c0aa55 --hold 1 --reason WHY"));
  EXPECT_THAT(lines, Contains("  do it again:     mailhubctl run retry 3f2a91c0aa55 --hold 2"));
  EXPECT_THAT(lines, Contains(HasSubstr("[!] Step 2")));
}

TEST(RunText, SaysThatToPassOverARefusedDeadManIsToDoWithoutIt) {
  ctl::Run run = MakeHeldRun();
  run.holds[1].reason = "refused";
  run.holds[1].dead_man = true;
  EXPECT_THAT(RunLines(run, false), Contains(HasSubstr("give up its dead man:")));
  run.holds[1].dead_man = false;
  EXPECT_THAT(RunLines(run, false), Not(Contains(HasSubstr("give up its dead man:"))));
}

TEST(RunText, ShowsHowAStepEndedThatTheRunHasLeft) {
  ctl::Run run = MakeRun(3, 1);
  run.steps[1].phase = "left";
  run.steps[1].exit_status = 3;
  run.steps[1].output = "no room\n";
  const auto lines = RunLines(run, true);
  EXPECT_THAT(lines, Contains(HasSubstr("exit status 3")));
  EXPECT_THAT(lines, Contains(HasSubstr("| no room")));
}

TEST(RunText, OffersOnlyTheAnswersThatAreTaken) {
  ctl::Run run = MakeHeldRun();
  run.holds[1].answers = {"resolve", "skip"};
  const auto lines = RunLines(run, false);
  EXPECT_THAT(lines, Not(Contains(HasSubstr("run retry 3f2a91c0aa55 --hold 2"))));
  EXPECT_THAT(lines, Contains(HasSubstr("run resolve 3f2a91c0aa55 --hold 2")));
}

TEST(RunText, SaysHowAPauseIsLifted) {
  ctl::Run run = MakeRun(3, 1);
  run.pause = ctl::Pause{2, "anna", "wait for bert", ""};
  const auto lines = RunLines(run, false);
  EXPECT_THAT(lines, Contains("PAUSED by anna: wait for bert"));
  EXPECT_THAT(lines, Contains("  go on:           mailhubctl run resume 3f2a91c0aa55 --pause 2"));
}

TEST(RunText, ShowsEveryHoldOnAScreenOfUsualSizeAndCutsNothingOff) {
  ctl::Run run = MakeHeldRun();
  run.holds[0].detail =
      "the host said: " + std::string(20, 'x') + " " + std::string(70, 'y') + " end";
  const auto lines = Frame(run, 79, 23);
  for (const std::string& line : lines) EXPECT_LE(line.size(), 79U) << line;
  EXPECT_THAT(lines, Contains(HasSubstr("HOLD 1")));
  EXPECT_THAT(lines, Contains(HasSubstr("HOLD 2")));
  EXPECT_THAT(lines, Contains(HasSubstr(std::string(70, 'y') + " end")));
  EXPECT_THAT(lines, Contains(HasSubstr("mailhubctl run resolve 3f2a91c0aa55 --hold 1")));
  EXPECT_THAT(lines, Each(Not(HasSubstr("..."))));
}

TEST(RunText, SaysHowToAnswerAQuestion) {
  ctl::Run run = MakeRun(3, 1);
  run.asks = Question{"2[a b]", 2, "Step 2", "Really delete all of it?"};
  EXPECT_THAT(RunLines(run, false),
              AllOf(Contains("ASKS at step 2[a b], Step 2: Really delete all of it?"),
                    Contains("  say yes:         mailhubctl run confirm 3f2a91c0aa55 "
                             "--step '2[a b]' --attempt 2")));
}

TEST(RunText, SaysWhenTheExpectedEndHasPassed) {
  ctl::Run run = MakeRun(3, 1);
  run.eta = "2026-03-01T10:01:00.000Z";
  run.remaining_s = 0;
  run.eta_passed_s = 185;
  EXPECT_THAT(RunLines(run, false), Contains(HasSubstr("expected end passed 3m05s ago")));
}

TEST(RunText, SaysHowEachDeadManIs) {
  ctl::Run run = MakeRun(3, 1);
  run.dead_men = {{"1", "Step 1", "x500", "armed", 900, 12, ""},
                  {"2", "Step 2", "mailhub2", "unconfirmed", 60, std::nullopt, "no route"},
                  {"2", "Step 2", "mailhub3", "restored", 60, 900, ""},
                  {"2", "Step 2", "mailhub1", "lost", 60, std::nullopt, ""}};
  EXPECT_THAT(RunLines(run, false),
              AllOf(Contains("dead man on x500: armed, acts 15m00s after the last renewal, which "
                             "was confirmed 12s ago; guards step 1"),
                    Contains("dead man on mailhub2: unconfirmed, acts 1m00s after the last "
                             "renewal; the host has not confirmed it since the program was "
                             "started; guards step 2; "
                             "no route"),
                    Contains("dead man on mailhub3: restored; guards step 2"),
                    Contains("dead man on mailhub1: lost, acts 1m00s after the last renewal; "
                             "guards step 2")));
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
                          "Step 1: gate 0.72, wants >= 0.9 (false)"));
  EXPECT_THAT(log.Changes(MakeRun(2, 0)), IsEmpty());
  EXPECT_THAT(log.Changes(MakeRun(2, 1)),
              ElementsAre("Step 1: done after 2.0s", "Step 2: gate 0.72, wants >= 0.9 (false)"));
}

TEST(RunText, SaysWhatAQueuedRunWaitsForOnce) {
  ChangeLog log;
  ctl::Run run = MakeRun(1, 0);
  run.state = "queued";
  run.steps[0].phase.clear();
  run.waiting_for = "paused";
  EXPECT_THAT(log.Changes(run), Contains("waits: paused"));
  EXPECT_THAT(log.Changes(run), IsEmpty());
  run.waiting_for = "mode is halted";
  EXPECT_THAT(log.Changes(run), ElementsAre("waits: mode is halted"));
}

TEST(RunText, SaysAGateOnceAlthoughItsFirstReadingComesLater) {
  ChangeLog log;
  ctl::Run run = MakeRun(1, 0);
  const Gate gate = *run.steps[0].gate;
  run.steps[0].gate.reset();
  run.steps[0].elapsed_s = 0.1;
  EXPECT_THAT(log.Changes(run), Not(Contains(HasSubstr("Step 1"))));
  run.steps[0].gate = gate;
  EXPECT_THAT(log.Changes(run), ElementsAre("Step 1: gate 0.72, wants >= 0.9 (false)"));
  run.steps[0].elapsed_s = 60;
  EXPECT_THAT(log.Changes(run), IsEmpty()) << "nothing is new";
}

TEST(RunText, SaysEachHoldOnce) {
  ChangeLog log;
  ctl::Run run = MakeHeldRun();
  run.holds.pop_back();
  EXPECT_THAT(log.Changes(run), Contains(HasSubstr("HOLD 1")));
  EXPECT_THAT(log.Changes(run), IsEmpty());
  EXPECT_THAT(log.Changes(MakeHeldRun()),
              AllOf(Contains(HasSubstr("HOLD 2")), Not(Contains(HasSubstr("HOLD 1")))));
}

TEST(RunText, SaysNowAndThenWhatARunningCommandPrints) {
  ChangeLog log;
  ctl::Run run = MakeRun(1, 0);
  run.steps[0].gate.reset();
  run.steps[0].phase = "acting";
  run.steps[0].output = "table 1\ntable 2\n";
  EXPECT_THAT(log.Changes(run), Contains("Step 1: acting | table 2"));
  run.steps[0].output = "table 3\n";
  EXPECT_THAT(log.Changes(run), IsEmpty());
  run.steps[0].elapsed_s = 15;
  EXPECT_THAT(log.Changes(run), ElementsAre("Step 1: | table 3"));
  EXPECT_THAT(RunLines(run, true),
              AllOf(Contains("        last output"), Contains("        | table 3")));
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
