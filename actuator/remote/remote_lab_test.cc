// The runner with systemd: jobs as units, the dead man's timer, a restart of sshd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/remote/testing_lab.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::HasSubstr;

TEST_F(Lab, KeepsAJobAliveWhileSshdRestarts) {
  const std::string evidence = directory + "/evidence";
  ASSERT_TRUE(Ask(RemoteVerb::kLaunch, "r/job/1", "echo begun >>" + evidence + "; sleep 4; exit 6")
                  .receipt);
  EXPECT_THAT(Shell("systemctl list-units 'mailhub-job-*'"), HasSubstr("mailhub-job-r-job-1-"));
  // A shutdown does not wait for it as long as for a service.
  EXPECT_EQ(Shell("systemctl show --property=TimeoutStopUSec 'mailhub-job-r-job-1-*'"),
            "TimeoutStopUSec=5s\n");
  // Asks repeatedly while sshd restarts.
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

TEST_F(Lab, CancelsAJobWithProcessesThatLeftItsGroup) {
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
