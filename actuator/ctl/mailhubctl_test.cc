// Every command but `run watch`.
#include <filesystem>
#include <sstream>

#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using api::testing::HeldRun;
using api::testing::kRunId;
using api::testing::RunAtItsGate;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST_F(MailhubctlTest, ListsRuns) {
  const Outcome list = Ctl("run list");
  EXPECT_EQ(list.status, 0) << list.out;
  EXPECT_THAT(list.out, HasSubstr("3f2a91c0aa55  mailhub-rebuild  mailhub2  running  2/4"));
  EXPECT_THAT(Ctl("run list --target mailhub3").out, Not(HasSubstr("mailhub-rebuild")));
  EXPECT_THAT(Ctl("run list --output json").out, HasSubstr("\"stepsTotal\": 4"));
}

TEST_F(MailhubctlTest, ShowsARunWithoutLettingAHostSteerTheTerminal) {
  for (const char* command : {"run show 3f2a91", "run show 3f2a91 --output json", "alert list",
                              "alert explain TablesStale"}) {
    const Outcome shown = Ctl(command);
    EXPECT_EQ(shown.status, 0) << shown.out;
    for (const char c : shown.out)
      EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << command << shown.out;
  }
  EXPECT_THAT(Ctl("run show 3f2a91").out, HasSubstr("| stopped\\x1b]0;owned\\x07\\x1b[2J\n"));
}

TEST_F(MailhubctlTest, SaysWhichAddressDoesNotAnswer) {
  const Outcome list = Execute("--url http://127.0.0.1:1 run list");
  EXPECT_EQ(list.status, 1);
  EXPECT_THAT(list.out, HasSubstr("http://127.0.0.1:1"));
  EXPECT_THAT(Execute("--url nonsense run list").out, HasSubstr("must begin with http"));
}

TEST_F(MailhubctlTest, TellsMistypedCommandsFromFailures) {
  EXPECT_EQ(Execute("run lst").status, 64);
  EXPECT_EQ(Execute("").status, 64);
  EXPECT_EQ(Execute("mode set off").status, 64);
  EXPECT_EQ(Execute("run skip 3f2a91 --hold 1").status, 64) << "a skip needs a reason";
  EXPECT_EQ(Execute("--help").status, 0);
}

TEST_F(MailhubctlTest, StartsARun) {
  const Outcome started =
      CtlWithToken("run start mailhub-rebuild target=mailhub2 --reason 'monthly one'");
  EXPECT_EQ(started.status, 0) << started.out;
  EXPECT_EQ(started.out, "run 0123456789abcdef0123456789abcdef\n");
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].parameters.at("target"), "mailhub2");
  EXPECT_EQ(commands[0].detail, "monthly one");
  EXPECT_EQ(commands[0].by, "anna");
  EXPECT_THAT(CtlWithToken("run start x target").out, HasSubstr("NAME=VALUE"));
  EXPECT_THAT(CtlWithToken("run start x --now").out, HasSubstr("--now needs --reason"));
}

TEST_F(MailhubctlTest, TakesAHostOverForAReason) {
  EXPECT_EQ(CtlWithToken("takeover x500").status, 64);
  const Outcome taken = CtlWithToken("takeover x500 --reason 'the old one is gone'");
  EXPECT_EQ(taken.out, "x500 obeys this actuator now\n");
  const auto takeovers = backend_.Takeovers();
  ASSERT_EQ(takeovers.size(), 1U);
  EXPECT_EQ(takeovers[0].host, "x500");
  EXPECT_EQ(takeovers[0].by, "anna");
  EXPECT_EQ(takeovers[0].detail, "the old one is gone");
  backend_.AnswerWith(Fail(ErrorKind::kUnreachable, "x500: no route"));
  EXPECT_THAT(CtlWithToken("takeover x500 --reason x").out, HasSubstr("no route"));
}

TEST_F(MailhubctlTest, PassesVerbsAndRefusalsOn) {
  EXPECT_EQ(CtlWithToken("run retry 3f2a91 --hold 2").status, 0);
  EXPECT_EQ(CtlWithToken("run resolve 3f2a91 --hold 3 --reason 'started by hand'").status, 0);
  EXPECT_EQ(CtlWithToken("run confirm 3f2a91 --step 4").status, 0);
  EXPECT_EQ(CtlWithToken("run confirm 3f2a91 --step 4 --attempt 2").status, 0);
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 4U);
  EXPECT_EQ(commands[0].hold, 2);
  EXPECT_EQ(commands[1].verb, engine::Verb::kResolve);
  EXPECT_EQ(commands[1].hold, 3);
  EXPECT_EQ(commands[1].detail, "started by hand");
  EXPECT_EQ(commands[2].step, "4");
  EXPECT_EQ(commands[2].attempt, 1);
  EXPECT_EQ(commands[3].attempt, 2);
  backend_.AnswerWith(Fail(ErrorKind::kRefused, "the run does not hold"));
  const Outcome refused = CtlWithToken("run retry 3f2a91 --hold 2");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.out, "mailhubctl: the run does not hold\n");
}

TEST_F(MailhubctlTest, SendsNoVerbThatDoesNotSayWhatItAnswersAndShowsWhatIsAsked) {
  engine::RunView run = HeldRun();
  run.steps[2].output = "one\ntable is locked\n";
  run.holds.push_back({4, "1", "", engine::HoldReason::kDeadManRestored, "started by the host",
                       api::testing::kStart});
  backend_.Show(ViewOf(run));
  for (const char* verb : {"retry", "skip", "resolve", "resume"}) {
    const Outcome asked = CtlWithToken(std::string("run ") + verb + " 3f2a91");
    EXPECT_EQ(asked.status, 1) << asked.out;
    EXPECT_THAT(asked.out, HasSubstr("HOLD 1"));
    EXPECT_THAT(asked.out, HasSubstr("the gate did not open within 1h"));
    EXPECT_THAT(asked.out, HasSubstr("| table is locked"));
    EXPECT_THAT(asked.out, HasSubstr("HOLD 4"));
    EXPECT_THAT(asked.out, HasSubstr("started by the host"));
    EXPECT_THAT(asked.out, HasSubstr("mailhubctl run resume 3f2a91c0aa55 --hold 1\n"));
    EXPECT_THAT(asked.out, HasSubstr("mailhubctl run retry 3f2a91c0aa55 --hold 1\n"));
    EXPECT_THAT(asked.out, HasSubstr("mailhubctl run skip 3f2a91c0aa55 --hold 1 --reason WHY\n"));
    EXPECT_THAT(asked.out,
                HasSubstr("mailhubctl run resolve 3f2a91c0aa55 --hold 4 --reason WHY\n"));
  }
  run = RunAtItsGate();
  run.steps[2].phase = engine::StepPhase::kConfirm;
  run.asks = "Really delete all of it?";
  backend_.Show(ViewOf(run));
  const Outcome asked = CtlWithToken("run confirm 3f2a91");
  EXPECT_EQ(asked.status, 1);
  EXPECT_THAT(asked.out, HasSubstr("Really delete all of it?"));
  EXPECT_THAT(asked.out, HasSubstr("mailhubctl run confirm 3f2a91c0aa55 --step 3\n"));
  EXPECT_THAT(CtlWithToken("run retry 3f2a91").out, HasSubstr("does not hold"));
  EXPECT_TRUE(backend_.Commands().empty());
}

TEST_F(MailhubctlTest, LiftsThePauseThatWasSeen) {
  engine::RunView run = RunAtItsGate();
  run.pause = engine::PauseView{2, "anna", "wait for bert", api::testing::kStart};
  backend_.Show(ViewOf(run));
  const Outcome asked = CtlWithToken("run resume 3f2a91");
  EXPECT_EQ(asked.status, 1);
  EXPECT_THAT(asked.out, HasSubstr("mailhubctl run resume 3f2a91c0aa55 --pause 2\n"));
  EXPECT_EQ(CtlWithToken("run resume 3f2a91 --pause 2").status, 0);
  ASSERT_EQ(backend_.Commands().size(), 1U);
  EXPECT_EQ(backend_.Commands()[0].pause, 2);
}

TEST_F(MailhubctlTest, ShowsAStatusOnOneScreen) {
  engine::View view;
  view.mode = engine::Mode::kObserve;
  engine::RunView run = HeldRun();
  run.dead_men.push_back(
      {"1", "x500", engine::DeadManPhase::kArmed, Seconds(900), Seconds(12), ""});
  view.unfinished = {run};
  engine::EpisodeView episode;
  episode.fingerprint = "00ff12ab34cd56ef";
  episode.alertname = "TablesStale";
  episode.state = engine::EpisodeState::kUnanswered;
  episode.detail = "fires again after its run";
  view.episodes = {episode};
  backend_.Show(view);
  const Outcome status = Ctl("status");
  EXPECT_EQ(status.status, 0) << status.out;
  EXPECT_THAT(status.out, HasSubstr("mode observe"));
  EXPECT_THAT(status.out, HasSubstr("mailhub-rebuild mailhub2: held"));
  EXPECT_THAT(status.out, HasSubstr("HOLD 1"));
  EXPECT_THAT(status.out, HasSubstr("dead men: 1 armed"));
  EXPECT_THAT(status.out, HasSubstr("TablesStale"));
}

TEST_F(MailhubctlTest, HelpsWithAMistypedCommand) {
  const Outcome list = Execute("run lst");
  EXPECT_EQ(list.status, 64);
  EXPECT_THAT(list.out, HasSubstr("no command 'run lst'; did you mean 'run list'?"));
  EXPECT_THAT(Execute("rum list").out, HasSubstr("did you mean 'run'?"));
  EXPECT_THAT(Execute("xyzzy").out, HasSubstr("alert, "));
  EXPECT_THAT(Execute("run").out, HasSubstr("run: which command? "));
  EXPECT_EQ(Execute("--version").status, 0);
  EXPECT_THAT(Execute("--version").out, MatchesRegex("mailhubctl [0-9.]+ .revision [-0-9a-z]+.\n"));
}

TEST_F(MailhubctlTest, RefusesAStateThatDoesNotExist) {
  const Outcome list = Ctl("run list --state helt");
  EXPECT_EQ(list.status, 1);
  EXPECT_THAT(list.out, HasSubstr("state: expected queued, running, held"));
  EXPECT_EQ(Ctl("history --result sucseeded").status, 1);
}

TEST_F(MailhubctlTest, ShowsWhatARunningCommandSaysAndWhetherADeadManIsArmed) {
  engine::RunView run = RunAtItsGate();
  run.steps[2].phase = engine::StepPhase::kActing;
  run.steps[2].gate.reset();
  run.steps[2].output = "table 1 of 7\ntable 2 of 7\n";
  run.dead_men.push_back(
      {"1", "x500", engine::DeadManPhase::kArmed, Seconds(900), Seconds(12), ""});
  run.dead_men.push_back(
      {"2", "mailhub2", engine::DeadManPhase::kUnconfirmed, Seconds(60), std::nullopt, "no route"});
  backend_.Show(ViewOf(run));
  const Outcome shown = Ctl("run show 3f2a91");
  EXPECT_THAT(shown.out, HasSubstr("last output\n        | table 1 of 7\n        | table 2 of 7"));
  EXPECT_THAT(shown.out, HasSubstr("dead man on x500: armed, acts 15m00s after the last renewal, "
                                   "which was confirmed 12s ago"));
  EXPECT_THAT(shown.out, HasSubstr("dead man on mailhub2: unconfirmed"));
  EXPECT_THAT(shown.out, HasSubstr("no route"));
}

TEST_F(MailhubctlTest, SaysTimesWithTheirZoneAndThatAnExpectedEndHasPassed) {
  engine::RunView run = RunAtItsGate();
  run.eta = clock_.Now() - Seconds(185);
  backend_.Show(ViewOf(run));
  EXPECT_THAT(Ctl("run show 3f2a91").out, HasSubstr("started 2026-03-01 10:00:00 +0000"));
  EXPECT_THAT(Ctl("run show 3f2a91").out, HasSubstr("expected end passed 3m"));
  const Outcome utc = Execute("--utc --url " + url_ + " run show 3f2a91");
  EXPECT_THAT(utc.out, HasSubstr("started 2026-03-01 10:00:00 +0000"));
}

TEST_F(MailhubctlTest, TellsAWrongTokenFromNone) {
  const std::string wrong = token_file_ + "-wrong";
  std::ofstream(wrong) << "battery-horse-correct\n";
  const Outcome refused = Ctl("--token-file " + wrong + " run cancel 3f2a91");
  unlink(wrong.c_str());
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.out, HasSubstr("not the API token"));
}

TEST_F(MailhubctlTest, SaysHowToGetInWithoutAToken) {
  const Outcome refused = Ctl("run cancel 3f2a91");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.out, HasSubstr("--token-file"));
  EXPECT_TRUE(backend_.Commands().empty());
  EXPECT_THAT(Ctl("--token-file /nonexistent run cancel 3f2a91").out, HasSubstr("/nonexistent"));
}

TEST_F(MailhubctlTest, PlansWithExactCommands) {
  const Outcome plan = Ctl("run plan mailhub-rebuild target=mailhub2");
  EXPECT_EQ(plan.status, 0) << plan.out;
  EXPECT_THAT(plan.out, HasSubstr("mailhub2$ /home/exim/scripts/rebuild\n"));
  EXPECT_THAT(plan.out, HasSubstr("until idle >= 0.9\n"));
  EXPECT_THAT(plan.out, HasSubstr("Nothing was changed."));
  EXPECT_EQ(Ctl("run plan nonsense").status, 1);
}

TEST_F(MailhubctlTest, ExplainsAlertsByNameFingerprintOrRun) {
  for (const std::string which : {"TablesStale", "f00d", "f00", kRunId, "3f2a91c0aa55"}) {
    const Outcome explained = Ctl("alert explain " + which);
    EXPECT_EQ(explained.status, 0);
    EXPECT_THAT(explained.out, HasSubstr("started a rebuild"));
  }
  EXPECT_THAT(Ctl("alert explain Nothing").out, HasSubstr("no decision is recorded"));
  EXPECT_THAT(Ctl("alert list").out, HasSubstr("the site file has no host mailhub9"));
}

TEST_F(MailhubctlTest, ShowsHistoryAsTableCsvAndJson) {
  const Outcome table = Ctl("history --runbook mailhub-rebuild");
  EXPECT_THAT(table.out, MatchesRegex("STARTED +RUNBOOK +TARGET +RESULT +DURATION.*\n"
                                      "2026-03-01 10:00:00 .0000  mailhub-rebuild  mailhub1  "
                                      "succeeded  "
                                      "4h00m .*\n.*mailhub2  failed .*\n"));
  const Outcome csv = Ctl("history --csv");
  EXPECT_THAT(csv.out, HasSubstr("started,finished,runbook,target,result,duration_seconds"));
  EXPECT_THAT(csv.out, HasSubstr("\"'=cmd|'/c calc'!A1, \"\"quoted\"\"\"")) << "no formula";
  EXPECT_THAT(Ctl("history --json").out, HasSubstr("\"durationSeconds\": 14400.0"));
}

TEST_F(MailhubctlTest, ShowsAndSetsTheMode) {
  EXPECT_EQ(Ctl("mode get").out, "active\n");
  EXPECT_EQ(CtlWithToken("mode set halted").out, "mode halted\n");
  ASSERT_EQ(backend_.Modes().size(), 1U);
  EXPECT_EQ(backend_.Modes()[0], engine::Mode::kHalted);
}

TEST_F(MailhubctlTest, ShowsTheLogOfARun) {
  backend_.SetEvents(api::testing::EventsOfASuccess(kRunId));
  const Outcome log = Ctl("run log 3f2a91");
  EXPECT_THAT(log.out, HasSubstr("2026-03-01 10:00:02 +0000  step_settled  path=1  attempt=1"));
  EXPECT_THAT(log.out, HasSubstr("    | fine\n"));
}

TEST_F(MailhubctlTest, BreaksNoWordOnATerminalOf80Columns) {
  engine::RunView run = HeldRun();
  run.holds[0].detail = "the gate did not open within one hour because x500 is busy and stays so";
  backend_.Show(ViewOf(run));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"run", "list"}, {"alert", "list"}, {"history"}, {"status"}}) {
    std::vector<std::string> arguments = {"--url", url_};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const Outcome shown = OnTerminal(arguments, 80, 24);
    EXPECT_EQ(shown.status, 0) << shown.out;
    std::istringstream lines(shown.out);
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(line.size(), 81U) << line;  // with the carriage return of the terminal
  }
  EXPECT_THAT(OnTerminal({"--url", url_, "run", "list"}, 80, 24).out,
              HasSubstr("3f2a91c0aa55  mailhub-rebuild  mailhub2  held   2/4"));
}

TEST_F(MailhubctlTest, ListsAndClosesEpisodes) {
  engine::View view;
  engine::EpisodeView episode;
  episode.fingerprint = "00ff12ab34cd56ef";
  episode.alertname = "TablesStale";
  episode.state = engine::EpisodeState::kUnanswered;
  episode.run = kRunId;
  view.episodes = {episode};
  backend_.Show(view);
  EXPECT_THAT(Ctl("episode list").out, HasSubstr("00ff12ab34cd56ef  TablesStale  unanswered"));
  EXPECT_THAT(Ctl("episode list --state answered").out, Not(HasSubstr("TablesStale")));
  EXPECT_EQ(CtlWithToken("episode close 00ff12ab34cd --run 3f2a91").status, 64) << "reason";
  EXPECT_EQ(CtlWithToken("episode close 00ff12ab34cd --reason 'mended'").status, 64) << "run";
  const Outcome closed = CtlWithToken("episode close 00ff12ab34cd --run 3f2a91 --reason 'mended'");
  EXPECT_EQ(closed.status, 0) << closed.out;
  EXPECT_THAT(closed.out, HasSubstr("episode 00ff12ab34cd56ef is closed"));
  ASSERT_EQ(backend_.Closed().size(), 1U);
  EXPECT_EQ(backend_.Closed()[0].fingerprint, "00ff12ab34cd56ef");
  EXPECT_EQ(backend_.Closed()[0].run, "3f2a91");
  EXPECT_EQ(backend_.Closed()[0].by, "anna");
}

TEST_F(MailhubctlTest, NamesTheAccountWhereNoVariableDoes) {
  const Outcome started =
      Execute("--url " + url_ + " --token-file " + token_file_ + " run start mailhub-rebuild",
              "env -u USER -u SUDO_USER ");
  EXPECT_EQ(started.status, 0) << started.out;
  ASSERT_EQ(backend_.Commands().size(), 1U);
  EXPECT_NE(backend_.Commands()[0].by, "api");
  EXPECT_NE(backend_.Commands()[0].by, "");
}

TEST(ConfigCheck, SaysWhereAMistakeIs) {
  const std::string path = "/tmp/mailhubctl-site-" + std::to_string(getpid()) + ".yml";
  std::ofstream(path) << "hosts:\n  x500:\n    adress: 10.0.0.1\n";
  const Outcome checked = Execute("config check " + path);
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.out, HasSubstr(path + ":"));
  unlink(path.c_str());
  EXPECT_EQ(Execute("config check /nonexistent.yml").status, 1);
}

TEST(ConfigCheck, TakesTheActuatorsOwnFileWithAllThatItNames) {
  namespace fs = std::filesystem;
  const fs::path folder = "/tmp/mailhubctl-config-" + std::to_string(getpid());
  const fs::path source = MAILHUB_SOURCE_DIR;
  fs::create_directory(folder);
  fs::copy(source / "tests/lab/config/site.yml", folder / "site.yml");
  fs::copy(source / "actuator/runbooks", folder / "runbooks");
  fs::copy(source / "actuator/actuator.example.yml", folder / "actuator.yml");
  const std::string file = (folder / "actuator.yml").string();
  const Outcome good = Execute("config check " + file);
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_THAT(good.out, HasSubstr("2 triggers, 3 runbooks, 6 hosts, no mistake"));
  std::ofstream(file, std::ios::app) << "colour: red\n";
  const Outcome bad = Execute("config check " + file);
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out, HasSubstr(file + ":"));
  EXPECT_THAT(bad.out, HasSubstr("colour"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace mailhub::ctl
