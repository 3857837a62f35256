// A full disk, or one without a free inode: commands claimed and leases armed while there was room
// end normally.
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

// A host with its receipts on a small disk of their own.
class SmallDisk : public testing::TestWithParam<RunnerSetup> {
 public:
  explicit SmallDisk(const char* size) : host(GetParam()) {
    std::filesystem::create_directory(host.directory());
    EXPECT_EQ(mount("tmpfs", host.directory().c_str(), "tmpfs", 0, size), 0)
        << std::strerror(errno);
    EXPECT_TRUE(host.Hello().receipt);
  }
  ~SmallDisk() override {
    host.EndAll();
    umount2(host.directory().c_str(), MNT_DETACH);
  }

 protected:
  std::string Lease() const { return host.ReadFile("leases/r@stop.lease"); }

  RunnerHost host;
};

class FullDisk : public SmallDisk {
 public:
  FullDisk() : SmallDisk("size=600k,mode=700") {}

 protected:
  // Leaves `blocks` free. The previous command's runner may still clean up meanwhile.
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
      // The disk is still full.
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

// A host whose disk has space, but for only some hundred names (a tmpfs needs an inode for each,
// links too).
class NoInode : public SmallDisk {
 public:
  NoInode() : SmallDisk("size=8m,nr_inodes=400,mode=700") {}

 protected:
  // Leaves `inodes` free. The previous command's runner may still clean up meanwhile.
  void Fill(int inodes) {
    Empty();
    std::filesystem::create_directory(Filler());
    while (std::ofstream(Filler() + "/" + std::to_string(fillers_)).is_open()) ++fillers_;
    ASSERT_GT(fillers_, inodes);
    for (; inodes > 0; --inodes) {
      std::filesystem::remove(Filler() + "/" + std::to_string(--fillers_));
    }
  }
  void Empty() {
    std::filesystem::remove_all(Filler());
    fillers_ = 0;
  }
  RemoteReply Ask(RemoteVerb verb, const std::string& key, int generation) {
    engine::RemoteRequest request;
    request.verb = verb;
    request.key = key;
    request.command = "true";
    request.after = Seconds(600);
    request.generation = generation;
    return host.Ask(request);
  }
  static void ExpectUnavailable(const RemoteReply& reply) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable) << reply.receipt.error().message;
  }
  std::string Filler() const { return host.directory() + "/filler"; }
  std::string Gate() const { return host.evidence() + ".gate"; }
  void OpenGate() const { std::ofstream(Gate()).close(); }
  // More output than one file can hold, followed by words that only an unkilled command writes.
  std::string Flood(const std::string& word) const {
    return "until [ -e " + Gate() +
           " ]; do sleep 0.05; done; head -c 300000 /dev/zero; echo end; " + "echo " + word +
           " >>" + host.evidence() + "; exit 5";
  }

 private:
  int fillers_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, NoInode, testing::ValuesIn(MAILHUB_SETUPS()),
                         [](const auto& setup) { return setup.param.name; });

TEST_P(NoInode, RunsNothingOrLetsItEndHoweverFewThereAre) {
  int refused = 0;
  int lost = 0;
  for (int inodes = 0; inodes < 14; ++inodes) {
    SCOPED_TRACE(std::to_string(inodes) + " inodes");
    const std::string word = "w" + std::to_string(inodes) + "w";
    const std::string key = "r/" + word + "/1";
    Fill(inodes);
    const RemoteReply reply = host.Run(key, "echo said; sleep 0.1; echo more; echo " + word +
                                                " >>" + host.evidence() + "; exit 5");
    if (!reply.receipt) {
      EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
      EXPECT_EQ(host.Evidence().find(word), std::string::npos) << reply.receipt.error().message;
      ++refused;
      continue;
    }
    EXPECT_THAT(host.Evidence(), HasSubstr(word + '\n'));
    for (const RemoteReply& said : {reply, host.Settled(key)}) {
      ASSERT_TRUE(said.receipt) << said.receipt.error().message;
      EXPECT_EQ(said.receipt->state, ReceiptState::kFinished);
      EXPECT_EQ(said.receipt->exit_status, 5);
      EXPECT_NE(said.receipt->output == "said\nmore\n", said.receipt->truncated)
          << said.receipt->output;
    }
    if (reply.receipt->truncated) ++lost;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 13) << "in the end there is room enough";
  if (GetParam().options.empty()) {  // a lock without flock leaves as many as it takes
    EXPECT_GT(lost, 0) << "never was there room for all but the output";
  }
}

TEST_P(NoInode, IsNoneLeftWhileACommandRunsWhichGoesOn) {
  ASSERT_TRUE(host.Launch("r/1/1", Flood("went on")).receipt);
  ASSERT_TRUE(Eventually(
      [&] { return std::filesystem::exists(host.directory() + "/receipts/r/1@1.out"); }));
  Fill(0);
  OpenGate();
  const RemoteReply settled = host.Settled("r/1/1");
  ASSERT_TRUE(settled.receipt) << settled.receipt.error().message;
  EXPECT_EQ(settled.receipt->state, ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 5);
  EXPECT_TRUE(settled.receipt->truncated);
  EXPECT_EQ(host.Evidence(), "went on\n");
}

TEST_P(NoInode, IsNoneLeftWhileADeadManRestoresWhichGoesOn) {
  ASSERT_EQ(host.Arm("r/stop", Flood("restored"), Seconds(1)).lease, LeaseState::kArmed);
  ASSERT_TRUE(Eventually([&] {
    host.LookAtLeases();
    return std::filesystem::exists(host.directory() + "/leases/r@stop.out");
  }));
  Fill(0);
  OpenGate();
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "restored\n"; }));
  Empty();
  EXPECT_TRUE(Eventually([&] { return Lease().find("state=restored\n") != std::string::npos; }));
  EXPECT_THAT(Lease(), HasSubstr("exit_status=5\n"));
}

TEST_P(NoInode, TakesNothingAwayAndSweepsNothingAndSaysSo) {
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "before").receipt);
  ASSERT_TRUE(host.Run("q/1/1", "true").receipt);
  ASSERT_TRUE(host.Settled("q/1/1").receipt);
  ASSERT_EQ(Ask(RemoteVerb::kArm, "r/stop", 1).lease, LeaseState::kArmed);
  Fill(0);
  ExpectUnavailable(Ask(RemoteVerb::kDisarm, "r/stop", 1));
  EXPECT_THAT(Lease(), HasSubstr("state=armed\n"));
  ExpectUnavailable(host.Do(RemoteVerb::kSweep, "q"));
  Empty();
  EXPECT_EQ(Ask(RemoteVerb::kDisarm, "r/stop", 1).lease, LeaseState::kNone);
  EXPECT_TRUE(host.Do(RemoteVerb::kSweep, "q").receipt);
}

TEST_P(NoInode, DoesNotWaitForALockThatCannotBeMade) {
  host.setup.options += " --no-flock";
  for (const char* run : {"before", "too"}) {
    ASSERT_TRUE(host.Do(RemoteVerb::kSweep, run).receipt);
  }
  Fill(0);
  ExpectUnavailable(host.Do(RemoteVerb::kSweep, "q"));
  Empty();
  EXPECT_TRUE(host.Do(RemoteVerb::kSweep, "q").receipt);
}

}  // namespace
}  // namespace mailhub::remote
