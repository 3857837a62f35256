// What /proc says, and what is on disk, may go away for a while: a file server dies, or somebody mounts another /proc.
// The host has not booted for that, and what runs goes on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

// Has this process, and all that it starts, see mounts that nobody else sees.
class Away : public testing::TestWithParam<RunnerSetup> {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }
  Away() : host(GetParam()) {
    EXPECT_TRUE(host.Hello().receipt);
    ExpectState(host.Run("r/1/1", "exec sleep 600", Milliseconds(300)), ReceiptState::kRunning);
    ExpectState(host.Launch("r/2/1", "exec sleep 600"), ReceiptState::kRunning);
    ExpectArmed(host.Arm("q/stop", "echo back >>" + host.evidence(), Seconds(600)));
  }
  ~Away() override { Unmount(); }

  void Mount(const char* type, const char* where, const std::string& options) {
    ASSERT_EQ(mount(type, where, type, 0, options.c_str()), 0) << strerror(errno);
    mounted = where;
  }
  // A file of a server that has died: whoever opens it is told that nobody is connected.
  void MountDeadServer(const char* where, const char* rootmode = "100000") {
    const int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    ASSERT_GE(server, 0);
    Mount("fuse", where,
          "fd=" + std::to_string(server) + ",rootmode=" + rootmode + ",user_id=0,group_id=0");
    close(server);
    EXPECT_EQ(open(where, O_RDONLY), -1);
    EXPECT_EQ(errno, ENOTCONN);
  }
  void Unmount() {
    if (mounted.empty()) return;
    EXPECT_EQ(umount2(mounted.c_str(), MNT_DETACH), 0);
    mounted.clear();
  }

  // From now on access(2) fails with EIO.
  static void FailAccess() {
    std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const unsigned number : {
#ifdef SYS_access
             SYS_access,
#endif
             SYS_faccessat, SYS_faccessat2}) {
      filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
      filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
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
  void ExpectModeIsMissed() {
    host.LookAtLeases();
    for (const RemoteReply& reply :
         {host.Do(RemoteVerb::kStatus, "r/1/1"), host.Do(RemoteVerb::kCancel, "r/2/1"),
          host.Run("r/3/1", "true"), host.Do(RemoteVerb::kRenew, "q/stop"), host.Hello()}) {
      ASSERT_FALSE(reply.receipt) << "state " << static_cast<int>(reply.receipt->state);
      EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
      EXPECT_THAT(reply.receipt.error().message, HasSubstr("/mode "));
    }
    EXPECT_EQ(host.Evidence(), "");
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
INSTANTIATE_TEST_SUITE_P(, Away, testing::ValuesIn(WithProc()), SetupName);

TEST_P(Away, UptimeIsNotMissed) {
  MountDeadServer("/proc/uptime");
  ExpectAllGoesOn();
  ExpectNothingIsRestored();
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Away, BootIdIsWaitedFor) {
  MountDeadServer("/proc/sys/kernel/random/boot_id");
  ExpectNothingIsRestored();
  ExpectAllIsUnavailable();
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Away, AllOfProcButProcessesIsWaitedFor) {
  Mount("proc", "/proc", "subset=pid");
  ExpectNothingIsRestored();
  ExpectAllIsUnavailable();
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Away, ProcIsWaitedFor) {
  Mount("tmpfs", "/proc", "");
  ExpectNothingIsRestored();
  ExpectAllIsUnavailable();
  Unmount();
  ExpectAllGoesOn();
}

// A person's editor, or a disk, leaves something else in the file that says what a boot id is made of.
TEST_P(Away, AModeThatSaysSomethingElseIsWaitedFor) {
  for (const char* odd : {"proc kernel\r\n", "proc kernel", "proc kern\n", "proc\n", ""}) {
    SCOPED_TRACE(odd);
    host.WriteFile("mode", odd);
    ExpectModeIsMissed();
    host.WriteFile("mode", "proc kernel\n");
    ExpectAllGoesOn();
  }
}

TEST_P(Away, AModeThatIsGoneIsNotDecidedAnewWhileSomethingRuns) {
  MountDeadServer("/proc/sys/kernel/random/boot_id");
  std::filesystem::remove(host.directory() + "/mode");
  ExpectModeIsMissed();
  EXPECT_FALSE(std::filesystem::exists(host.directory() + "/mode"));
  Unmount();
  ExpectAllGoesOn();
  EXPECT_EQ(host.ReadFile("mode"), "proc kernel\n");
}

// As docs/runner.md advises if the boot id never comes back.
TEST_P(Away, AModeThatIsGoneIsDecidedAnewWhileNothingRuns) {
  for (const char* key : {"r/1/1", "r/2/1"}) {
    ExpectState(host.Do(RemoteVerb::kCancel, key), ReceiptState::kFinished);
  }
  ExpectState(host.Do(RemoteVerb::kVoid, "r/4/1"), ReceiptState::kVoid);
  EXPECT_TRUE(host.Do(RemoteVerb::kDisarm, "q/stop").receipt);
  MountDeadServer("/proc/sys/kernel/random/boot_id");
  std::filesystem::remove(host.directory() + "/mode");
  EXPECT_TRUE(host.Hello().receipt);
  EXPECT_THAT(host.ReadFile("mode"), StartsWith("proc "));
  ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kFinished);
  ExpectState(host.Run("r/3/1", "true"), ReceiptState::kFinished);
}

// No right is missing, so it may pass. As a disk's error, or that of a file server.
TEST_P(Away, RightsThatCannotBeAskedForAreNotCalledMissing) {
  // A filter is the thread's own, and that of what it starts.
  std::thread([&] {
    FailAccess();
    for (const RemoteReply& reply : {host.Do(RemoteVerb::kStatus, "r/9/1"),
                                     host.Run("r/9/1", "true"), host.Launch("r/9/1", "true")}) {
      if (reply.receipt) continue;  // busybox does not ask; ksh93 does not begin
      EXPECT_THAT(reply.receipt.error().kind,
                  AnyOf(ErrorKind::kUnreachable, ErrorKind::kOutcomeUnknown))
          << reply.receipt.error().message;
    }
  }).join();
  ExpectAllGoesOn();
}

TEST_P(Away, DirectoryIsNotCalledAnother) {
  MountDeadServer(host.directory().c_str(), "40755");
  for (const RemoteReply& reply : {host.Do(RemoteVerb::kStatus, "r/1/1"), host.Run("r/3/1", "true"),
                                   host.Do(RemoteVerb::kRenew, "q/stop"), host.Hello()}) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable) << reply.receipt.error().message;
  }
  Unmount();
  ExpectAllGoesOn();
}

TEST_P(Away, ReceiptsAreNotCalledNone) {
  MountDeadServer((host.directory() + "/receipts/r").c_str(), "40755");
  ExpectUnavailable(host.Do(RemoteVerb::kStatus, "r/1/1"));
  ExpectUnavailable(host.Do(RemoteVerb::kCancel, "r/1/1"));
  Unmount();
  ExpectAllGoesOn();
}

}  // namespace
}  // namespace mailhub::remote
