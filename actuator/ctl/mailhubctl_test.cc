// The program itself, against a real server with a fake backend behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "actuator/api/api.h"
#include "actuator/api/testing_backend.h"
#include "lib/http/server.h"

namespace mailhub::ctl {
namespace {

using api::testing::FinishedRun;
using api::testing::HeldRun;
using api::testing::kRunId;
using api::testing::RunAtItsGate;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

struct Outcome {
  int status = -1;
  std::string out;  // standard output and error
};

// `arguments` go through the shell.
Outcome Execute(const std::string& arguments) {
  Outcome outcome;
  FILE* program =
      popen(("TZ=UTC USER=anna SUDO_USER= " MAILHUBCTL " " + arguments + " 2>&1").c_str(), "r");
  if (program == nullptr) return outcome;
  std::array<char, 4096> part{};
  while (const size_t got = fread(part.data(), 1, part.size(), program))
    outcome.out.append(part.data(), got);
  const int status = pclose(program);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

engine::View ViewOf(const engine::RunView& run) {
  engine::View view;
  (run.state == engine::RunState::kFinished ? view.finished : view.unfinished) = {run};
  return view;
}

class MailhubctlTest : public ::testing::Test {
 protected:
  MailhubctlTest() : token_file_("/tmp/mailhubctl-token-" + std::to_string(getpid())) {
    std::ofstream(token_file_) << "s3cret\n";
    api::AddRoutes(server_, backend_, metrics_, clock_, {"1", token_file_, 2});
    const Status started = server_.Start();
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    url_ = "http://127.0.0.1:" + std::to_string(server_.Port());
    backend_.Show(ViewOf(RunAtItsGate()));
  }
  ~MailhubctlTest() override {
    server_.Stop();
    unlink(token_file_.c_str());
  }
  Outcome Ctl(const std::string& arguments) { return Execute("--url " + url_ + " " + arguments); }
  Outcome CtlWithToken(const std::string& arguments) {
    return Ctl("--token-file " + token_file_ + " " + arguments);
  }

  const std::string token_file_;
  std::string url_;
  api::testing::FakeBackend backend_;
  api::ActuatorMetrics metrics_{"1"};
  RealClock clock_;
  http::Server server_{http::ServerOptions{}};
};

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
  EXPECT_EQ(Execute("run skip 3f2a91").status, 64) << "a skip needs a reason";
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
  EXPECT_EQ(CtlWithToken("run retry 3f2a91").status, 0);
  EXPECT_EQ(CtlWithToken("run resolve 3f2a91 --reason 'started by hand'").status, 0);
  const auto commands = backend_.Commands();
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_EQ(commands[1].verb, engine::Verb::kResolve);
  EXPECT_EQ(commands[1].detail, "started by hand");
  backend_.AnswerWith(Fail(ErrorKind::kRefused, "the run does not hold"));
  const Outcome refused = CtlWithToken("run retry 3f2a91");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.out, "mailhubctl: the run does not hold\n");
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
  for (const std::string which : {"TablesStale", "f00d", kRunId}) {
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
                                      "2026-03-01 10:00:00  mailhub-rebuild  mailhub1  succeeded  "
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
  EXPECT_THAT(log.out, HasSubstr("2026-03-01 10:00:02  step_settled  path=1  attempt=1"));
  EXPECT_THAT(log.out, HasSubstr("    | fine\n"));
}

TEST_F(MailhubctlTest, WatchEndsWithAStatusThatSaysHow) {
  backend_.Show(ViewOf(FinishedRun(engine::RunResult::kSucceeded)));
  EXPECT_EQ(Ctl("run watch 3f2a91").status, 0);
  backend_.Show(ViewOf(FinishedRun(engine::RunResult::kFailed)));
  EXPECT_EQ(Ctl("run watch 3f2a91").status, 1);
  backend_.Show(ViewOf(HeldRun()));
  const Outcome held = Ctl("run watch 3f2a91");
  EXPECT_EQ(held.status, 2);
  EXPECT_THAT(held.out, HasSubstr("held (gate_shut) at: Wait for a quiet directory server: "
                                  "the gate did not open within 1h\n"));
  EXPECT_EQ(Ctl("run watch ffffff").status, 1);
}

TEST_F(MailhubctlTest, WatchFollowsTheNewestRunThroughAHoldToItsEnd) {
  backend_.Show(ViewOf(HeldRun()));
  Outcome watched;
  // "true" once the program has shown the hold; the run ends only then.
  const std::string seen = "/tmp/mailhubctl-watch-" + std::to_string(getpid());
  std::jthread watcher(
      [&] { watched = Ctl("run watch --until-finished --interval 20ms | tee " + seen); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::string so_far;
  while (so_far.find("held (") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline) {
    std::ifstream file(seen);
    so_far.assign(std::istreambuf_iterator<char>(file), {});
  }
  backend_.Show(ViewOf(FinishedRun(engine::RunResult::kSucceeded)));
  watcher.join();
  unlink(seen.c_str());
  EXPECT_THAT(watched.out, HasSubstr("Stop the main directory process: done after 2.5s\n"));
  EXPECT_THAT(watched.out, HasSubstr("gate 0.72, wants >= 0.9 (false: x500 is busy)\n"));
  EXPECT_THAT(watched.out, HasSubstr("mailhub-rebuild mailhub2: succeeded after 3h53m\n"));
}

TEST_F(MailhubctlTest, WatchRedrawsInPlaceOnATerminal) {
  backend_.Show(ViewOf(RunAtItsGate()));
  int terminal = -1;
  winsize size{};
  size.ws_col = 100;
  size.ws_row = 30;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl(MAILHUBCTL, MAILHUBCTL, "--url", url_.c_str(), "run", "watch", "3f2a91", "--interval",
          "20ms", nullptr);
    _exit(127);
  }
  std::string screen;
  bool ended = false;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = read(terminal, part.data(), part.size())) > 0;) {
    screen.append(part.data(), static_cast<size_t>(got));
    if (!ended && screen.find("\033[J") != std::string::npos) {  // drawn anew at least once
      backend_.Show(ViewOf(FinishedRun(engine::RunResult::kSucceeded)));
      ended = true;
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(terminal);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(screen, HasSubstr("[>] Wait for a quiet directory server"));
  EXPECT_THAT(screen, HasSubstr("gate 0.72, wants >= 0.9"));
  EXPECT_THAT(screen, HasSubstr("succeeded"));
}

TEST_F(MailhubctlTest, WatchSurvivesARestartOfTheActuator) {
  backend_.Show(ViewOf(RunAtItsGate()));
  Outcome watched;
  const std::string seen = "/tmp/mailhubctl-restart-" + std::to_string(getpid());
  std::jthread watcher([&] { watched = Ctl("run watch 3f2a91 --interval 20ms | tee " + seen); });
  const auto waits_for = [&](const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      std::ifstream file(seen);
      const std::string so_far(std::istreambuf_iterator<char>(file), {});
      if (so_far.find(text) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(waits_for("running"));
  http::ServerOptions options;
  options.listen_address = "127.0.0.1:" + std::to_string(server_.Port());
  server_.Stop();
  EXPECT_TRUE(waits_for("does not answer"));
  backend_.Show(ViewOf(FinishedRun(engine::RunResult::kSucceeded)));
  http::Server again(options);
  api::AddRoutes(again, backend_, metrics_, clock_, {"1", token_file_, 2});
  const Status started = again.Start();
  EXPECT_TRUE(started) << (started ? "" : started.error().message);
  watcher.join();
  unlink(seen.c_str());
  EXPECT_THAT(watched.out, HasSubstr("mailhub-rebuild mailhub2: succeeded"));
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
