// `mailhubctl run watch`.
#include <atomic>
#include <thread>

#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using api::testing::FinishedRun;
using api::testing::HeldRun;
using api::testing::RunAtItsGate;
using ::testing::HasSubstr;

TEST_F(MailhubctlTest, WatchEndsWithAStatusThatSaysHow) {
  backend_.Show(ViewOf(FinishedRun(engine::RunResult::kSucceeded)));
  EXPECT_EQ(Ctl("run watch 3f2a91").status, 0);
  backend_.Show(ViewOf(FinishedRun(engine::RunResult::kFailed)));
  EXPECT_EQ(Ctl("run watch 3f2a91").status, 1);
  backend_.Show(ViewOf(HeldRun()));
  const Outcome held = Ctl("run watch 3f2a91");
  EXPECT_EQ(held.status, 2);
  EXPECT_THAT(held.out,
              HasSubstr("HOLD 1 (gate_shut) at step 3, Wait for a quiet directory server"));
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
  while (so_far.find("HOLD 1") == std::string::npos &&
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
  bool ended = false;
  const auto end_when_redrawn = [&](const std::string& screen) {
    if (ended || screen.find("\033[J") == std::string::npos) return;
    backend_.Show(ViewOf(FinishedRun(engine::RunResult::kSucceeded)));
    ended = true;
  };
  const Outcome watched = OnTerminal(
      {"--url", url_, "run", "watch", "3f2a91", "--interval", "20ms"}, 100, 30, end_when_redrawn);
  EXPECT_EQ(watched.status, 0);
  EXPECT_THAT(watched.out, HasSubstr("[>] Wait for a quiet directory server"));
  EXPECT_THAT(watched.out, HasSubstr("gate 0.72, wants >= 0.9"));
  EXPECT_THAT(watched.out, HasSubstr("succeeded"));
}

TEST_F(MailhubctlTest, WatchShowsTheWholeReasonOnATerminalOf80Columns) {
  engine::RunView run = HeldRun();
  run.holds[0].detail =
      "the host said that the table /home/exim/tables/aliases is locked by "
      "process 4711 since yesterday evening";
  backend_.Show(ViewOf(run));
  const Outcome watched = OnTerminal({"--url", url_, "run", "watch", "3f2a91"}, 80, 24);
  EXPECT_EQ(watched.status, 2);
  EXPECT_THAT(watched.out, HasSubstr("yesterday evening"));
  EXPECT_THAT(watched.out, HasSubstr("mailhubctl run resume 3f2a91c0aa55 --hold 1"));
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
  options.listen_addresses = {"127.0.0.1:" + std::to_string(server_.Port())};
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

TEST_F(MailhubctlTest, WatchSurvivesARestartWhileItWaitsForARunToAppear) {
  server_.Stop();
  backend_.Show({});
  std::atomic<int> asked = 0;
  http::ServerOptions options;
  options.on_finished = [&asked](std::string_view, int, Milliseconds) { ++asked; };
  http::Server first(options);
  api::AddRoutes(first, backend_, metrics_, clock_, {"1", token_file_, 2});
  ASSERT_TRUE(first.Start());
  url_ = "http://127.0.0.1:" + std::to_string(first.Port());
  const std::string seen = "/tmp/mailhubctl-appear-" + std::to_string(getpid());
  Outcome watched;
  std::jthread watcher(
      [&] { watched = Ctl("run watch --runbook mailhub-rebuild --wait-for 30s | tee " + seen); });
  const auto soon = [](const auto& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return condition();
  };
  EXPECT_TRUE(soon([&] { return asked > 0; }));
  options.listen_addresses = {"127.0.0.1:" + std::to_string(first.Port())};
  first.Stop();
  EXPECT_TRUE(soon([&] {
    std::ifstream file(seen);
    const std::string so_far(std::istreambuf_iterator<char>(file), {});
    return so_far.find("does not answer, trying again") != std::string::npos;
  }));
  backend_.Show(ViewOf(HeldRun()));
  http::Server again(options);
  api::AddRoutes(again, backend_, metrics_, clock_, {"1", token_file_, 2});
  const Status started = again.Start();
  EXPECT_TRUE(started) << (started ? "" : started.error().message);
  watcher.join();
  unlink(seen.c_str());
  EXPECT_THAT(watched.out, HasSubstr("HOLD 1 (gate_shut)"));
}

}  // namespace
}  // namespace mailhub::ctl
