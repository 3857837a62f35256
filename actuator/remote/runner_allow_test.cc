// The installed runner: root's allowlist decides what it does, and the actuator's key can do
// nothing else. Under every shell on this machine, as root and as a user with sudo.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "actuator/remote/remote_hosts.h"
#include "actuator/remote/testing_runner.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::AnyOf;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

class Allowlist : public testing::TestWithParam<RunnerSetup> {
 protected:
  Allowlist() : host(GetParam()), allow(host.directory() + "-allow") {
    host.setup.options += " --installed --allow " + allow;
    Allow("command touch echo touched >>" + host.evidence() +
          "\ncommand say printf '%s' \"a  b\" | tr a c\nservice mailhub-none systemd\n");
    const RemoteReply hello = host.Hello();
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
  }
  void Allow(const std::string& text) const {
    std::ofstream(allow) << "# what mailhub may do here\n\n" << text;
    chmod(allow.c_str(), 0644);
  }
  void ExpectRefused(const RemoteReply& reply, const std::string& words) const {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(reply.receipt.error().message, HasSubstr(words));
    EXPECT_EQ(host.Evidence(), "");
  }
  static std::string OutputOf(const RemoteReply& reply) {
    return reply.receipt ? reply.receipt->output : reply.receipt.error().message;
  }

  RunnerHost host;
  const std::string allow;
};

TEST_P(Allowlist, ACommandIsRunByItsName) {
  EXPECT_EQ(OutputOf(host.Run("r/1/1", "@say")), "c  b");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(host.Run("r/2/1", "@touch").receipt);
  ASSERT_TRUE(host.Launch("r/3/1", "@touch").receipt);
  EXPECT_EQ(host.Settled("r/3/1").receipt->exit_status, 0);
  EXPECT_EQ(host.Evidence(), "touched\ntouched\n");
}

TEST_P(Allowlist, AnUnlistedCommandIsRefusedAndLeavesNoClaim) {
  const std::string free = "echo free >>" + host.evidence();
  ExpectRefused(host.Run("r/1/1", free), "does not say free_commands");
  ExpectRefused(host.Launch("r/1/1", free), "does not say free_commands");
  ExpectRefused(host.Arm("r/1", free, Seconds(1)), "does not say free_commands");
  ExpectRefused(host.Run("r/1/1", "@other"), "lists no command other");
  ExpectRefused(host.Run("r/1/1", "@mailhub-none"), "lists no command mailhub-none");
  ExpectRefused(host.Run("r/1/1", "@service touch started"), "lists no service touch");
  EXPECT_EQ(host.Do(RemoteVerb::kStatus, "r/1/1").receipt->state, ReceiptState::kNone);
}

TEST_P(Allowlist, ALineThatSaysNothingToRunRunsNothing) {
  Allow("command touch\ncommand other true\n");
  ExpectRefused(host.Run("r/1/1", "@touch"), "command touch says nothing to run");
  EXPECT_EQ(host.Do(RemoteVerb::kStatus, "r/1/1").receipt->state, ReceiptState::kNone);
}

TEST_P(Allowlist, NothingOfARequestBecomesPartOfACommand) {
  const std::string more = "; echo free >>" + host.evidence();
  const std::vector<std::string> names = {"touch" + more,
                                          "touch\necho free >>" + host.evidence(),
                                          "touch $(id)",
                                          "*",
                                          "touch ",
                                          "../touch",
                                          "",
                                          std::string(65, 't'),
                                          "service mailhub-none",
                                          "service mailhub-none started" + more,
                                          "service mailhub-none" + more + " started",
                                          "service mailhub-none\nx started",
                                          "service * started",
                                          "#"};
  for (const std::string& name : names) {
    const RemoteReply reply = host.Run("r/1/1", "@" + name);
    ASSERT_FALSE(reply.receipt) << name;
    EXPECT_THAT(reply.receipt.error().kind, AnyOf(ErrorKind::kInvalid, ErrorKind::kRefused))
        << name << ": " << reply.receipt.error().message;
    EXPECT_EQ(host.Evidence(), "") << name;
  }
  EXPECT_EQ(host.Do(RemoteVerb::kStatus, "r/1/1").receipt->state, ReceiptState::kNone);
}

// An answer that is longer than a pipe waits for its reader.
TEST_P(Allowlist, ALongNameIsNotSaidAgain) {
  const std::string name(65'500, 'A');
  for (const RemoteReply& reply :
       {host.Run("r/1/1", "@" + name), host.Arm("r/1", "@" + name, Seconds(5)),
        host.Run("r/1/1", "@service " + name + " started"),
        host.Run("r/1/1", "@service x " + name)}) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kInvalid);
    EXPECT_LT(reply.receipt.error().message.size(), 300U);
  }
}

TEST_P(Allowlist, AServiceIsBroughtIntoAStateByNameAndState) {
  const RemoteReply reply = host.Run("r/1/1", "@service mailhub-none started");
  ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
  EXPECT_NE(reply.receipt->exit_status, 0) << "there is no such unit here";
  EXPECT_THAT(OutputOf(reply), testing::AnyOf(HasSubstr("mailhub-none"), HasSubstr("systemd")));
  Allow("service mailhub-none upstart\n");
  ExpectRefused(host.Run("r/2/1", "@service mailhub-none started"), "must be systemd or sysv");
}

TEST_P(Allowlist, LinesMayEndAsWindowsEndsThem) {
  Allow("command say printf '%s' said\r\ncommand none\r\nservice mailhub-none systemd\r\n");
  EXPECT_EQ(OutputOf(host.Run("r/1/1", "@say")), "said");
  ExpectRefused(host.Run("r/2/1", "@none"), "says nothing to run");
  EXPECT_TRUE(host.Run("r/3/1", "@service mailhub-none started").receipt);
  Allow("free_commands\r\n");
  EXPECT_EQ(OutputOf(host.Run("r/4/1", "echo free")), "free\n");
}

TEST_P(Allowlist, FreeCommandsRunWhereRootSaysSo) {
  Allow("free_commands\n");
  EXPECT_EQ(OutputOf(host.Run("r/1/1", "echo free")), "free\n");
}

TEST_P(Allowlist, AListThatOthersCouldHaveWrittenCountsForNothing) {
  const auto refused = [&](const std::string& words) {
    ExpectRefused(host.Run("r/1/1", "@touch"), words);
  };
  chmod(allow.c_str(), 0664);
  refused("nobody else may write");
  chmod(allow.c_str(), 0646);
  refused("nobody else may write");
  chmod(allow.c_str(), 0644);
  ASSERT_EQ(chown(allow.c_str(), kNobody, 0), 0);
  refused("must be a file that belongs to root");
  ASSERT_EQ(chown(allow.c_str(), 0, 0), 0);
  std::filesystem::rename(allow, allow + "2");
  std::filesystem::create_symlink(allow + "2", allow);
  refused("must be a file that belongs to root");
  std::filesystem::remove(allow);
  refused("there is no " + allow);
}

TEST_P(Allowlist, ADeadManRestoresByNameAndOnlyIfStillAllowed) {
  for (const char* key : {"r/1", "r/2"}) {
    const RemoteReply armed = host.Arm(key, "@touch", Seconds(2));
    ASSERT_EQ(armed.lease, LeaseState::kArmed) << OutputOf(armed);
  }
  EXPECT_FALSE(std::filesystem::exists(host.directory() + "/deadman.sh"))
      << "the timer starts root's copy, not one that the account could have changed";
  // The lease file after the host has acted.
  const auto restored = [&](const char* name) {
    std::string lease;
    EXPECT_TRUE(Eventually([&] {
      host.LookAtLeases();
      lease = host.ReadFile(std::string("leases/") + name + ".lease");
      return lease.find("state=restored\n") != std::string::npos;
    }));
    return lease;
  };
  EXPECT_THAT(restored("r@1"), HasSubstr("exit_status=0\n"));
  EXPECT_THAT(restored("r@2"), HasSubstr("exit_status=0\n"));
  const std::string before = host.Evidence();
  EXPECT_EQ(before, "touched\ntouched\n");
  // Of another run: this run's acts are not acknowledged. Long enough for the list to change before
  // the host acts.
  const RemoteReply armed = host.Arm("s/3", "@touch", Seconds(3));
  ASSERT_EQ(armed.lease, LeaseState::kArmed) << OutputOf(armed);
  Allow("command other true\n");
  EXPECT_THAT(restored("s@3"), HasSubstr("exit_status=126\n"));
  EXPECT_THAT(host.ReadFile("leases/s@3.out"), HasSubstr("lists no command touch"));
  EXPECT_EQ(host.Evidence(), before);
}

TEST_P(Allowlist, AnUploadedRunnerKnowsNoNames) {
  RunnerHost uploaded(GetParam());
  ASSERT_TRUE(uploaded.Hello().receipt);
  const RemoteReply reply = uploaded.Run("r/1/1", "@touch");
  ASSERT_FALSE(reply.receipt);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("it has none"));
}

INSTANTIATE_TEST_SUITE_P(Shells, Allowlist, testing::ValuesIn(MAILHUB_SETUPS()),
                         [](const auto& setup) { return setup.param.name; });

// --- as a user, with sudo. The rules hold in the runner's own mount namespace: nothing of this
// machine is changed.

TEST(AllowlistAsUser, CommandsAreRunAsTheUserAndWithSudoWhereTheListSaysSo) {
  RunnerHost host(UsualSetup()[0]);
  const std::string root = std::filesystem::path(host.directory()).parent_path();
  std::ofstream(root + "/sudoers") << "nobody ALL=(root) NOPASSWD: /usr/bin/id -u\n";
  chmod((root + "/sudoers").c_str(), 0440);
  std::ofstream(root + "/allow")
      << "command who id -u\ncommand as_root sudo -n /usr/bin/id -u\n"
         "command more sudo -n /bin/sh -c id\nservice mailhub-none systemd\n";
  chmod((root + "/allow").c_str(), 0644);
  std::ofstream(root + "/shell") << "#!/bin/sh\n[ \"$(id -u)\" -eq 0 ] || exec sh \"$@\"\n"
                                 << "exec unshare -m sh -c 'mount --bind " << root
                                 << "/sudoers /etc/sudoers && exec setpriv --reuid=nobody "
                                    "--regid=nogroup --clear-groups sh \"$@\"' x \"$@\"\n";
  chmod((root + "/shell").c_str(), 0755);
  chmod(root.c_str(), 0755);
  std::filesystem::create_directory(host.directory());
  ASSERT_EQ(chown(host.directory().c_str(), kNobody, kNobody), 0);
  host.setup.shell = root + "/shell";
  host.setup.options = "--installed --allow " + root + "/allow";
  const RemoteReply hello = host.Hello();
  ASSERT_TRUE(hello.receipt) << hello.receipt.error().message;

  const auto output = [&](const std::string& key, const std::string& command) {
    const RemoteReply reply = host.Run(key, command);
    return reply.receipt ? reply.receipt->output : reply.receipt.error().message;
  };
  EXPECT_EQ(output("r/1/1", "@who"), "65534\n");
  EXPECT_EQ(output("r/2/1", "@as_root"), "0\n");
  EXPECT_THAT(output("r/3/1", "@more"), HasSubstr("sudo")) << "sudo's rules are the limit";
  EXPECT_THAT(output("r/4/1", "@service mailhub-none started"), HasSubstr("sudo"));
  EXPECT_THAT(output("r/5/1", "id -u"), HasSubstr("does not say free_commands"));
}

// --- over SSH, with a key that is limited to the runner

class LimitedKey : public testing::Test {
 protected:
  LimitedKey() : directory(sshd.directory() + "/d"), evidence(sshd.directory() + "/evidence") {
    std::ofstream(sshd.directory() + "/allow")
        << "command touch echo touched >>" << evidence << "\n";
    chmod((sshd.directory() + "/allow").c_str(), 0644);
    const std::string key = ReadAll(sshd.directory() + "/user.pub");
    std::ofstream(sshd.directory() + "/user.pub")
        << "restrict,command=\"sh " MAILHUB_RUNNER_SCRIPT " --installed --allow "
        << sshd.directory() << "/allow --dir " << directory << " --allow-tmpfs --no-systemd\" "
        << key;
    const ssh::SshTarget target = sshd.Target();
    config::Site site;
    site.known_hosts = target.known_hosts_file;
    site.actuator_key = target.identity_file;
    config::Host& host = site.hosts["x500"];
    host.name = "x500";
    host.address = target.address;
    host.port = target.port;
    host.user = target.user;
    host.runner = config::RunnerForm::kInstalled;
    hosts = std::make_unique<RemoteHosts>(std::make_shared<config::Site>(site));
    hosts->Begin("journal-a", 1);
    RemoteReply hello = Ask({});
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
    directory_id = hello.directory_id;
  }
  static std::string ReadAll(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
  RemoteReply Ask(engine::RemoteRequest request) {
    request.host = "x500";
    std::promise<RemoteReply> reply;
    hosts->Submit(request, [&](RemoteReply one) { reply.set_value(std::move(one)); });
    return reply.get_future().get();
  }
  RemoteReply Run(const std::string& key, const std::string& command) {
    engine::RemoteRequest request;
    request.verb = RemoteVerb::kRun;
    request.key = key;
    request.command = command;
    request.directory_id = directory_id;
    return Ask(request);
  }
  // The result of OpenSSH's own client with the same key: exit status and output.
  int Ssh(const std::string& program, const std::string& words, std::string* said = nullptr) {
    const ssh::SshTarget target = sshd.Target();
    const std::string log = sshd.directory() + "/said";
    const std::string command =
        "timeout 4 " + program + " -F none -i " + target.identity_file +
        " -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=" + target.known_hosts_file +
        " -o StrictHostKeyChecking=yes -o ExitOnForwardFailure=yes -o Port=" +
        std::to_string(target.port) + " " + words + " </dev/null >" + log + " 2>&1";
    const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (said != nullptr) *said = ReadAll(log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  ssh::TestingSshd sshd;
  const std::string directory;
  const std::string evidence;
  std::unique_ptr<RemoteHosts> hosts;
  std::string directory_id;
};

TEST_F(LimitedKey, RunsListedCommandsOnceAndRefusesOthers) {
  for (int i = 0; i < 2; ++i) {
    const RemoteReply reply = Run("r/1/1", "@touch");
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.receipt->exit_status, 0);
  }
  const RemoteReply refused = Run("r/2/1", "touch " + sshd.directory() + "/made");
  ASSERT_FALSE(refused.receipt);
  EXPECT_EQ(refused.receipt.error().kind, ErrorKind::kRefused);
  EXPECT_EQ(ReadAll(evidence), "touched\n");
  EXPECT_FALSE(std::filesystem::exists(directory + "/bin")) << "nothing is ever uploaded";
}

TEST_F(LimitedKey, OpensNoShellNoFilesNoTunnelAndNoTerminal) {
  const std::string made = sshd.directory() + "/made";
  const std::string at = sshd.Target().user + "@127.0.0.1";
  std::string said;
  Ssh("ssh", at + " 'touch " + made + "; id'", &said);
  EXPECT_THAT(said, HasSubstr("no request could be read"));
  EXPECT_THAT(said, testing::Not(HasSubstr("uid=")));
  Ssh("ssh", at + " sh " MAILHUB_RUNNER_SCRIPT " restore x", &said);
  EXPECT_THAT(said, HasSubstr("no request could be read"))
      << "the key's words count, not the asker's";
  Ssh("ssh", "-tt " + at, &said);
  EXPECT_THAT(said, HasSubstr("PTY allocation request failed"));
  EXPECT_NE(Ssh("sftp", "-b /dev/null " + at), 0);
  EXPECT_NE(Ssh("scp", "/etc/hostname " + at + ":" + made), 0);
  EXPECT_NE(Ssh("scp", "-O /etc/hostname " + at + ":" + made), 0);
  EXPECT_NE(Ssh("ssh", "-W 127.0.0.1:" + std::to_string(sshd.Target().port) + " " + at, &said), 0);
  EXPECT_THAT(said, HasSubstr("administratively prohibited"));
  EXPECT_NE(Ssh("ssh", "-N -R 0:127.0.0.1:1 " + at, &said), 0);
  EXPECT_THAT(said, HasSubstr("remote port forwarding failed"));
  EXPECT_FALSE(std::filesystem::exists(made));
}

}  // namespace
}  // namespace mailhub::remote
