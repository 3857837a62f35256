// An unreadable file is not absent: an account other than root, some of whose files a restore or an
// edit has given to root, or replaced. The runner's answers must still be true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;

// "games": an unused account of every Debian. Root may read everything.
constexpr uid_t kUser = 5;
constexpr gid_t kGroup = 60;
constexpr const char* kNotRead = " cannot be read";

RunnerSetup OfAnAccount(RunnerSetup setup) {
  setup.shell = "setpriv --reuid=" + std::to_string(kUser) + " --regid=" + std::to_string(kGroup) +
                " --keep-groups " + setup.shell;
  return setup;
}

class Unreadable : public testing::TestWithParam<RunnerSetup> {
 protected:
  Unreadable() : host(OfAnAccount(GetParam())) {
    const auto root = std::filesystem::path(host.directory()).parent_path();
    EXPECT_EQ(chown(root.c_str(), kUser, kGroup), 0);
    const RemoteReply hello = host.Hello();
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
  }
  std::string Path(const std::string& name) const { return host.directory() + "/" + name; }
  std::string Trace(const std::string& word) const {
    return "echo " + word + " >>" + host.evidence();
  }
  // Gives it to root, then back to the account.
  void TakeAway(const std::string& name) const {
    ASSERT_EQ(chown(Path(name).c_str(), 0, 0), 0) << name;
    const bool folder = std::filesystem::is_directory(Path(name));
    ASSERT_EQ(chmod(Path(name).c_str(), folder ? 0700 : 0600), 0);
  }
  void GiveBack(const std::string& name) const {
    ASSERT_EQ(chown(Path(name).c_str(), kUser, kGroup), 0) << name;
  }
  static void ExpectUnread(const RemoteReply& reply) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_THAT(reply.receipt.error().kind,
                testing::AnyOf(ErrorKind::kRefused, ErrorKind::kUnreachable));
    EXPECT_THAT(reply.receipt.error().message, testing::HasSubstr(kNotRead));
  }
  static void ExpectState(const RemoteReply& reply, ReceiptState state) {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.receipt->state, state);
  }
  // Does that to a file in turn: root's, a broken link, a folder in its place.
  void WhileItCannotBeRead(const std::string& name, const std::function<void()>& ask) const {
    {
      SCOPED_TRACE(name + " is root's");
      TakeAway(name);
      ask();
      GiveBack(name);
    }
    const std::string saved = Path(name) + "-saved";
    std::filesystem::rename(Path(name), saved);
    {
      SCOPED_TRACE(name + " is a link to itself");
      std::filesystem::create_symlink(Path(name), Path(name));
      ask();
      std::filesystem::remove(Path(name));
    }
    {
      SCOPED_TRACE(name + " is a folder");
      std::filesystem::create_directory(Path(name));
      GiveBack(name);
      ask();
      std::filesystem::remove(Path(name));
    }
    std::filesystem::rename(saved, Path(name));
  }

  RunnerHost host;
};

INSTANTIATE_TEST_SUITE_P(, Unreadable, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

TEST_P(Unreadable, FenceRefusesEveryActuator) {
  const std::string before = host.ReadFile("fence");
  host.identity.journal_id = "stranger";
  WhileItCannotBeRead("fence", [&] {
    ExpectUnread(host.Run("r/1/1", Trace("x")));
    ExpectUnread(host.Launch("r/1/1", Trace("x")));
    ExpectUnread(host.Do(RemoteVerb::kVoid, "r/1/1"));
    ExpectUnread(host.Do(RemoteVerb::kSweep, "r"));
    ExpectUnread(host.Hello());
  });
  EXPECT_EQ(host.ReadFile("fence"), before);
  host.WriteFile("fence", "\n");
  const RemoteReply empty = host.Run("r/1/1", Trace("x"));
  ASSERT_FALSE(empty.receipt);
  EXPECT_THAT(empty.receipt.error().message, testing::HasSubstr("does not say which journal"));
  EXPECT_EQ(host.ReadFile("fence"), "\n");
  EXPECT_EQ(host.Evidence(), "");
  // A person decides.
  Exchange takeover;
  takeover.takeover = true;
  TakeAway("fence");
  EXPECT_TRUE(host.Ask({}, takeover).receipt);
  ExpectState(host.Run("r/1/1", Trace("y")), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "y\n");
}

TEST_P(Unreadable, ReceiptIsNotCalledNone) {
  ExpectState(host.Run("r/1/1", Trace("x")), ReceiptState::kFinished);
  ExpectState(host.Settled("r/1/1"), ReceiptState::kFinished);
  ExpectState(host.Launch("r/2/1", "sleep 65"), ReceiptState::kRunning);
  const auto ask_of = [&](const std::string& key) {
    ExpectUnread(host.Do(RemoteVerb::kStatus, key));
    ExpectUnread(host.Run(key, key == "r/1/1" ? Trace("x") : "sleep 65", Milliseconds(100)));
    ExpectUnread(host.Do(RemoteVerb::kVoid, key));
  };
  for (const std::string name : {"receipts/r/1@1.claim", "receipts/r/1@1.status"}) {
    WhileItCannotBeRead(name, [&] { ask_of("r/1/1"); });
  }
  for (const std::string name : {"receipts/r/2@1.claim", "receipts/r/2@1.exit"}) {
    WhileItCannotBeRead(name, [&] {
      ask_of("r/2/1");
      ExpectUnread(host.Do(RemoteVerb::kSweep, "r"));
    });
  }
  for (const std::string folder : {"receipts/r", "receipts", "swept"}) {
    SCOPED_TRACE(folder);
    TakeAway(folder);
    ask_of("r/1/1");
    ask_of("r/2/1");
    ExpectUnread(host.Do(RemoteVerb::kSweep, "r"));
    GiveBack(folder);
  }
  for (const std::string name : {"id", "mode", "tools"}) {
    WhileItCannotBeRead(name, [&] {
      ask_of("r/1/1");
      ask_of("r/3/1");
    });
  }
  ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kFinished);
  ExpectState(host.Do(RemoteVerb::kStatus, "r/2/1"), ReceiptState::kRunning);
  ExpectState(host.Do(RemoteVerb::kStatus, "r/3/1"), ReceiptState::kNone);
  EXPECT_EQ(host.Evidence(), "x\n");
}

// Once its process has begun nobody can say that it does not run.
TEST_P(Unreadable, ClaimOfALaunchedJobIsNotCalledRefused) {
  const std::string claim = Path("receipts/r/1@1.claim");
  std::filesystem::create_directory(Path("shims"));
  host.WriteFile("shims/setsid",
                 "#!/bin/sh\ncase $* in *\" job \"*) ;; *) exec /usr/bin/setsid \"$@\" ;; "
                 "esac\nkill -STOP $PPID\nPATH=/usr/bin:/bin\nsetsid \"$@\" &\n"
                 "until [ -e " +
                     claim + " ]; do sleep .01; done\nchmod 0 " + claim +
                     "\nkill -CONT $PPID\nwait\n");
  ASSERT_EQ(chmod(Path("shims/setsid").c_str(), 0755), 0);
  host.setup.environment = {{"PATH", Path("shims")}};
  const RemoteReply reply = host.Launch("r/1/1", Trace("x"));
  ASSERT_FALSE(reply.receipt);
  EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_THAT(reply.receipt.error().message, testing::HasSubstr(kNotRead));
  host.setup.environment.clear();
  ASSERT_EQ(chmod(claim.c_str(), 0600), 0);
  ExpectState(host.Settled("r/1/1"), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Unreadable, LeaseIsNotCalledNone) {
  ASSERT_EQ(host.Arm("r/stop", Trace("restored"), Seconds(600)).lease, LeaseState::kArmed);
  const auto ask = [&] {
    ExpectUnread(host.Do(RemoteVerb::kRenew, "r/stop"));
    ExpectUnread(host.Do(RemoteVerb::kDisarm, "r/stop"));
    ExpectUnread(host.Arm("r/stop", Trace("restored"), Seconds(600)));
    ExpectUnread(host.Run("r/stop/1", Trace("x")));
    ExpectUnread(host.Do(RemoteVerb::kSweep, "r"));
  };
  WhileItCannotBeRead("leases/r@stop.lease", [&] {
    ask();
    ExpectUnread(host.Hello());
  });
  {
    SCOPED_TRACE("leases");
    TakeAway("leases");
    ask();
    GiveBack("leases");
  }
  ASSERT_EQ(host.Do(RemoteVerb::kRenew, "r/stop").lease, LeaseState::kArmed);
  // Nothing may be known of another run.
  TakeAway("leases/r@stop.lease");
  ExpectState(host.Run("q/1/1", Trace("x")), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Unreadable, LeaseIsLookedAtUntilItCanBeRead) {
  ASSERT_EQ(host.Arm("r/a", Trace("a"), Seconds(2)).lease, LeaseState::kArmed);
  const pid_t loop = atoi(host.ReadFile("leases/loop").c_str());
  TakeAway("leases/r@a.lease");
  // Others are looked at meanwhile, and the last of those is not the last of all.
  ASSERT_EQ(host.Arm("q/b", Trace("b"), Seconds(1)).lease, LeaseState::kArmed);
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "b\n"; }, Seconds(40)));
  EXPECT_TRUE(Eventually([&] { return host.Do(RemoteVerb::kDisarm, "q/b").receipt.has_value(); }));
  TakeAway("leases");
  std::this_thread::sleep_for(Seconds(9));  // two looks, not a wait for something
  EXPECT_EQ(kill(loop, 0), 0) << "nobody looks at leases";
  GiveBack("leases");
  GiveBack("leases/r@a.lease");
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "b\na\n"; }, Seconds(40)));
  EXPECT_TRUE(Eventually([&] { return kill(loop, 0) != 0; }, Seconds(40)))
      << "it has nothing left to do";
}

TEST_P(Unreadable, AllowlistIsNotCalledEmpty) {
  const std::string allow = Path("allow");
  host.setup.options += " --installed --allow " + allow;
  std::ofstream(allow) << "command touch " << Trace("x") << '\n';
  ASSERT_EQ(chmod(allow.c_str(), 0644), 0);
  ASSERT_EQ(host.Arm("r/stop", "@touch", Seconds(600)).lease, LeaseState::kArmed);
  ASSERT_EQ(chmod(allow.c_str(), 0600), 0);
  ExpectUnread(host.Run("r/1/1", "@touch"));
  ExpectUnread(host.Launch("r/1/1", "@touch"));
  ExpectUnread(host.Arm("q/stop", "@touch", Seconds(600)));
  ASSERT_EQ(chmod(allow.c_str(), 0644), 0);
  ExpectState(host.Run("r/1/1", "@touch"), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "x\n");
}

}  // namespace
}  // namespace mailhub::remote
