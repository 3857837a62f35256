// An account whose processes logind ends with their session: a process that must outlive the
// connection is started outside of it, or not at all. logind and the account's systemd are
// stand-ins, in the runner's own mount namespace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uid_t kNobody = 65534;

class Session : public testing::Test {
 protected:
  Session() : host(UsualSetup()[0]) {
    root = std::filesystem::path(host.directory()).parent_path();
    for (const char* folder : {"/tools", "/systemd/linger", "/run/systemd", "/d"}) {
      std::filesystem::create_directories(root + folder);
    }
    Logind("b true\nas 0\nas 1 \"root\"\n");
    Script("/tools/busctl", "exec cat " + root + "/logind\n");
    // Its children have MAILHUB_TEST_SCOPE, which no other process here has.
    Script("/tools/systemd-run",
           "[ \"$1\" = --user ] && [ \"$2\" = --scope ] || exit 1\n"
           "while [ \"$1\" != -- ]; do shift; done\n"
           "shift\nMAILHUB_TEST_SCOPE=1 exec \"$@\"\n");
    Script("/shell",
           "[ \"$(id -u)\" -eq 0 ] || exec sh \"$@\"\nexec unshare -m sh -c 'mount --bind " + root +
               "/tools /usr/local/sbin && mount --bind " + root +
               "/systemd /var/lib/systemd && exec setpriv --reuid=nobody --regid=nogroup "
               "--clear-groups sh \"$@\"' x \"$@\"\n");
    chmod(root.c_str(), 0755);
    EXPECT_EQ(chown(host.directory().c_str(), kNobody, kNobody), 0);
    host.setup.shell = root + "/shell";
    host.setup.environment["PATH"] = root + "/tools";
    host.setup.environment["XDG_SESSION_ID"] = "3";
    host.setup.environment["XDG_RUNTIME_DIR"] = root + "/run";
    std::ofstream(root + "/run/systemd/private");
  }
  void Script(const std::string& name, const std::string& text) const {
    std::ofstream(root + name) << "#!/bin/sh\n" << text;
    chmod((root + name).c_str(), 0755);
  }
  // busctl's values of KillUserProcesses, KillOnlyUsers and KillExcludeUsers.
  void Logind(const std::string& says) const { std::ofstream(root + "/logind") << says; }
  void Linger() const { std::ofstream(root + "/systemd/linger/nobody"); }
  // Whether process `pid` was started below the account's systemd.
  static bool IsOutside(const std::string& pid) {
    std::ostringstream all;
    all << std::ifstream("/proc/" + pid + "/environ").rdbuf();
    EXPECT_FALSE(all.str().empty()) << pid;
    return all.str().find("MAILHUB_TEST_SCOPE=1") != std::string::npos;
  }
  std::string Field(const std::string& file, const std::string& name) const {
    const std::string text = "\n" + host.ReadFile(file);
    const size_t at = text.find("\n" + name);
    if (at == std::string::npos) return "";
    return text.substr(at + 1 + name.size(),
                       text.find_first_of(" \n", at + 1) - at - 1 - name.size());
  }

  RunnerHost host;
  std::string root;
};

TEST_F(Session, WithoutLingerNothingIsBegunThatWouldEndWithTheConnection) {
  const RemoteReply hello = host.Hello();
  ASSERT_FALSE(hello.receipt);
  EXPECT_EQ(hello.receipt.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(hello.receipt.error().message, HasSubstr("'loginctl enable-linger nobody'"));
  // Without an answer, it may be so.
  Logind("");
  EXPECT_FALSE(host.Hello().receipt);
}

TEST_F(Session, WithLingerAllOfItIsBegunOutsideTheSession) {
  Linger();
  ASSERT_TRUE(host.Hello().receipt);
  ASSERT_TRUE(host.Launch("r/job/1", "sleep 30").receipt);
  EXPECT_TRUE(IsOutside(Field("receipts/r/job@1.claim", "pid=")));
  ASSERT_EQ(host.Run("r/step/1", "sleep 30", Milliseconds(200)).receipt->state,
            ReceiptState::kRunning);
  EXPECT_TRUE(IsOutside(Field("receipts/r/step@1.claim", "pid=")));
  ASSERT_EQ(host.Arm("r/stop", "true", Seconds(60)).lease, LeaseState::kArmed);
  EXPECT_TRUE(IsOutside(Field("leases/loop", "")));
  const RemoteReply quick = host.Run("r/quick/1", "env");
  ASSERT_TRUE(quick.receipt) << quick.receipt.error().message;
  EXPECT_THAT(quick.receipt->output, testing::Not(HasSubstr("XDG_"))) << "commands see none of it";
}

TEST_F(Session, TheLoopThatAGreetingStartsAnewIsOutsideToo) {
  Logind("b false\nas 0\nas 0\n");
  ASSERT_TRUE(host.Hello().receipt);
  ASSERT_EQ(host.Arm("r/stop", "true", Seconds(60)).lease, LeaseState::kArmed);
  EXPECT_FALSE(IsOutside(Field("leases/loop", "")));
  kill(std::stoi(Field("leases/loop", "")), SIGKILL);
  Logind("b true\nas 0\nas 0\n");
  Linger();
  ASSERT_TRUE(host.Hello().receipt);
  EXPECT_TRUE(IsOutside(Field("leases/loop", "")));
}

TEST_F(Session, AManagerThatIsGoneOrWillGoWithTheSessionIsSaid) {
  Linger();
  ASSERT_TRUE(host.Hello().receipt);
  const auto refused = [&](const std::string& key) {
    const RemoteReply reply = host.Run(key, "true");
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
    EXPECT_THAT(reply.receipt.error().message, HasSubstr("no systemd of nobody any more"));
    EXPECT_FALSE(std::filesystem::exists(host.directory() + "/receipts/r"));
  };
  std::filesystem::remove(root + "/systemd/linger/nobody");  // it runs as long as the session
  refused("r/1/1");
  EXPECT_EQ(host.Hello().receipt.error().kind, ErrorKind::kRefused);
  Linger();
  std::filesystem::remove(root + "/run/systemd/private");
  refused("r/2/1");
  // It is not needed any more, either, once logind ends nothing.
  Logind("b false\nas 0\nas 0\n");
  EXPECT_TRUE(host.Run("r/3/1", "true").receipt);
  EXPECT_TRUE(host.Hello().receipt);
}

TEST_F(Session, WhereLogindEndsNothingItIsNotAskedToLinger) {
  for (const char* says :
       {"b false\nas 0\nas 1 \"root\"\n", "b true\nas 0\nas 2 \"root\" \"nobody\"\n",
        "b true\nas 1 \"guest\"\nas 0\n"}) {
    Logind(says);
    const RemoteReply hello = host.Hello();
    ASSERT_TRUE(hello.receipt) << says << hello.receipt.error().message;
    EXPECT_THAT(Field("tools", "scope"), IsEmpty());
  }
  Logind("b true\nas 1 \"nobody\"\nas 0\n");
  EXPECT_FALSE(host.Hello().receipt);
  // Without PAM there is no session.
  host.setup.environment.erase("XDG_SESSION_ID");
  EXPECT_TRUE(host.Hello().receipt);
}

}  // namespace
}  // namespace mailhub::remote
