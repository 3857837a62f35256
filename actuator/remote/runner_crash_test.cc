// Kills the runner before and after every call of another program, and at random moments: receipts
// are never untrue, and nothing runs twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::Receipt;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;

constexpr const char* kKey = "r/1/1";

class Crash : public testing::Test {
 protected:
  Crash() : host(UsualSetup()[0]) { EXPECT_TRUE(host.Hello().receipt); }

  // Programs in PATH before the real ones: each counts its calls, and call number `at` kills its
  // caller, before or after the real program's work.
  void PutShims() {
    shims = host.directory() + "-shims";
    std::filesystem::create_directory(shims);
    for (const char* name : {"sync", "ln", "mv", "flock", "env", "dd", "mkdir", "rm", "setsid"}) {
      const std::string path = shims + "/" + name;
      std::ofstream(path) << "#!/bin/sh\n"
                             "real=/usr/bin/"
                          << name
                          << "\n"
                             "echo x >>\"$SHIM_COUNT\"\n"
                             "n=$(wc -l <\"$SHIM_COUNT\")\n"
                             "if [ \"$n\" -eq \"$SHIM_AT\" ]; then\n"
                             "  [ \"$SHIM_WHEN\" = before ] || $real \"$@\"\n"
                             "  kill -9 $PPID\n"
                             "  exit 1\n"
                             "fi\n"
                             "exec $real \"$@\"\n";
      chmod(path.c_str(), 0755);
    }
  }
  void KillAt(int call, const char* when) {
    std::filesystem::remove(host.directory() + "-count");
    host.setup.environment = {{"PATH", shims},
                              {"SHIM_COUNT", host.directory() + "-count"},
                              {"SHIM_AT", std::to_string(call)},
                              {"SHIM_WHEN", when}};
  }
  int Calls() const {
    std::ifstream count(host.directory() + "-count");
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(count), {}, '\n'));
  }
  RemoteRequest Request(RemoteVerb verb, int number) const {
    RemoteRequest request;
    request.verb = verb;
    request.key = "r/" + std::to_string(number) + "/1";
    request.command = "echo " + std::to_string(number) + " >>" + host.evidence() + "; exit 7";
    return request;
  }
  int Ran(int number) const {
    std::istringstream lines(host.Evidence());
    int count = 0;
    for (int line = 0; lines >> line;) count += line == number ? 1 : 0;
    return count;
  }
  // After the crash: the receipt agrees with the facts, asking again runs the command at most once
  // in all, and a final receipt stays unchanged.
  void ExpectTruth(const RemoteRequest& request, int number, const std::string& where) {
    SCOPED_TRACE(where);
    host.setup.environment.clear();
    const RemoteReply after = host.Settled(request.key);
    ASSERT_TRUE(after.receipt) << after.receipt.error().message;
    const Receipt& receipt = *after.receipt;
    switch (receipt.state) {
      case ReceiptState::kNone:
        // Nothing was claimed, so nothing was done; it may run now.
        EXPECT_EQ(Ran(number), 0);
        break;
      case ReceiptState::kFinished:
        EXPECT_EQ(Ran(number), 1);
        EXPECT_EQ(receipt.exit_status, 7);
        break;
      case ReceiptState::kInterrupted:
        EXPECT_LE(Ran(number), 1);
        break;
      default:
        ADD_FAILURE() << "state " << static_cast<int>(receipt.state);
    }
    const int ran_before = Ran(number);
    Exchange exchange;
    exchange.wait = Milliseconds(10'000);
    const RemoteReply again = host.Ask(request, exchange);
    ASSERT_TRUE(again.receipt) << again.receipt.error().message;
    if (receipt.state == ReceiptState::kNone) {
      ASSERT_EQ(host.Settled(request.key).receipt->state, ReceiptState::kFinished);
      EXPECT_EQ(Ran(number), 1);
    } else {
      EXPECT_EQ(again.receipt->state, receipt.state);
      EXPECT_EQ(again.receipt->exit_status, receipt.exit_status);
      EXPECT_EQ(Ran(number), ran_before);
    }
    ++seen[receipt.state];
  }
  // Kills at every call of `verb` until a run needs no more calls.
  void Walk(RemoteVerb verb) {
    PutShims();
    int number = 0;
    for (const char* when : {"before", "after"}) {
      for (int call = 1; call < 60; ++call) {
        KillAt(call, when);
        ++number;
        const RemoteRequest request = Request(verb, number);
        RunnerCall under_fire = host.Start(request, {});
        ASSERT_TRUE(
            Eventually([&] { return kill(under_fire.pid(), 0) != 0 || Reaped(under_fire); }));
        Eventually([&] { return Ended(request); });
        const int calls = Calls();
        ExpectTruth(request, number, std::string(when) + " call " + std::to_string(call));
        if (calls < call) break;
      }
    }
    // The walk met every case.
    EXPECT_GT(seen[ReceiptState::kNone], 0);
    EXPECT_GT(seen[ReceiptState::kInterrupted], 0);
    EXPECT_GT(seen[ReceiptState::kFinished], 0);
    EXPECT_GT(number, 16);
  }
  static bool Reaped(const RunnerCall& call) {
    std::ifstream stat("/proc/" + std::to_string(call.pid()) + "/stat");
    std::string line;
    return !std::getline(stat, line) || line.find(") Z ") != std::string::npos;
  }
  bool Ended(const RemoteRequest& request) {
    RunnerHost& with = host;
    const auto environment = with.setup.environment;
    with.setup.environment.clear();
    const RemoteReply reply = with.Do(RemoteVerb::kStatus, request.key);
    with.setup.environment = environment;
    return reply.receipt && reply.receipt->state != ReceiptState::kRunning;
  }

  RunnerHost host;
  std::string shims;
  std::map<ReceiptState, int> seen;
};

TEST_F(Crash, LeavesTheTruthWhereverTheRunnerIsKilled) {
  Walk(RemoteVerb::kRun);
}

TEST_F(Crash, LeavesTheTruthWhereverAJobIsKilled) {
  Walk(RemoteVerb::kLaunch);
}

TEST_F(Crash, LeavesTheTruthWhenTheWholeGroupIsKilledAtAnyInstant) {
  std::mt19937 random(20240607);
  for (int number = 1; number <= 25; ++number) {
    const RemoteRequest request = Request(RemoteVerb::kRun, number);
    RunnerCall call = host.Start(request, {});
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    kill(-call.pid(), SIGKILL);
    ExpectTruth(request, number, "round " + std::to_string(number));
  }
}

TEST_F(Crash, LetsTheNextOneThroughWhenTheHolderOfTheLockIsKilled) {
  for (const char* options : {"", "--no-flock"}) {
    host.setup.options = options;
    PutShims();
    // Killed while it holds the lock: at ln, which publishes the claim.
    std::filesystem::remove(shims + "/sync");
    std::filesystem::remove(shims + "/flock");
    KillAt(1, "before");
    const int number = host.setup.options.empty() ? 1 : 2;
    RunnerCall holder = host.Start(Request(RemoteVerb::kRun, number), {});
    ASSERT_TRUE(Eventually([&] { return Reaped(holder); }));
    ExpectTruth(Request(RemoteVerb::kRun, number), number, options);
    std::filesystem::remove_all(shims);
  }
}

TEST(DeadMan, RestoresByItself) {
  // Only the loop renews, as on a host without systemd.
  RunnerHost host(UsualSetup()[0]);
  ASSERT_TRUE(host.Hello().receipt);
  const RemoteReply armed =
      host.Arm("r/stop", "echo restored >>" + host.evidence(), Milliseconds(1'000));
  ASSERT_TRUE(armed.receipt);
  EXPECT_EQ(armed.lease, engine::LeaseState::kArmed);
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "restored\n"; }));
}

}  // namespace
}  // namespace mailhub::remote
