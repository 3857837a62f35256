// A full disk: what was claimed or armed while there was room ends as if there still were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::HasSubstr;

constexpr int kBlock = 4096;

// A host whose receipts lie on a small disk of their own.
class FullDisk : public testing::TestWithParam<RunnerSetup> {
 public:
  FullDisk() : host(GetParam()) {
    std::filesystem::create_directory(host.directory());
    EXPECT_EQ(mount("tmpfs", host.directory().c_str(), "tmpfs", 0, "size=600k,mode=700"), 0)
        << std::strerror(errno);
    EXPECT_TRUE(host.Hello().receipt);
  }
  ~FullDisk() override {
    host.EndAll();
    umount2(host.directory().c_str(), MNT_DETACH);
  }

 protected:
  // Leaves `blocks` free. The runner of the command before may still tidy up meanwhile.
  void Fill(int blocks) const {
    const size_t wanted = static_cast<size_t>(blocks) * kBlock;
    EXPECT_TRUE(Eventually([&] {
      std::filesystem::remove(Filler());
      const auto free = std::filesystem::space(host.directory()).available;
      std::ofstream(Filler()) << std::string(free - wanted, 'x');
      return std::filesystem::space(host.directory()).available == wanted;
    })) << std::to_string(blocks) + " blocks";
  }
  std::string Filler() const { return host.directory() + "/filler"; }
  std::string Lease() const { return host.ReadFile("leases/r@stop.lease"); }

  RunnerHost host;
};

INSTANTIATE_TEST_SUITE_P(, FullDisk, testing::ValuesIn(MAILHUB_SETUPS()),
                         [](const auto& setup) { return setup.param.name; });

TEST_P(FullDisk, RunsNothingOrKnowsHowItEndedHoweverLittleRoomThereIs) {
  int refused = 0;
  for (int blocks = 0; blocks < 12; ++blocks) {
    for (const bool job : {false, true}) {
      SCOPED_TRACE(std::to_string(blocks) + " blocks" + (job ? ", a job" : ""));
      const std::string word = std::to_string(blocks) + (job ? "job" : "step");
      const std::string key = "r/" + word + "/1";
      const std::string command = "echo " + word + " >>" + host.evidence() + "; exit 5";
      Fill(blocks);
      const RemoteReply reply = job ? host.Launch(key, command) : host.Run(key, command);
      const bool ran = host.Evidence().find(word + '\n') != std::string::npos;
      if (!reply.receipt) {
        EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
        EXPECT_FALSE(ran) << reply.receipt.error().message;
        ++refused;
        continue;
      }
      // The disk is as full as ever.
      const RemoteReply settled = host.Settled(key);
      ASSERT_TRUE(settled.receipt) << settled.receipt.error().message;
      EXPECT_EQ(settled.receipt->state, ReceiptState::kFinished);
      EXPECT_EQ(settled.receipt->exit_status, 5);
      EXPECT_THAT(host.Evidence(), HasSubstr(word + '\n'));
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20) << "in the end there is room enough";
}

TEST_P(FullDisk, IsFilledWhileACommandRunsWhoseEndIsKnownAllTheSame) {
  const std::string command =
      "until [ -e " + Filler() + " ]; do sleep 0.05; done; echo said; exit 5";
  ASSERT_TRUE(host.Launch("r/1/1", command).receipt);
  ASSERT_TRUE(Eventually(
      [&] { return std::filesystem::exists(host.directory() + "/receipts/r/1@1.exit"); }));
  Fill(0);
  const RemoteReply refused = host.Run("r/2/1", "echo ran >>" + host.evidence());
  ASSERT_FALSE(refused.receipt);
  EXPECT_EQ(refused.receipt.error().kind, ErrorKind::kUnreachable);
  ASSERT_TRUE(Eventually([&] { return !host.ReadFile("receipts/r/1@1.status").empty(); }));
  const RemoteReply settled = host.Settled("r/1/1");
  ASSERT_TRUE(settled.receipt);
  EXPECT_EQ(settled.receipt->state, ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 5);
  EXPECT_TRUE(settled.receipt->output == "said\n" || settled.receipt->truncated)
      << "what could not be kept is not passed over";
  EXPECT_EQ(host.Evidence(), "");
}

TEST_P(FullDisk, KeepsNoDeadManFromActing) {
  ASSERT_EQ(host.Arm("r/stop", "echo restored >>" + host.evidence() + "; exit 5", Seconds(1)).lease,
            LeaseState::kArmed);
  Fill(0);
  ASSERT_TRUE(Eventually([&] {
    host.LookAtLeases();
    return Lease().find("state=restored\n") != std::string::npos;
  }));
  EXPECT_THAT(Lease(), HasSubstr("exit_status=5\n"));
  EXPECT_EQ(host.Evidence(), "restored\n");
  const RemoteReply renewed = host.Do(RemoteVerb::kRenew, "r/stop");
  ASSERT_TRUE(renewed.receipt) << renewed.receipt.error().message;
  EXPECT_EQ(renewed.lease, LeaseState::kRestored);
  EXPECT_EQ(host.Do(RemoteVerb::kDisarm, "r/stop").lease, LeaseState::kRestored);
}

TEST_P(FullDisk, KeepsNoLeaseFromBeingRenewedAgainAndAgain) {
  ASSERT_EQ(host.Arm("r/stop", "true", Seconds(600)).lease, LeaseState::kArmed);
  Fill(0);
  for (int i = 0; i < 5; ++i) {
    host.identity.epoch += 1;  // as after a restart of the actuator
    const RemoteReply renewed = host.Do(RemoteVerb::kRenew, "r/stop");
    ASSERT_TRUE(renewed.receipt) << renewed.receipt.error().message;
    EXPECT_EQ(renewed.lease, LeaseState::kArmed);
  }
  EXPECT_EQ(host.Do(RemoteVerb::kDisarm, "r/stop").lease, LeaseState::kNone);
}

TEST_P(FullDisk, ArmsNothing) {
  Fill(0);
  const RemoteReply reply = host.Arm("r/stop", "true", Seconds(600));
  ASSERT_FALSE(reply.receipt);
  EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
  EXPECT_EQ(Lease(), "");
}

}  // namespace
}  // namespace mailhub::remote
