// The runner where systemd is: jobs as units, the dead man's timer, a restart of sshd. Needs the
// lab (tests/lab/lab up); keeps its receipts in a directory of its own there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "actuator/remote/remote_hosts.h"
#include "lib/base/digest.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;
using testing::HasSubstr;

constexpr const char* kSite = "/var/lib/mailhub-lab/config/site.yml";
constexpr const char* kHost = "cvshost";

class Lab : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(kSite)) << "the lab is not up";
    auto site = config::LoadSite(kSite);
    ASSERT_TRUE(site) << site.error().message;
    directory = "/var/lib/mailhub-test-" + RandomHex(32);
    LinkOptions options;
    options.directory = directory;
    options.arguments = "--dir " + directory;
    options.cancel_grace = Milliseconds(1'000);
    hosts = std::make_unique<RemoteHosts>(std::make_shared<config::Site>(*site), options);
    hosts->Begin("test-" + RandomHex(64), 1);
    const RemoteReply hello = Ask(RemoteVerb::kHello);
    ASSERT_TRUE(hello.receipt) << hello.receipt.error().message;
    directory_id = hello.directory_id;
  }
  void TearDown() override {
    if (directory_id.empty()) return;
    const std::string unit = "mailhub-deadman-" + directory.substr(directory.rfind('/') + 1);
    Shell("systemctl disable --now " + unit + ".timer; rm -rf " + directory +
          " /etc/systemd/system/" + unit + ".*; systemctl daemon-reload");
  }
  RemoteReply Ask(RemoteVerb verb, const std::string& key = "", const std::string& command = "",
                  Milliseconds after = Milliseconds(0)) {
    RemoteRequest request;
    request.verb = verb;
    request.host = kHost;
    request.key = key;
    request.command = command;
    request.after = after;
    if (verb != RemoteVerb::kHello) request.directory_id = directory_id;
    std::promise<RemoteReply> promise;
    hosts->Submit(request, [&](RemoteReply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  // What a command says, run as a step of its own.
  std::string Shell(const std::string& command) {
    const RemoteReply reply =
        Ask(RemoteVerb::kRun, "shell/" + std::to_string(++steps) + "/1", command);
    return reply.receipt ? reply.receipt->output : reply.receipt.error().message;
  }
  template <typename Condition>
  static bool Eventually(Condition happened) {
    const RealClock clock;
    const SteadyTime deadline = clock.Steady() + Milliseconds(30'000);
    while (!happened()) {
      if (clock.Steady() > deadline) return false;
      std::this_thread::sleep_for(Milliseconds(50));
    }
    return true;
  }

  std::unique_ptr<RemoteHosts> hosts;
  std::string directory;
  std::string directory_id;
  int steps = 0;
};

TEST_F(Lab, KeepsAJobAliveWhileSshdRestarts) {
  const std::string evidence = directory + "/evidence";
  ASSERT_TRUE(Ask(RemoteVerb::kLaunch, "r/job/1", "echo begun >>" + evidence + "; sleep 4; exit 6")
                  .receipt);
  EXPECT_THAT(Shell("systemctl list-units 'mailhub-job-*'"), HasSubstr("mailhub-job-r-job-1-"));
  // Asks again and again while sshd goes and comes back.
  Ask(RemoteVerb::kRun, "r/restart/1", "systemctl restart ssh");
  RemoteReply reply;
  ASSERT_TRUE(Eventually([&] {
    reply = Ask(RemoteVerb::kLaunch, "r/job/1", "echo begun >>" + evidence + "; sleep 4; exit 6");
    return reply.receipt && reply.receipt->state != ReceiptState::kRunning;
  }));
  EXPECT_EQ(reply.receipt->state, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 6);
  EXPECT_EQ(Shell("cat " + evidence), "begun\n");
  EXPECT_TRUE(Eventually(
      [&] { return Shell("systemctl list-units --no-legend 'mailhub-job-r-job-*'").empty(); }));
}

TEST_F(Lab, LeavesADaemonAliveThatAStepHasStarted) {
  ASSERT_TRUE(Ask(RemoteVerb::kLaunch, "r/start/1", "setsid sleep 3141 & echo started").receipt);
  RemoteReply reply;
  ASSERT_TRUE(Eventually([&] {
    reply = Ask(RemoteVerb::kStatus, "r/start/1");
    return reply.receipt && reply.receipt->state == ReceiptState::kFinished;
  }));
  EXPECT_EQ(reply.receipt->output, "started\n");
  EXPECT_TRUE(Eventually(
      [&] { return Shell("systemctl list-units --no-legend 'mailhub-job-r-start-*'").empty(); }));
  EXPECT_EQ(Shell("pgrep -xf 'sleep 3141' >/dev/null && echo alive; pkill -xf 'sleep 3141'"),
            "alive\n");
}

TEST_F(Lab, CancelsAJobWithWhatHasLeftItsGroup) {
  ASSERT_TRUE(Ask(RemoteVerb::kLaunch, "r/job/1", "setsid sleep 3142 & sleep 3142").receipt);
  ASSERT_TRUE(Eventually([&] { return Shell("pgrep -cxf 'sleep 3142'") == "2\n"; }));
  ASSERT_TRUE(Ask(RemoteVerb::kCancel, "r/job/1").receipt);
  const RemoteReply reply = Ask(RemoteVerb::kStatus, "r/job/1");
  ASSERT_TRUE(reply.receipt);
  EXPECT_EQ(reply.receipt->state, ReceiptState::kFinished);
  EXPECT_EQ(Shell("pgrep -cxf 'sleep 3142'"), "0\n");
}

TEST_F(Lab, ArmsARealTimerThatRestoresByItself) {
  const std::string evidence = directory + "/evidence";
  const RemoteReply armed =
      Ask(RemoteVerb::kArm, "r/stop", "echo restored >>" + evidence, Milliseconds(2'000));
  ASSERT_TRUE(armed.receipt) << armed.receipt.error().message;
  EXPECT_EQ(armed.lease, LeaseState::kArmed);
  const std::string timer = "mailhub-deadman-" + directory.substr(directory.rfind('/') + 1);
  EXPECT_EQ(
      Shell("systemctl is-active " + timer + ".timer; systemctl is-enabled " + timer + ".timer"),
      "active\nenabled\n");
  RemoteReply reply;
  ASSERT_TRUE(Eventually([&] {
    reply = Ask(RemoteVerb::kHello);
    return reply.lease == LeaseState::kRestored &&
           reply.lease_detail.find("restored at") != std::string::npos;
  }));
  EXPECT_EQ(Ask(RemoteVerb::kDisarm, "r/stop").lease, LeaseState::kRestored);
  EXPECT_EQ(Shell("cat " + evidence), "restored\n");
  EXPECT_TRUE(Eventually(
      [&] { return Shell("systemctl is-enabled " + timer + ".timer") == "disabled\n"; }));
}

}  // namespace
}  // namespace mailhub::remote
