// Against a real sshd: this folder is about the interplay of libssh and sshd.
#include "lib/ssh/session.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "lib/ssh/resolve.h"
#include "lib/ssh/testing_sshd.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

SteadyTime In(int ms) {
  return SteadyNow() + Milliseconds(ms);
}

class SessionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { sshd_ = new TestingSshd(); }
  static void TearDownTestSuite() {
    delete sshd_;
    sshd_ = nullptr;
  }

  static std::unique_ptr<Session> Connected(const Cancellation* cancel = nullptr) {
    auto session = Session::Connect(sshd_->Target(), In(5000), cancel);
    EXPECT_TRUE(session.has_value()) << session.error().error.message;
    return session ? std::move(*session) : nullptr;
  }
  static ConnectError FailedConnect(const SshTarget& target, int ms = 3000) {
    auto session = Session::Connect(target, In(ms));
    EXPECT_FALSE(session.has_value());
    return session ? ConnectError{} : session.error();
  }

  static TestingSshd* sshd_;
};
TestingSshd* SessionTest::sshd_ = nullptr;

TEST_F(SessionTest, TellsExitStatusAndKeepsStdoutApartFromStderr) {
  auto session = Connected();
  auto good = session->Exec("echo out; echo err >&2", "", {}, In(3000));
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_TRUE(good->Succeeded());
  EXPECT_EQ(good->out, "out\n");
  EXPECT_EQ(good->err, "err\n");
  EXPECT_FALSE(good->truncated);
  EXPECT_FALSE(good->left_running);
  auto bad = session->Exec("exit 3", "", {}, In(3000));
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->exit_status, 3);
  EXPECT_FALSE(bad->Succeeded());
}

TEST_F(SessionTest, TellsASignalFromAnExitStatus) {
  auto result = Connected()->Exec("kill -TERM $$", "", {}, In(3000));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->exit_signal, "TERM");
  EXPECT_EQ(result->exit_status, -1);
}

TEST_F(SessionTest, DeliversStdinWholeAndEndsIt) {
  std::string input(700'000, 'x');
  for (size_t i = 0; i < input.size(); i += 100) input[i] = '\n';
  auto result = Connected()->Exec("cat", input, {}, In(5000));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->out, input);
}

TEST_F(SessionTest, DoesNotMindACommandThatLeavesItsStdinUnread) {
  auto result = Connected()->Exec("exit 4", std::string(5'000'000, 'x'), {}, In(5000));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->exit_status, 4);
}

TEST_F(SessionTest, CutsLongOutputAtItsLimitAndStillSeesTheEnd) {
  auto result = Connected()->Exec("head -c 5000000 /dev/zero; exit 7", "", {1000}, In(5000));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->out.size(), 1000U);
  EXPECT_TRUE(result->truncated);
  EXPECT_EQ(result->exit_status, 7);
}

TEST_F(SessionTest, ReturnsWhenTheCommandEndedThoughADaemonStillHoldsItsOutput) {
  auto session = Connected();
  const SteadyTime start = SteadyNow();
  auto result = session->Exec("sleep 3 & echo started", "", {}, In(5000));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->out, "started\n");
  EXPECT_TRUE(result->Succeeded());
  EXPECT_TRUE(result->left_running);
  EXPECT_LT(SteadyNow() - start, Milliseconds(1500));
}

TEST_F(SessionTest, CallsTheOutcomeUnknownWhenTheDeadlinePassesAndGoesOn) {
  auto session = Connected();
  const SteadyTime start = SteadyNow();
  auto result = session->Exec("sleep 2", "", {}, In(200));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_LT(SteadyNow() - start, Milliseconds(1500));
  EXPECT_TRUE(session->Alive());
  EXPECT_TRUE(session->Exec("true", "", {}, In(3000)).has_value());
}

TEST_F(SessionTest, CallsTheOutcomeUnknownWhenTheConnectionEndsMidway) {
  auto session = Connected();
  auto result = session->Exec("echo half; kill -9 $PPID; sleep 1", "", {}, In(3000));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_FALSE(session->Alive());
  auto later = session->Exec("true", "", {}, In(3000));
  ASSERT_FALSE(later.has_value());
  EXPECT_EQ(later.error().kind, ErrorKind::kUnreachable);
}

TEST_F(SessionTest, GivesUpASessionOnWhichTooManyCommandsStillRun) {
  auto session = Connected();
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(session->Exec("sleep 10", "", {}, In(600)).error().kind, ErrorKind::kOutcomeUnknown);
  }
  EXPECT_FALSE(session->Alive());
  EXPECT_EQ(session->Exec("true", "", {}, In(200)).error().kind, ErrorKind::kOverloaded);
}

TEST_F(SessionTest, DoesNotGrowWithTheChannelsItOpens) {
  auto session = Connected();
  size_t before = 0;
  for (int i = 0; i < 200; ++i) {
    auto result = session->Exec("true", "", {}, In(3000));
    ASSERT_TRUE(result.has_value()) << result.error().message;
    ASSERT_LE(session->OpenChannels(), 6U);
    if (i == 50) before = mallinfo2().uordblks;
  }
  EXPECT_LT(mallinfo2().uordblks, before + size_t{64} * 1024);
}

TEST_F(SessionTest, RefusesAHostWhoseKeyIsAnother) {
  SshTarget target = sshd_->Target();
  target.known_hosts_file = sshd_->directory() + "/known_hosts_changed";
  std::ifstream other(sshd_->NewKey("other_host") + ".pub");
  std::ofstream(target.known_hosts_file) << "[127.0.0.1]:" << target.port << " " << other.rdbuf();
  const ConnectError error = FailedConnect(target);
  EXPECT_EQ(error.reason, ConnectFailure::kHostKey);
  EXPECT_EQ(error.error.kind, ErrorKind::kRefused);
  EXPECT_THAT(error.error.message, testing::HasSubstr("is not the one in"));
}

TEST_F(SessionTest, RefusesAHostThatIsNotInKnownHosts) {
  SshTarget target = sshd_->Target();
  target.known_hosts_file = sshd_->directory() + "/known_hosts_empty";
  std::ofstream(target.known_hosts_file) << "# nobody\n";
  EXPECT_EQ(FailedConnect(target).reason, ConnectFailure::kHostKey);
}

TEST_F(SessionTest, SaysThatItsOwnFilesCannotBeUsed) {
  const auto expect = [](const SshTarget& target, const std::string& said) {
    const ConnectError error = FailedConnect(target);
    EXPECT_EQ(error.reason, ConnectFailure::kOwnFiles) << Name(error.reason);
    EXPECT_EQ(error.error.kind, ErrorKind::kInvalid);
    EXPECT_THAT(error.error.message, testing::HasSubstr(said));
  };
  SshTarget target = sshd_->Target();
  target.known_hosts_file = sshd_->directory() + "/known_hosts_missing";
  expect(target, "cannot read " + target.known_hosts_file + ": No such file");
  target.known_hosts_file = sshd_->directory();
  expect(target, "it is not a regular file");
  const std::string pipe = sshd_->directory() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  target.known_hosts_file = pipe;
  expect(target, "it is not a regular file");
  target = sshd_->Target();
  target.identity_file = pipe;
  expect(target, "it is not a regular file");
  target = sshd_->Target();
  target.identity_file = sshd_->directory() + "/no_such_key";
  expect(target, "the private key: cannot read " + target.identity_file + ": No such file");
  target.identity_file = sshd_->Target().known_hosts_file;
  expect(target, "cannot use the private key");
}

TEST_F(SessionTest, KnowsAHostByAHashedEntry) {
  SshTarget target = sshd_->Target();
  target.known_hosts_file = sshd_->directory() + "/known_hosts_hashed";
  std::filesystem::copy_file(sshd_->Target().known_hosts_file, target.known_hosts_file);
  ASSERT_EQ(
      std::system(("ssh-keygen -q -H -f " + target.known_hosts_file + " 2>/dev/null >&2").c_str()),
      0);
  auto session = Session::Connect(target, In(3000));
  EXPECT_TRUE(session.has_value()) << session.error().error.message;
}

TEST_F(SessionTest, RefusesAHostWhoseKeyIsRevokedOrWhichALineExcepts) {
  SshTarget target = sshd_->Target();
  const std::string name = "[127.0.0.1]:" + std::to_string(target.port);
  target.known_hosts_file = sshd_->directory() + "/known_hosts_revoked";
  std::ofstream(target.known_hosts_file)
      << name << " " << sshd_->HostKey() << "\n@revoked * " << sshd_->HostKey() << "\n";
  ConnectError error = FailedConnect(target);
  EXPECT_EQ(error.reason, ConnectFailure::kHostKey);
  EXPECT_EQ(error.error.kind, ErrorKind::kRefused);
  EXPECT_THAT(error.error.message,
              testing::HasSubstr("revoked by " + target.known_hosts_file + ":2"));
  std::ofstream(target.known_hosts_file)
      << "*,!127.0.0.1,!" << name << " " << sshd_->HostKey() << "\n";
  EXPECT_EQ(FailedConnect(target).reason, ConnectFailure::kHostKey);
}

TEST_F(SessionTest, ReadsLinesThatOpenSshReads) {
  SshTarget target = sshd_->Target();
  const std::string name = "[127.0.0.1]:" + std::to_string(target.port);
  std::string tabs = sshd_->HostKey();
  tabs.replace(tabs.find(' '), 1, "\t \t");
  const std::string line = name + " " + sshd_->HostKey();
  const std::vector<std::string> texts = {
      name + " ssh-unheard-of AAAA\n" + line + "\n", "\t" + name + "\t" + tabs + "\r\n",
      line + " " + std::string(9000, 'x') + "\n", "127.0.0.1 " + sshd_->HostKey() + "\n"};
  for (const std::string& text : texts) {
    target.known_hosts_file = sshd_->directory() + "/known_hosts_odd";
    std::ofstream(target.known_hosts_file) << text;
    auto session = Session::Connect(target, In(3000));
    EXPECT_TRUE(session.has_value()) << text.substr(0, 80) << session.error().error.message;
  }
}

TEST_F(SessionTest, SaysThatCertificateAuthoritiesAreNotUnderstood) {
  SshTarget target = sshd_->Target();
  target.known_hosts_file = sshd_->directory() + "/known_hosts_authority";
  std::ofstream(target.known_hosts_file) << "@cert-authority * " << sshd_->HostKey() << "\n";
  const ConnectError error = FailedConnect(target);
  EXPECT_EQ(error.reason, ConnectFailure::kHostKey);
  EXPECT_THAT(error.error.message, testing::HasSubstr("@cert-authority"));
}

TEST_F(SessionTest, SaysWhenTheHostDoesNotTakeTheKey) {
  SshTarget target = sshd_->Target();
  target.identity_file = sshd_->NewKey("stranger");
  EXPECT_EQ(FailedConnect(target).reason, ConnectFailure::kAuth);
}

TEST_F(SessionTest, ResolvesNamesAndTriesEveryAddress) {
  SshTarget target = sshd_->Target();
  target.address = "localhost";  // perhaps ::1 first, without a listener
  auto session = Session::Connect(target, In(3000));
  EXPECT_TRUE(session.has_value()) << session.error().error.message;
}

TEST_F(SessionTest, EndsAWaitingCallWhenTheProgramShutsDown) {
  Cancellation cancel;
  auto session = Connected(&cancel);
  const std::string marker = sshd_->directory() + "/running";
  std::jthread stopper([&] {
    const SteadyTime deadline = In(3000);
    while (!std::filesystem::exists(marker) && SteadyNow() < deadline)
      WaitFor(-1, 0, In(5), nullptr);
    cancel.Cancel();
  });
  const SteadyTime start = SteadyNow();
  auto result = session->Exec("touch " + marker + "; sleep 2", "", {}, In(10'000));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_LT(SteadyNow() - start, Milliseconds(1500));
  EXPECT_EQ(session->Exec("true", "", {}, In(1000)).error().kind, ErrorKind::kUnreachable);
}

TEST_F(SessionTest, TalksToAResidentHelper) {
  auto session = Connected();
  auto opened = session->OpenChannel(
      "while read -r line; do echo \"got $line\"; done; echo bye >&2; exit 5", In(3000));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  Channel& channel = **opened;
  std::string reply;
  EXPECT_EQ(channel.Read(&reply, 100, In(50)).value(), ReadState::kTimeout);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(channel.Write("a\n", In(1000)).has_value());
    reply.clear();
    ASSERT_EQ(channel.Read(&reply, 3, In(3000)).value(), ReadState::kData);
    EXPECT_EQ(reply, "got");
    ASSERT_EQ(channel.Read(&reply, 100, In(3000)).value(), ReadState::kData);
    EXPECT_EQ(reply, "got a\n");
  }
  EXPECT_TRUE(session->Exec("true", "", {}, In(3000)).has_value())
      << "other channels work beside it";
  EXPECT_FALSE(channel.ExitStatus().has_value());
}

TEST_F(SessionTest, TellsTheHelpersEndFromSilence) {
  auto session = Connected();
  auto channel = session->OpenChannel("echo last; echo why >&2; exit 5", In(3000));
  ASSERT_TRUE(channel.has_value());
  std::string reply;
  ASSERT_EQ((*channel)->Read(&reply, 100, In(3000)).value(), ReadState::kData);
  EXPECT_EQ(reply, "last\n");
  EXPECT_EQ((*channel)->Read(&reply, 100, In(3000)).value(), ReadState::kEof);
  EXPECT_EQ((*channel)->TakeStderr(), "why\n");
}

TEST_F(SessionTest, GetsTheOutputOfACommandThatEndedBeforeReadingItsInput) {
  auto session = Connected();
  auto channel = session->OpenChannel("echo why", In(3000));
  ASSERT_TRUE(channel.has_value());
  const std::string more_than_the_host_buffers(8U << 20U, 'x');
  const Status written = (*channel)->Write(more_than_the_host_buffers, In(3000));
  EXPECT_TRUE(written) << written.error().message;
  std::string reply;
  EXPECT_EQ((*channel)->Read(&reply, 100, In(3000)).value(), ReadState::kData);
  EXPECT_EQ(reply, "why\n");
}

TEST_F(SessionTest, ClosesAHelperWithoutWaitingAndForgetsIt) {
  auto session = Connected();
  for (int i = 0; i < 30; ++i) {
    auto channel = session->OpenChannel("cat", In(3000));
    ASSERT_TRUE(channel.has_value()) << channel.error().message;
  }
  const SteadyTime deadline = In(3000);
  while (session->OpenChannels() > 0 && SteadyNow() < deadline) {
    static_cast<void>(session->Alive());  // it reads closes; false while many are awaited
    WaitFor(-1, 0, In(5), nullptr);
  }
  EXPECT_EQ(session->OpenChannels(), 0U);
}

TEST_F(SessionTest, FailsAChannelThatOutlivesItsSession) {
  auto session = Connected();
  auto channel = std::move(session->OpenChannel("cat", In(3000)).value());
  session.reset();
  std::string reply;
  EXPECT_EQ(channel->Write("x", In(1000)).error().kind, ErrorKind::kUnreachable);
  EXPECT_EQ(channel->Read(&reply, 10, In(1000)).error().kind, ErrorKind::kOutcomeUnknown);
}

// The lack of a descriptor is not the host's fault.
TEST_F(SessionTest, BlamesNoHostForDescriptorsThatThisProcessLacks) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 128;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::map<std::string, int> seen;
  for (const char* address : {"127.0.0.1", "localhost"}) {
    SshTarget target = sshd_->Target();
    target.address = address;
    std::vector<int> taken;
    for (int fd = 0; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
    errno = 0;  // as in a thread that has not opened anything itself
    const auto addresses = Resolve(address, 22, In(5000), nullptr);
    if (!addresses) {
      EXPECT_EQ(addresses.error().reason, ConnectFailure::kOwnLimits) << address;
    }
    for (int left = 0; left < 6 && !taken.empty(); ++left) {
      {
        const auto session = Session::Connect(target, In(5000));
        const std::string reason = session ? "good" : Name(session.error().reason);
        ++seen[reason];
        if (!session && session.error().reason != ConnectFailure::kOwnLimits) {
          ADD_FAILURE() << address << " with " << left << " left: " << reason << ": "
                        << session.error().error.message;
        }
      }
      close(taken.back());
      taken.pop_back();
    }
    for (const int fd : taken) close(fd);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GT(seen["own_limits"], 0);
  EXPECT_GT(seen["good"], 0);
}

}  // namespace
}  // namespace mailhub::ssh
