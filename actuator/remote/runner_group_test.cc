// The processes of a step whose own first process is gone: all that it left, and no foreign process
// that got its number.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::ReceiptState;
using engine::RemoteVerb;

constexpr uid_t kNobody = 65534;

// This test's own control group, as another login or service has one.
class ControlGroup {
 public:
  // With `deep`, one whose path is longer than a mark may be.
  explicit ControlGroup(bool deep = false) {
    for (const char* root :
         {"/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd"}) {
      if (!std::filesystem::exists(std::string(root) + "/cgroup.procs")) continue;
      directory_ = std::string(root) + "/mailhub-test-" + std::to_string(getpid());
      std::error_code failed;
      directory_ += deep ? "-deep" : "";
      if (!std::filesystem::create_directory(directory_, failed)) continue;
      for (int level = 0; deep && level < 3; ++level) {
        directory_ += "/" + std::string(200, static_cast<char>('a' + level));
        std::filesystem::create_directory(directory_);
      }
      return;
    }
    ADD_FAILURE() << "no control group can be made";
  }
  ~ControlGroup() {
    EXPECT_TRUE(Eventually([&] { return rmdir(directory_.c_str()) == 0; }));
    while (directory_.find("mailhub-test-", directory_.rfind('/')) == std::string::npos) {
      directory_.resize(directory_.rfind('/'));
      if (rmdir(directory_.c_str()) != 0) return;
    }
  }
  std::string procs() const { return directory_ + "/cgroup.procs"; }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;
  void Enter() const { std::ofstream(directory_ + "/cgroup.procs") << getpid() << std::flush; }

 private:
  std::string directory_;
};

struct Kind {
  uid_t uid = 0;
  const ControlGroup* control_group = nullptr;
  std::string key;     // MAILHUB_KEY in its environment
  std::string name;    // instead of a program, a process of that name
  bool login = false;  // in another login session
};

// The one process of a group whose leader is gone.
class Member {
 public:
  explicit Member(const Kind& kind) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
    group_ = fork();
    if (group_ == 0) {
      setsid();
      if (kind.control_group != nullptr) kind.control_group->Enter();
      if (kind.login) std::ofstream("/proc/self/loginuid") << kNobody << std::flush;
      const pid_t member = fork();
      if (member == 0) Live(kind);
      _exit(write(pipe[1], &member, sizeof(member)) == sizeof(member) ? 0 : 1);
    }
    EXPECT_EQ(read(pipe[0], &pid_, sizeof(pid_)), static_cast<ssize_t>(sizeof(pid_)));
    waitpid(group_, nullptr, 0);
    close(pipe[0]);
    close(pipe[1]);
  }
  ~Member() {
    if (Lives()) kill(pid_, SIGKILL);
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  pid_t group() const { return group_; }
  bool Lives() const { return getpgid(pid_) == group_; }

 private:
  [[noreturn]] static void Live(const Kind& kind) {
    if (kind.uid != 0 && (setresgid(kind.uid, kind.uid, kind.uid) != 0 ||
                          setresuid(kind.uid, kind.uid, kind.uid) != 0)) {
      _exit(1);
    }
    if (!kind.name.empty()) {
      prctl(PR_SET_NAME, kind.name.c_str());
      while (true) pause();
    }
    const std::string key = "MAILHUB_KEY=" + kind.key;
    std::array<const char*, 2> environment{kind.key.empty() ? nullptr : key.c_str(), nullptr};
    execle("/bin/sleep", "sleep", "100", nullptr, environment.data());
    _exit(1);
  }

  pid_t group_ = -1;
  pid_t pid_ = -1;
};

class Group : public RunnerTest {
 protected:
  // A job that was killed, as the kernel does when memory is short, now has the member's number.
  void GiveItsNumberTo(const Member& member) {
    EXPECT_TRUE(host.Launch("r/job/1", "sleep 100").receipt);
    std::string claim = host.ReadFile(kClaim);
    kill(-std::stoi(FieldOf(claim, "pid")), SIGKILL);
    ExpectState(host.Settled("r/job/1"), ReceiptState::kInterrupted);
    const std::string was = "\npid=" + FieldOf(claim, "pid") + "\n";
    claim.replace(claim.find(was), was.size(), "\npid=" + std::to_string(member.group()) + "\n");
    host.WriteFile(kClaim, claim);
  }
  ReceiptState Status() {
    const auto reply = host.Do(RemoteVerb::kStatus, "r/job/1");
    EXPECT_TRUE(reply.receipt) << reply.receipt.error().message;
    return reply.receipt ? reply.receipt->state : ReceiptState::kNone;
  }
  static std::string FieldOf(const std::string& text, const std::string& field) {
    const size_t at = text.find("\n" + field + "=") + field.size() + 2;
    return text.substr(at, text.find('\n', at) - at);
  }
  void OutlivesACancel(const std::string& child_command);
  // Without /proc, processes cannot be told apart.
  static bool CanTell() { return GetParam().options.find("--no-proc") == std::string::npos; }

  int jobs_ = 0;
  static constexpr const char* kClaim = "receipts/r/job@1.claim";
};

TEST_P(Group, AStrangerOfAnotherAccountIsNone) {
  const ControlGroup elsewhere;
  const Member stranger({kNobody, &elsewhere, "r/job/1", ""});
  GiveItsNumberTo(stranger);
  EXPECT_EQ(Status(), CanTell() ? ReceiptState::kInterrupted : ReceiptState::kRunning);
  if (!CanTell()) return;
  ExpectState(host.Do(RemoteVerb::kCancel, "r/job/1"), ReceiptState::kInterrupted);
  EXPECT_TRUE(stranger.Lives()) << "a stranger was ended";
}

TEST_P(Group, AStrangerOfAnotherLoginIsNone) {
  // A kernel without audit has no login sessions; then such a foreign process counts (runner.md,
  // rule 5).
  const bool told = CanTell() && std::filesystem::exists("/proc/self/sessionid");
  const Member stranger({kNobody, nullptr, "", "", true});
  GiveItsNumberTo(stranger);
  EXPECT_EQ(Status(), told ? ReceiptState::kInterrupted : ReceiptState::kRunning);
}

TEST_P(Group, AStrangerWhoseControlGroupHasALongPathIsNone) {
  const ControlGroup deep(true);
  const Member stranger({kNobody, &deep, "r/job/1", ""});
  GiveItsNumberTo(stranger);
  EXPECT_EQ(Status(), CanTell() ? ReceiptState::kInterrupted : ReceiptState::kRunning);
}

TEST_P(Group, AStrangerIsNoneWhereTheStepsControlGroupHasALongPath) {
  const ControlGroup elsewhere;
  const ControlGroup deep(true);
  const Member stranger({kNobody, &elsewhere, "r/job/1", ""});
  const Member own({kNobody, &deep, "", ""});
  const std::string enters = host.evidence() + ".sh";
  std::ofstream(enters) << "echo $$ >" << deep.procs() << "\nexec " << host.setup.shell
                        << " \"$@\"\n";
  host.setup.shell = "sh " + enters;
  GiveItsNumberTo(stranger);
  EXPECT_EQ(Status(), CanTell() ? ReceiptState::kInterrupted : ReceiptState::kRunning);
  std::string claim = host.ReadFile(kClaim);
  const std::string was = "\npid=" + std::to_string(stranger.group()) + "\n";
  claim.replace(claim.find(was), was.size(), "\npid=" + std::to_string(own.group()) + "\n");
  host.WriteFile(kClaim, claim);
  EXPECT_EQ(Status(), ReceiptState::kRunning);
}

TEST_P(Group, ADaemonOfTheSameAccountIsNone) {
  const ControlGroup elsewhere;
  const Member daemon({0, &elsewhere, "", ""});
  GiveItsNumberTo(daemon);
  EXPECT_EQ(Status(), CanTell() ? ReceiptState::kInterrupted : ReceiptState::kRunning);
}

TEST_P(Group, WhatTheStepHasPutElsewhereIsOne) {
  const ControlGroup elsewhere;
  const Member moved({0, &elsewhere, "r/job/1", ""});
  GiveItsNumberTo(moved);
  EXPECT_EQ(Status(), ReceiptState::kRunning);
}

TEST_P(Group, WhatTheStepRunsAsAnotherAccountIsOne) {
  const Member other({kNobody, nullptr, "", ""});
  GiveItsNumberTo(other);
  EXPECT_EQ(Status(), ReceiptState::kRunning);
}

TEST_P(Group, OneWhoseNameHoldsLineEndsIsOne) {
  const Member odd({0, nullptr, "", "x) S 1 1 \n"});
  GiveItsNumberTo(odd);
  EXPECT_EQ(Status(), ReceiptState::kRunning);
  ExpectState(host.Do(RemoteVerb::kCancel, "r/job/1"), ReceiptState::kFinished);
  EXPECT_TRUE(Eventually([&] { return !odd.Lives(); }));
}

TEST_P(Group, StrangersWithOddNamesDoNotMatter) {
  const Member odd({kNobody, nullptr, "", "a\nb"});
  const Member odder({kNobody, nullptr, "", ") Z 9 ("});
  const Member own({0, nullptr, "", ""});
  GiveItsNumberTo(own);
  EXPECT_EQ(Status(), ReceiptState::kRunning);
}

// As a process that sudo started: the asking account may not signal it.
TEST_P(Group, OneThatMayNotBeSignalledIsOne) {
  const Member other({kNobody, nullptr, "", ""});
  GiveItsNumberTo(other);
  host.setup.shell = "setpriv --bounding-set=-kill " + host.setup.shell;
  EXPECT_EQ(Status(), ReceiptState::kRunning);
  ExpectState(host.Do(RemoteVerb::kCancel, "r/job/1"), ReceiptState::kRunning);
  EXPECT_TRUE(other.Lives());
}

// The command's own shell dies of TERM; its child may not be ended, as one that sudo started, or that waits for storage.
void Group::OutlivesACancel(const std::string& child_command) {
  host.setup.shell = "setpriv --bounding-set=-kill " + host.setup.shell;
  ExpectState(host.Launch("r/job/1",
                          "setpriv --reuid=65534 --clear-groups sh -c 'echo $$ >&2; "
                          "exec " +
                              child_command + "'; true"),
              ReceiptState::kRunning);
  ASSERT_TRUE(Eventually([&] {
    const auto seen = host.Do(RemoteVerb::kStatus, "r/job/1");
    return seen.receipt && !seen.receipt->output.empty();
  }));
  const int child = std::stoi(host.Do(RemoteVerb::kStatus, "r/job/1").receipt->output);
  ExpectState(host.Do(RemoteVerb::kCancel, "r/job/1"), ReceiptState::kRunning);
  EXPECT_EQ(Status(), ReceiptState::kRunning);
  EXPECT_FALSE(host.Do(RemoteVerb::kSweep, "r").receipt) << "something of it still works";
  kill(child, SIGKILL);
  const auto settled = host.Settled("r/job/1");
  ExpectState(settled, ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 143);
  EXPECT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
}

TEST_P(Group, AChildThatOutlivesACancelKeepsTheStepRunning) {
  OutlivesACancel("sleep 100");
}

// It shows as a zombie, but its other thread works.
TEST_P(Group, AChildWhoseFirstThreadHasEndedKeepsTheStepRunning) {
  OutlivesACancel(
      "python3 -c \"import ctypes, threading, time; "
      "threading.Thread(target=time.sleep, args=(100,)).start(); "
      "ctypes.CDLL(None).pthread_exit(None)\"");
}

// For systemd such a unit is inactive, and a process with a session of its own is not in the claim's group.
TEST_P(Group, AProcessInTheUnitOfACancelledJobKeepsItRunning) {
  const std::string groups = host.directory() + "-groups";
  const std::string within = host.directory() + "-within";
  std::ofstream(within) << "mount --bind " << groups << " /sys/fs/cgroup && exec \"$@\"\n";
  for (const auto& [line, folder] : std::vector<std::pair<std::string, std::string>>{
           {"0::/u;", "/u"},
           {"0::/u;", "/u/below"},
           {"1:name=systemd:/u;", "/systemd/u"},
           {"1:name=systemd:/u;0::/u;", "/unified/u"}}) {
    std::filesystem::remove_all(groups);
    std::filesystem::create_directories(groups + folder);
    const std::string step = "r/job" + std::to_string(++jobs_);
    const std::string key = step + "/1";
    const std::string base = "receipts/" + step + "@1";
    ExpectState(host.Launch(key, "sleep 100"), ReceiptState::kRunning);
    std::string claim = host.ReadFile(base + ".claim");
    kill(-std::stoi(FieldOf(claim, "pid")), SIGKILL);
    ExpectState(host.Settled(key), ReceiptState::kInterrupted);
    const std::string mark = "\nmark=" + FieldOf(claim, "mark") + "\n";
    claim.replace(claim.find(mark), mark.size(), "\nmark=" + line + "\nunit=u\n");
    host.WriteFile(base + ".claim", claim);
    host.WriteFile(base + ".exit", "\ncancelled\n");
    host.setup.shell = "unshare --mount sh " + within + " " + GetParam().shell;
    std::ofstream(groups + folder + "/cgroup.procs") << "1267\n";
    ExpectState(host.Do(RemoteVerb::kStatus, key), ReceiptState::kRunning);
    std::ofstream(groups + folder + "/cgroup.procs").close();
    ExpectState(host.Do(RemoteVerb::kStatus, key), ReceiptState::kInterrupted);
    host.setup.shell = GetParam().shell;
  }
}

// Between the KILL and the status, which the one that sent it writes.
TEST_P(Group, WhatIsBeingCancelledIsNotInterrupted) {
  if (!CanTell()) return;
  ExpectState(host.Launch("r/job/1", "sleep 100"), ReceiptState::kRunning);
  kill(-std::stoi(FieldOf(host.ReadFile(kClaim), "pid")), SIGKILL);
  ExpectState(host.Settled("r/job/1"), ReceiptState::kInterrupted);
  std::ifstream file("/proc/self/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::vector<std::string> words((std::istream_iterator<std::string>(fields)), {});
  const std::string self = std::to_string(getpid()) + " ";
  host.WriteFile("receipts/r/job@1.exit", "\ncancelled\ncanceller " + self + words.at(19) + "\n");
  EXPECT_EQ(Status(), ReceiptState::kRunning);
  host.WriteFile("receipts/r/job@1.exit", "\ncancelled\ncanceller " + self + "1\n");
  EXPECT_EQ(Status(), ReceiptState::kInterrupted) << "another process has its number now";
  ExpectState(host.Do(RemoteVerb::kCancel, "r/job/1"), ReceiptState::kInterrupted);
  host.WriteFile("receipts/r/job@1.exit", "\ncancelled\nkilled\n");
  const auto killed = host.Do(RemoteVerb::kStatus, "r/job/1");
  ExpectState(killed, ReceiptState::kFinished);
  EXPECT_EQ(killed.receipt->exit_status, 137) << "after the cancel's answer";
}

INSTANTIATE_TEST_SUITE_P(, Group, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

}  // namespace
}  // namespace mailhub::remote
