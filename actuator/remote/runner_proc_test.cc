// What /proc says may go away for a while: lxcfs dies, or somebody mounts another /proc. The host has
// not booted for that, and what runs goes on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::HasSubstr;

// Has this process, and all that it starts, see mounts that nobody else sees.
class Proc : public testing::TestWithParam<RunnerSetup> {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }
  Proc() : host(GetParam()) {
    EXPECT_TRUE(host.Hello().receipt);
    ExpectState(host.Run("r/1/1", "exec sleep 600", Milliseconds(300)), ReceiptState::kRunning);
    ExpectState(host.Launch("r/2/1", "exec sleep 600"), ReceiptState::kRunning);
    ExpectArmed(host.Arm("q/stop", "echo back >>" + host.evidence(), Seconds(600)));
  }
  ~Proc() override { Unmount(); }

  void Mount(const char* type, const char* where, const std::string& options) {
    ASSERT_EQ(mount(type, where, type, 0, options.c_str()), 0) << strerror(errno);
    mounted = where;
  }
  // A file of a server that has died: whoever opens it is told that nobody is connected.
  void MountDeadServer(const char* where) {
    const int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    ASSERT_GE(server, 0);
    Mount("fuse", where, "fd=" + std::to_string(server) + ",rootmode=100000,user_id=0,group_id=0");
    close(server);
    EXPECT_EQ(open(where, O_RDONLY), -1);
    EXPECT_EQ(errno, ENOTCONN);
  }
  void Unmount() {
    if (mounted.empty()) return;
    EXPECT_EQ(umount2(mounted.c_str(), MNT_DETACH), 0);
    mounted.clear();
  }

  void ExpectState(const RemoteReply& reply, ReceiptState state) const {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.receipt->state, state);
  }
  static void ExpectArmed(const RemoteReply& reply) {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.lease, LeaseState::kArmed);
  }
  static void ExpectUnavailable(const RemoteReply& reply) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
    EXPECT_THAT(reply.receipt.error().message, HasSubstr("cannot be read"));
  }
  // A few looks, and the time in which a restoring command would run.
  void ExpectNothingIsRestored() {
    for (int look = 0; look < 3; ++look) {
      host.LookAtLeases();
      std::this_thread::sleep_for(Milliseconds(700));
    }
    EXPECT_EQ(host.Evidence(), "");
  }
  void ExpectAllGoesOn() {
    ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kRunning);
    ExpectState(host.Do(RemoteVerb::kStatus, "r/2/1"), ReceiptState::kRunning);
    ExpectState(host.Run("r/3/1", "true"), ReceiptState::kFinished);
    ExpectArmed(host.Do(RemoteVerb::kRenew, "q/stop"));
    ExpectArmed(host.Hello());
  }
  void ExpectAllIsUnavailable() {
    for (const RemoteVerb verb : {RemoteVerb::kStatus, RemoteVerb::kVoid, RemoteVerb::kCancel}) {
      ExpectUnavailable(host.Do(verb, "r/1/1"));
    }
    ExpectUnavailable(host.Run("r/3/1", "true"));
    ExpectUnavailable(host.Launch("r/3/1", "true"));
    ExpectUnavailable(host.Do(RemoteVerb::kRenew, "q/stop"));
    ExpectUnavailable(host.Arm("q/other", "true", Seconds(600)));
    ExpectUnavailable(host.Do(RemoteVerb::kSweep, "r"));
    ExpectUnavailable(host.Hello());
  }

  RunnerHost host;
  std::string mounted;
};

// A host without /proc has nothing to lose.
std::vector<RunnerSetup> WithProc() {
  std::vector<RunnerSetup> setups = MAILHUB_SETUPS();
  std::erase_if(setups, [](const RunnerSetup& setup) { return !setup.options.empty(); });
  return setups;
}
INSTANTIATE_TEST_SUITE_P(, Proc, testing::ValuesIn(WithProc()), SetupName);

TEST_P(Proc, MayLoseItsUptime) {
  MountDeadServer("/proc/uptime");
  ExpectAllGoesOn();
  ExpectNothingIsRestored();
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Proc, MayLoseItsBootId) {
  MountDeadServer("/proc/sys/kernel/random/boot_id");
  ExpectNothingIsRestored();
  ExpectAllIsUnavailable();
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Proc, MayBeMountedWithProcessesOnly) {
  Mount("proc", "/proc", "subset=pid");
  ExpectNothingIsRestored();
  ExpectAllIsUnavailable();
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Proc, MayBeAway) {
  Mount("tmpfs", "/proc", "");
  ExpectNothingIsRestored();
  ExpectAllIsUnavailable();
  Unmount();
  ExpectAllGoesOn();
}

}  // namespace
}  // namespace mailhub::remote
