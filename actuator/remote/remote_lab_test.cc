// The runner where systemd is: jobs as units, the dead man's timer, a restart of sshd. Needs the
// lab (tests/lab/lab up); keeps its receipts in a directory of its own there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>
#include <vector>

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

// What real units come to, and what is said of those that do not stay up.
TEST_F(Lab, BelievesAServiceOnlyWhenItStaysUp) {
  struct Unit {
    const char* name;
    const char* text;   // of its file
    const char* words;  // in what a start says; "": it is done
  };
  const std::vector<Unit> units = {
      {"good.service", "[Service]\nExecStart=/bin/sleep infinity", ""},
      {"dies.service", "[Service]\nExecStart=/bin/sh -c \"sleep 0.3; exit 7\"",
       "is failed (failed), result exit-code"},
      {"ends.service", "[Service]\nExecStart=/bin/sleep 0.3", "is inactive (dead)"},
      {"loop.service",
       "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c \"sleep 0.3; exit 1\"\n"
       "Restart=always\nRestartSec=100ms",
       "it does not stay up"},
      {"slow.service",
       "[Service]\nExecStart=/bin/sh -c \"sleep 1; exit 1\"\nRestart=always\nRestartSec=30s",
       "is activating (auto-restart)"},
      {"once.service", "[Service]\nType=oneshot\nExecStart=/bin/true", ""},
      {"oncebad.service", "[Service]\nType=oneshot\nExecStart=/bin/false", "result exit-code"},
      {"stays.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true", ""},
      {"noexec.service", "[Service]\nExecStart=/no/such/program", "result exit-code"},
      {"limit.service",
       "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\n"
       "ExecStart=/bin/sleep infinity",
       ""},
      {"once.timer", "[Timer]\nOnCalendar=hourly", ""}};
  const std::string folder = "/run/systemd/system/mailhub-test-";
  for (const Unit& unit : units) {
    Shell("cat >" + folder + unit.name + " <<'END'\n" + unit.text + "\nEND");
  }
  Shell("ln -sf /dev/null " + folder + "masked.service; systemctl daemon-reload");
  Shell("for i in 1 2 3 4; do systemctl restart mailhub-test-limit.service; done");
  EXPECT_EQ(Shell("systemctl is-failed mailhub-test-limit.service"), "failed\n");
  const auto bring = [&](const std::string& name, const std::string& state) {
    const std::string key = "r/" + name + "-" + state + "/1";
    const std::string body = "@service mailhub-test-" + name + " " + state + " systemd";
    RemoteReply reply;
    EXPECT_TRUE(Eventually([&] {
      reply = Ask(RemoteVerb::kRun, key, body);
      return reply.receipt && reply.receipt->state == ReceiptState::kFinished;
    })) << name;
    return reply.receipt.value_or(engine::Receipt{});
  };
  for (const Unit& unit : units) {
    const engine::Receipt started = bring(unit.name, "started");
    EXPECT_EQ(started.exit_status == 0, *unit.words == 0) << unit.name << ": " << started.output;
    // On a busy host a crash loop may be between two starts at both looks.
    const std::string other = *unit.words == 0 ? "" : "auto-restart";
    EXPECT_THAT(started.output, testing::AnyOf(HasSubstr(unit.words), HasSubstr(other)))
        << unit.name;
    const engine::Receipt stopped = bring(unit.name, "stopped");
    EXPECT_EQ(stopped.exit_status, 0) << unit.name << ": " << stopped.output;
  }
  EXPECT_THAT(bring("masked.service", "started").output, HasSubstr("masked"));
  EXPECT_THAT(bring("nothere.service", "started").output, HasSubstr("not-found"));
  Shell("rm -f " + folder + "*; systemctl daemon-reload; systemctl reset-failed");
}

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
