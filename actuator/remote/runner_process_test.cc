// However the runner starts a command, its surroundings are those of `ssh host command`, except for
// the differences that docs/runner.md lists under "What a command finds around it".
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>

#include "actuator/remote/remote_hosts.h"
#include "actuator/remote/testing_runner.h"
#include "actuator/remote/testing_systemd.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::AnyOf;
using testing::Contains;
using testing::IsEmpty;
using testing::IsSupersetOf;

// Records everything that a process passes on to its children.
constexpr const char* kProbe = R"SH(#!/bin/sh
{
  echo "umask $(umask)"
  echo "folder $(pwd)"
  sed 's/^/limit /' /proc/self/limits
  sed -n '/^Sig[BI]/p; /^Cap/p; /^NoNewPrivs/p; /^Seccomp:/p; /^Groups/p; /^[UG]id/p' /proc/self/status
  ls /proc/self/fd | sed 's/^/descriptor /'
  sed 's/^/group /' /proc/self/cgroup
  echo "nice $(nice)"
  sed 's/^/oom /' /proc/self/oom_score_adj
  read -r pid name state parent group session terminal rest </proc/self/stat
  echo "terminal $terminal"
  env | sed 's/^/env /'
} >"$1.new" 2>&1
mv "$1.new" "$1"
)SH";

struct Surroundings {
  std::set<std::string> lines;        // all but the environment
  std::set<std::string> environment;  // NAME=VALUE
};

Surroundings Read(const std::string& path) {
  EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(path); })) << path;
  Surroundings found;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("env ")) {
      found.environment.insert(line.substr(4));
    } else {
      found.lines.insert(line);
    }
  }
  return found;
}

std::set<std::string> Without(const std::set<std::string>& some,
                              const std::set<std::string>& others) {
  std::set<std::string> left;
  for (const std::string& one : some) {
    if (!others.contains(one)) left.insert(one);
  }
  return left;
}

class Started : public testing::Test {
 protected:
  Started() {
    std::ofstream(Path("probe")) << kProbe;
    chmod(Path("probe").c_str(), 0755);
    Ssh(Probe("plain"));
    plain = Read(Path("plain"));
  }
  // Nothing of this test's own surroundings reaches processes started so.
  void Ssh(const std::string& command) {
    const RealClock clock;
    const auto session = ssh::Session::Connect(sshd.Target(), clock.Steady() + Seconds(10));
    ASSERT_TRUE(session);
    EXPECT_TRUE((*session)->Exec(command, "", {}, clock.Steady() + Seconds(10)));
  }
  std::string Path(const std::string& name) const { return sshd.directory() + "/" + name; }
  std::string Probe(const std::string& name) const { return Path("probe") + " " + Path(name); }

  // As the actuator does: over SSH, on a host whose runner is started by `shell`.
  void Reach(const std::string& shell, const std::string& arguments) {
    const ssh::SshTarget target = sshd.Target();
    config::Site site;
    site.known_hosts = target.known_hosts_file;
    site.actuator_key = target.identity_file;
    config::Host& host = site.hosts["x500"];
    host.name = "x500";
    host.address = target.address;
    host.port = target.port;
    host.user = target.user;
    LinkOptions options;
    options.directory = Path("runner");
    options.shell = shell;
    options.arguments = "--dir " + options.directory + " --allow-tmpfs " + arguments;
    hosts = std::make_unique<RemoteHosts>(std::make_shared<config::Site>(site), options);
    hosts->Begin("journal-a", 1);
    const RemoteReply hello = Ask(RemoteVerb::kHello, "", "");
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
    directory_id = hello.directory_id;
  }
  RemoteReply Ask(RemoteVerb verb, const std::string& key, const std::string& command) {
    engine::RemoteRequest request;
    request.verb = verb;
    request.host = "x500";
    request.key = key;
    request.command = command;
    if (verb == RemoteVerb::kArm) request.after = Seconds(1);
    request.directory_id = directory_id;
    std::promise<RemoteReply> reply;
    hosts->Submit(request, [&](RemoteReply one) { reply.set_value(std::move(one)); });
    RemoteReply got = reply.get_future().get();
    EXPECT_TRUE(got.receipt) << got.receipt.error().message;
    return got;
  }
  void ExpectAsPlain(const std::string& name) {
    SCOPED_TRACE(name);
    const Surroundings found = Read(Path(name));
    EXPECT_THAT(Without(found.lines, plain.lines), IsEmpty()) << "more than ssh gives";
    EXPECT_THAT(Without(plain.lines, found.lines), IsEmpty()) << "less than ssh gives";
    EXPECT_THAT(found.lines, Contains("umask 0022"));
    // Nothing of the connection's environment; docs/runner.md lists the rest.
    std::set<std::string> names;
    for (const std::string& one : found.environment) names.insert(one.substr(0, one.find('=')));
    EXPECT_EQ(names, (std::set<std::string>{"HOME", "LANG", "LOGNAME", "MAILHUB_KEY", "PATH", "PWD",
                                            "SHELL", "USER"}));
    for (const std::string& one : plain.environment) {
      const std::string its_name = one.substr(0, one.find('='));
      if (its_name == "USER" || its_name == "LOGNAME" || its_name == "PWD") {
        EXPECT_THAT(found.environment, Contains(one));
      }
    }
    // The testing sshd gives another home than the account's; only its own children know it.
    const std::string home = std::string("HOME=") + getpwuid(geteuid())->pw_dir;
    EXPECT_THAT(found.environment, AnyOf(Contains("HOME=" + sshd.directory()), Contains(home)));
    EXPECT_THAT(found.environment, IsSupersetOf({"LANG=C", "SHELL=/bin/sh"}));
  }
  // Only their owner reads receipts.
  void ExpectReceiptsPrivate() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("runner"))) {
      struct stat info {};
      if (stat(entry.path().c_str(), &info) != 0) continue;  // gone meanwhile
      EXPECT_EQ(info.st_mode & 077, 0U) << entry.path();
    }
  }

  ssh::TestingSshd sshd;
  Surroundings plain;
  std::unique_ptr<RemoteHosts> hosts;
  std::string directory_id;
};

TEST_F(Started, WithoutSystemdHasTheSurroundingsOfSsh) {
  std::filesystem::create_directory(Path("tools"));
  std::ofstream(Path("tools/crontab")) << "#!/bin/sh\ntable=" << Path("table") << "\n"
                                       << "case $1 in -l) cat $table ;; *) cat >$table ;; esac\n";
  chmod(Path("tools/crontab").c_str(), 0755);
  std::ofstream(Path("table")).close();
  Reach("env PATH=" + Path("tools") + ":/usr/sbin:/usr/bin:/sbin:/bin sh", "--no-systemd");
  Ask(RemoteVerb::kRun, "r/step/1", Probe("step"));
  ExpectAsPlain("step");
  // A process that a SysV script starts and leaves running.
  Ask(RemoteVerb::kRun, "r/daemon/1", "setsid -f " + Probe("daemon"));
  ExpectAsPlain("daemon");
  Ask(RemoteVerb::kLaunch, "r/job/1", Probe("job"));
  ExpectAsPlain("job");
  EXPECT_EQ(Ask(RemoteVerb::kArm, "r/stop", Probe("dead-man")).lease, LeaseState::kArmed);
  std::string line;
  std::ifstream table(Path("table"));
  std::getline(table >> std::ws, line);
  ExpectAsPlain("dead-man");
  // After a reboot: started by cron, in cron's way.
  ASSERT_TRUE(line.starts_with("@reboot ")) << line;
  ASSERT_TRUE(Eventually([&] { return !std::filesystem::exists(Path("runner/leases/loop")); }));
  std::ostringstream all;
  all << std::ifstream(Path("runner/leases/r@stop.lease")).rdbuf();
  std::string lease = all.str();
  lease.replace(lease.find("state=restored"), 14, "state=armed");
  lease.replace(lease.find("boot_id=") + 8, 4, "past");
  std::ofstream(Path("runner/leases/r@stop.lease")) << lease;
  std::filesystem::remove(Path("dead-man"));
  Ssh("exec env -i HOME=$HOME LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin setsid -f /bin/sh -c "
      "'" +
      line.substr(8) + "' </dev/null >/dev/null 2>&1");
  ExpectAsPlain("dead-man");
  ExpectReceiptsPrivate();
}

TEST_F(Started, BySystemdHasTheSurroundingsOfSsh) {
  const StandInSystemd systemd(Path("systemd"));
  Reach("env PATH=" + systemd.tools() + ":/usr/sbin:/usr/bin:/sbin:/bin " + systemd.shell(), "");
  Ask(RemoteVerb::kRun, "r/step/1", Probe("step"));
  ExpectAsPlain("step");
  Ask(RemoteVerb::kLaunch, "r/job/1", Probe("job"));
  ExpectAsPlain("job");
  EXPECT_EQ(Ask(RemoteVerb::kArm, "r/stop", Probe("dead-man")).lease, LeaseState::kArmed);
  ASSERT_TRUE(Eventually([&] {
    Ssh(systemd.StartCommand("mailhub-deadman-runner.service"));
    return std::filesystem::exists(Path("dead-man"));
  }));
  ExpectAsPlain("dead-man");
  ExpectReceiptsPrivate();
}

}  // namespace
}  // namespace mailhub::remote
