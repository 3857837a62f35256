// `status` and the lists: waiting runs, the mode, a refused reload; and the contents of a token
// file.
#include <sstream>

#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using api::testing::RunAtItsGate;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(MailhubctlTest, ShowsWhatARunThatEndsOrIsCancelledWaitsFor) {
  engine::RunView run = RunAtItsGate();
  run.result = engine::RunResult::kCancelled;
  run.result_detail = "it is being cancelled";
  run.waiting_for = "mailhub2: no route to host";
  backend_.Show(ViewOf(run));
  const std::string where =
      "being cancelled, at Wait for a quiet directory server, mailhub2: no route to host\n";
  EXPECT_THAT(Ctl("run list --target mailhub2").out, HasSubstr(where.substr(0, where.size() - 1)));
  EXPECT_THAT(Ctl("status").out, HasSubstr(": running, " + where));
  run.state = engine::RunState::kEnding;
  run.result_detail = "cancelled";
  run.current = run.steps.size();
  backend_.Show(ViewOf(run));
  EXPECT_THAT(Ctl("run list").out, HasSubstr("to end as cancelled, mailhub2: no route to host"));
  EXPECT_THAT(Ctl("status").out, HasSubstr(": ending, to end as cancelled, mailhub2: no route"));
}

TEST_F(MailhubctlTest, TellsTwoRunsOfOneRunbookApart) {
  engine::RunView one = RunAtItsGate();
  one.parameters = {{"mailhub", "mailhub2"}, {"dictionary", "german"}};
  engine::RunView other = one;
  other.id = "4f2a91c0aa55aa55aa55aa55aa55aa55";
  other.parameters["dictionary"] = std::string(100, 'x') + "\x1b[2J";
  engine::View view;
  view.unfinished = {one, other};
  backend_.Show(view);
  for (const char* command : {"run list", "status"}) {
    const Outcome shown = Ctl(command);
    EXPECT_THAT(shown.out, HasSubstr("dictionary=german mailhub=mailhub2")) << command;
    EXPECT_THAT(shown.out, HasSubstr("dictionary=xxx")) << command;
    EXPECT_THAT(shown.out, Not(HasSubstr(std::string(100, 'x')))) << "shortened in a list";
    const Outcome narrow = OnTerminal(command == std::string("status")
                                          ? std::vector<std::string>{"--url", url_, "status"}
                                          : std::vector<std::string>{"--url", url_, "run", "list"},
                                      80, 24);
    std::istringstream lines(narrow.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 81U) << line;
  }
  EXPECT_THAT(Ctl("run show 3f2a91").out,
              HasSubstr("parameters: dictionary=german mailhub=mailhub2\n"));
  EXPECT_THAT(Ctl("run show 4f2a91").out, HasSubstr(std::string(100, 'x') + "\\x1b[2J"));
}

TEST_F(MailhubctlTest, ListsAllThatWaitsForAPersonAndWhatToType) {
  EXPECT_THAT(Ctl("waiting").out, HasSubstr("Nothing waits for a person.")) << "a run at its gate";
  engine::RunView held = RunAtItsGate();
  held.state = engine::RunState::kHeld;
  held.holds.push_back({1,
                        "3",
                        "",
                        engine::HoldReason::kGateShut,
                        "not within 1h",
                        held.queued,
                        {engine::Verb::kRetry, engine::Verb::kSkip},
                        false});
  engine::RunView asks = RunAtItsGate();
  asks.id = "4f2a91c0aa55aa55aa55aa55aa55aa55";
  asks.steps[3].phase = engine::StepPhase::kConfirm;
  asks.steps[3].attempt = 2;
  asks.asks = "Are the tables good?";
  asks.asks_whom = "alice, approver";
  asks.asks_since = asks.queued;
  asks.asks_until = asks.queued + Seconds(7200);
  engine::RunView paused = RunAtItsGate();
  paused.id = "5f2a91c0aa55aa55aa55aa55aa55aa55";
  paused.pause = engine::PauseView{2, "anna", "lunch", paused.queued};
  engine::View view;
  view.unfinished = {held, asks, paused};
  backend_.Show(view);
  const std::string text = Ctl("waiting").out;
  EXPECT_THAT(text, HasSubstr("3f2a91c0aa55 mailhub-rebuild mailhub2: hold at step 3, since "));
  EXPECT_THAT(text, HasSubstr("gate_shut at "));
  EXPECT_THAT(text, HasSubstr("mailhubctl run retry 3f2a91c0aa55 --hold 1\n"));
  EXPECT_THAT(text, HasSubstr("mailhubctl run skip 3f2a91c0aa55 --hold 1 --reason WHY\n"));
  EXPECT_THAT(text, Not(HasSubstr("run resolve"))) << "the hold does not accept it";
  EXPECT_THAT(text, HasSubstr("Are the tables good?"));
  EXPECT_THAT(text, HasSubstr("who may answer: alice, approver"));
  EXPECT_THAT(text, HasSubstr("mailhubctl run confirm 4f2a91c0aa55 --step "));
  EXPECT_THAT(text, HasSubstr("paused by anna: lunch"));
  EXPECT_THAT(text, HasSubstr("mailhubctl run resume 5f2a91c0aa55 --pause 2\n"));
  const std::string json = Ctl("waiting --output json").out;
  EXPECT_THAT(json, HasSubstr("\"kind\": \"confirm\""));
  EXPECT_THAT(json, HasSubstr("\"whom\": \"alice, approver\""));
  EXPECT_THAT(json, HasSubstr("run resume 5f2a91c0aa55 --pause 2"));
}

TEST_F(MailhubctlTest, SaysHowToGoOnWhereTheModeKeepsRunsOrAlertsWaiting) {
  const char* command = "mailhubctl mode set active";
  engine::View view;
  view.mode = engine::Mode::kHalted;
  backend_.Show(view);
  EXPECT_THAT(Ctl("status").out, Not(HasSubstr(command))) << "nothing waits";
  view.unfinished = {RunAtItsGate()};
  backend_.Show(view);
  EXPECT_THAT(Ctl("status").out, HasSubstr(command));
  view.unfinished.clear();
  engine::EpisodeView episode;
  episode.fingerprint = "00ff12ab34cd56ef";
  episode.alertname = "TablesStale";
  episode.state = engine::EpisodeState::kWaiting;
  view.episodes = {episode};
  backend_.Show(view);
  EXPECT_THAT(Ctl("status").out, HasSubstr(command));
  view.mode = engine::Mode::kActive;
  backend_.Show(view);
  EXPECT_THAT(Ctl("status").out, Not(HasSubstr(command)));
}

TEST_F(MailhubctlTest, SaysThatTheLastReloadWasRefusedAndWhatIsInForce) {
  backend_.SetConfiguration({.since = api::testing::kStart});
  EXPECT_THAT(Ctl("status").out, Not(HasSubstr("RELOAD")));
  backend_.SetConfiguration(
      {.since = api::testing::kStart,
       .refused = api::testing::kStart + Seconds(60),
       .why = "actuator.yml:13:5: colour: unknown key\nkey: no such file\x1b"});
  EXPECT_THAT(Ctl("status").out,
              HasSubstr("THE LAST RELOAD WAS REFUSED, 2026-03-01 10:01:00 +0000; the configuration "
                        "of 2026-03-01 10:00:00 +0000 is in force:\n"
                        "  actuator.yml:13:5: colour: unknown key\n  key: no such file\\x1b\n"));
}

TEST_F(MailhubctlTest, SaysWhyARunThatIsNotAtAQuestionGoesNotOn) {
  engine::RunView run = RunAtItsGate();
  run.waiting_for = "mode is halted";
  backend_.Show(ViewOf(run));
  EXPECT_THAT(CtlWithToken("run confirm 3f2a91").out,
              HasSubstr("the run asks nothing, it is running: mode is halted"));
}

TEST_F(MailhubctlTest, OnlyChangesNeedAReadableToken) {
  const Outcome looked =
      Execute("--url " + url_ + " run list", "MAILHUB_TOKEN_FILE=/nonexistent/token ");
  EXPECT_EQ(looked.status, 0) << looked.out;
  EXPECT_THAT(looked.out, HasSubstr("3f2a91c0aa55"));
  EXPECT_THAT(looked.out, HasSubstr("mailhubctl: warning: --token-file: /nonexistent/token: "));
  const Outcome changed =
      Execute("--url " + url_ + " mode set halted", "MAILHUB_TOKEN_FILE=/nonexistent/token ");
  EXPECT_EQ(changed.status, 1);
  EXPECT_THAT(changed.out, HasSubstr("mailhubctl: --token-file: /nonexistent/token: "));
  EXPECT_TRUE(backend_.Modes().empty());
}

TEST_F(MailhubctlTest, NamesATokenFileThatHoldsNoToken) {
  const std::string file = token_file_ + "-odd";
  for (const char* text : {"", "\n", "correct horse battery\n", "short\n"}) {
    std::ofstream(file) << text;
    const Outcome changed = Ctl("--token-file " + file + " mode set halted");
    EXPECT_EQ(changed.status, 1);
    EXPECT_THAT(changed.out, HasSubstr("--token-file: " + file + ": ")) << text;
  }
  // The actuator's own file during a token's replacement.
  std::ofstream(token_file_, std::ios::app) << "battery-horse-correct\n";
  EXPECT_EQ(CtlWithToken("mode set halted").status, 0);
  unlink(file.c_str());
}

}  // namespace
}  // namespace mailhub::ctl
