// The whole path: a real sshd on loopback, the helper started through it, this machine's own /proc.
// Then every kind of failing host.
#include "exporter/host/helper_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>

#include "exporter/host/prober.h"
#include "lib/base/log.h"
#include "lib/metrics/testing.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub::exporter {
namespace {

using ssh::ConnectFailure;
using ssh::TestingSshd;

class Counts final : public LinkObserver {
 public:
  void OnConnect(const char* result) override { ++connects[result]; }
  void OnSessions(int change) override { sessions += change; }
  std::map<std::string, int> connects;
  int sessions = 0;
};

class HelperLinkTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { InitLog(LogLevel::kDebug, LogFormat::kLogfmt); }
  void SetUp() override {
    host_.name = "here";
    host_.processes["absent"] = {"/nonexistent/program", "", ""};
    host_.files["passwd"] = "/etc/passwd";
    host_.checks["one"] = {"echo 1", Milliseconds(2000)};
  }

  SteadyTime In(int milliseconds) const { return clock_.Steady() + Milliseconds(milliseconds); }

  Collection Once(HelperLink& link, int milliseconds = 10'000) {
    if (auto failure = link.Prepare(In(milliseconds))) return {failure, {}, {}};
    return link.Collect(clock_.Steady(), In(milliseconds), [](const Collection&) {});
  }

  // The helpers in this sshd's sessions, by their names, below its process.
  static std::vector<pid_t> Helpers(const TestingSshd& sshd) {
    std::vector<pid_t> helpers;
    for (const auto& [pid, name] : Marked()) {
      for (pid_t one = pid; one > 1; one = ParentOf(one)) {
        if (one == sshd.pid()) helpers.push_back(pid);
      }
    }
    return helpers;
  }

  // All processes named "mailhub:..." that see the same mounts as this thread.
  static std::map<pid_t, std::string> Marked() {
    std::error_code gone;
    const auto here = std::filesystem::read_symlink("/proc/thread-self/ns/mnt");
    std::map<pid_t, std::string> marked;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "comm");
      std::string name;
      if (std::getline(file, name) && name.starts_with("mailhub:") &&
          std::filesystem::read_symlink(entry.path() / "ns" / "mnt", gone) == here) {
        marked[std::stoi(entry.path().filename())] = name;
      }
    }
    return marked;
  }

  // The helper's script with some words replaced, in the sshd's own folder.
  static std::string Changed(const std::string& directory,
                             const std::vector<std::pair<std::string, std::string>>& changes) {
    std::ifstream file(MAILHUB_HELPER_SCRIPT);
    std::string script((std::istreambuf_iterator<char>(file)), {});
    for (const auto& [from, to] : changes) {
      const size_t at = script.find(from);
      EXPECT_NE(at, std::string::npos) << from;
      if (at != std::string::npos) script.replace(at, from.size(), to);
    }
    std::string path = directory + "/helper.sh";
    std::ofstream(path) << script;
    return path;
  }

  // The helper in a new folder; asking for services takes this many seconds.
  std::string WithSlowServices(const std::string& directory, const std::string& seconds) {
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/systemctl") << "#!/bin/sh\nexec sleep " + seconds + "\n";
    std::filesystem::permissions(directory + "/systemctl", std::filesystem::perms::owner_all);
    host_.services["slow"] = {config::ServiceKind::kSystemd};
    return Changed(directory, {{"PATH=/usr/xpg4", "PATH=" + directory + ":/usr/xpg4"}});
  }

  static pid_t ParentOf(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string word; status >> word;) {
      pid_t parent = 0;
      if (word == "PPid:" && status >> parent) return parent;
    }
    return 0;
  }

  // The failure of a host that runs `command` instead of the helper.
  ProbeFailure FailureWithForced(const std::string& command, int milliseconds = 10'000) {
    const TestingSshd sshd("ForceCommand " + command);
    HelperLink link(host_, sshd.Target(), clock_, counts_);
    const auto begun = clock_.Steady();
    const Collection collection = Once(link, milliseconds);
    // A helper has its own time after a slow login.
    EXPECT_LT(clock_.Steady() - begun, Milliseconds(2 * milliseconds + 2000 + 5000));
    EXPECT_TRUE(collection.failure);
    return collection.failure.value_or(ProbeFailure{});
  }

  const RealClock clock_{};
  config::Host host_;
  Counts counts_;
};

TEST_F(HelperLinkTest, CollectsAgainAndAgainOverOneSession) {
  const TestingSshd sshd;
  {
    HelperLink link(host_, sshd.Target(), clock_, counts_);
    for (int i = 0; i < 20; ++i) {
      const Collection collection = Once(link);
      ASSERT_FALSE(collection.failure) << collection.failure->message;
      EXPECT_EQ(Value(collection.families, "mailhub_process_running", {{"process", "absent"}}), 0);
      EXPECT_EQ(Value(collection.families, "mailhub_file_exists", {{"file", "passwd"}}), 1);
      EXPECT_EQ(Value(collection.families, "mailhub_check_value", {{"check", "one"}}), 1);
      EXPECT_EQ(collection.collectors.size(), 4u);
      for (const auto& [name, outcome] : collection.collectors)
        EXPECT_TRUE(outcome.success) << name << ": the log has the reason";
    }
    EXPECT_EQ(counts_.connects["success"], 1);
    EXPECT_EQ(counts_.sessions, 1);
  }
  EXPECT_EQ(counts_.sessions, 0);
}

TEST_F(HelperLinkTest, IsNotDisturbedByGreetingsBeforeTheFirstReply) {
  const TestingSshd sshd("ForceCommand echo Welcome; printf '$ '; eval \"$SSH_ORIGINAL_COMMAND\"");
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  EXPECT_FALSE(Once(link).failure);
  EXPECT_FALSE(Once(link).failure);
}

TEST_F(HelperLinkTest, WorksWithAnInstalledHelperThatTheKeyIsLimitedTo) {
  const TestingSshd sshd(std::string("ForceCommand sh ") + MAILHUB_HELPER_SCRIPT + " --installed");
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  const Collection collection = Once(link);
  ASSERT_FALSE(collection.failure) << collection.failure->message;
  EXPECT_EQ(Value(collection.families, "mailhub_file_exists", {{"file", "passwd"}}), 1);
  EXPECT_EQ(Value(collection.families, "mailhub_check_success", {{"check", "one"}}), 0)
      << "no command of the exporter's is run there";
}

TEST_F(HelperLinkTest, CallsEverythingThatIsNoReplyAProtocolFailure) {
  EXPECT_EQ(FailureWithForced("yes no").reason, ConnectFailure::kProtocol);
  EXPECT_EQ(FailureWithForced("cat /dev/zero").reason, ConnectFailure::kProtocol);
  EXPECT_EQ(FailureWithForced("echo This account is not available").reason,
            ConnectFailure::kProtocol);
  EXPECT_EQ(FailureWithForced("true").reason, ConnectFailure::kProtocol);
}

TEST_F(HelperLinkTest, RefusesAnInstalledHelperOfAnotherVersion) {
  const ProbeFailure failure = FailureWithForced(
      "while read -r word nonce; do case $word in hello) printf '\\n%s hello 2\\n' $nonce;; esac; "
      "done");
  EXPECT_EQ(failure.reason, ConnectFailure::kProtocol) << failure.message;
}

TEST_F(HelperLinkTest, DoesNotWaitForAHostThatSaysNothing) {
  EXPECT_EQ(FailureWithForced("sleep 20", 500).reason, ConnectFailure::kTimeout);
}

TEST_F(HelperLinkTest, EndsAReplyThatNeverEnds) {
  const std::string garbage =
      "while read -r word nonce rest; do case $word in hello) printf '\\n%s hello 1\\n' $nonce;; "
      "go) printf '\\n%s begin 1\\nuptime 1\\nsection host 1\\n' $nonce; yes;; esac; done";
  EXPECT_EQ(FailureWithForced(garbage).reason, ConnectFailure::kProtocol);
}

TEST_F(HelperLinkTest, NamesTheReasonWhyItCannotConnect) {
  TestingSshd sshd;
  ssh::SshTarget target = sshd.Target();
  target.identity_file = sshd.NewKey("stranger");
  HelperLink wrong_key(host_, target, clock_, counts_);
  EXPECT_EQ(wrong_key.Prepare(In(5000))->reason, ConnectFailure::kAuth);

  target = sshd.Target();
  target.known_hosts_file = sshd.directory() + "/nobody";
  std::ofstream(target.known_hosts_file) << "";
  HelperLink unknown_host(host_, target, clock_, counts_);
  EXPECT_EQ(unknown_host.Prepare(In(5000))->reason, ConnectFailure::kHostKey);

  target = sshd.Target();
  target.port = 1;
  HelperLink refused(host_, target, clock_, counts_);
  EXPECT_EQ(refused.Prepare(In(5000))->reason, ConnectFailure::kConnect);
}

TEST_F(HelperLinkTest, SaysThatANameHasNoAddress) {
  TestingSshd sshd;
  ssh::SshTarget target = sshd.Target();
  target.address = "no-such-host.invalid";
  HelperLink unknown_name(host_, target, clock_, counts_);
  EXPECT_EQ(unknown_name.Prepare(In(10'000))->reason, ConnectFailure::kResolve);
}

TEST_F(HelperLinkTest, DoesNotHammerAHostThatRefusesItsKey) {
  TestingSshd sshd;
  ssh::SshTarget target = sshd.Target();
  target.identity_file = sshd.NewKey("stranger");
  HelperLink link(host_, target, clock_, counts_);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(link.Prepare(In(5000))->reason, ConnectFailure::kAuth);
  EXPECT_EQ(counts_.connects["auth"], 1);
}

TEST_F(HelperLinkTest, StartsAnotherHelperWhenTheOldOneIsGone) {
  const TestingSshd sshd;
  Prober prober(host_, std::make_unique<HelperLink>(host_, sshd.Target(), clock_, counts_), clock_);
  ASSERT_FALSE(prober.Probe(In(10'000)).failure);
  const auto helpers = Helpers(sshd);
  ASSERT_FALSE(helpers.empty());
  for (pid_t helper : helpers) kill(helper, SIGKILL);
  const auto collection = prober.Probe(In(10'000));
  EXPECT_FALSE(collection.failure) << collection.failure->message;
}

TEST_F(HelperLinkTest, TriesAHostThatIsAwayEachTime) {
  const TestingSshd keeper;  // of our own files, which must outlive the host
  auto sshd = std::make_unique<TestingSshd>();
  ssh::SshTarget target = sshd->Target();
  for (std::string* file : {&target.identity_file, &target.known_hosts_file}) {
    const std::string kept = keeper.directory() + "/kept" + std::to_string(file->size());
    std::filesystem::copy_file(*file, kept);
    *file = kept;
  }
  HelperLink link(host_, target, clock_, counts_);
  ASSERT_FALSE(Once(link).failure);
  std::vector<pid_t> sessions;
  for (pid_t helper : Helpers(*sshd)) sessions.push_back(ParentOf(helper));
  ASSERT_FALSE(sessions.empty());
  sshd.reset();
  for (pid_t session : sessions) {
    if (session > 1) kill(session, SIGKILL);
  }
  for (int i = 0; i < 3; ++i) {
    const Collection collection = Once(link, 3000);
    ASSERT_TRUE(collection.failure);
    EXPECT_EQ(collection.failure->reason, ConnectFailure::kConnect) << collection.failure->message;
  }
  EXPECT_GE(counts_.connects["connect"], 2);
  EXPECT_EQ(counts_.sessions, 0);
}

// A mount that no process serves: a look at it blocks until the release.
class HungMount {
 public:
  explicit HungMount(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    device_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    const std::string options =
        "fd=" + std::to_string(device_) + ",rootmode=40000,user_id=0,group_id=0";
    EXPECT_EQ(mount("mailhub_hung", directory_.c_str(), "fuse", 0, options.c_str()), 0);
  }
  ~HungMount() { LetGo(); }
  HungMount(const HungMount&) = delete;
  HungMount& operator=(const HungMount&) = delete;

  void LetGo() {
    if (device_ < 0) return;
    close(std::exchange(device_, -1));
    umount2(directory_.c_str(), MNT_DETACH);
  }

 private:
  const std::string directory_;
  int device_ = -1;
};

TEST_F(HelperLinkTest, AHungMountCostsTwoCollectorsAndOneProcess) {
  // Mounts of this thread and its children only: no other process hangs here, or sees the ones that
  // do.
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  const TestingSshd sshd;
  const std::string directory = sshd.directory() + "/hung";
  host_.directories["hung"] = directory;
  for (const bool with_shell : {false, true}) {
    host_.checks.clear();
    if (with_shell) host_.checks["one"] = {"echo 1", Milliseconds(2000)};
    HungMount hung(directory);
    const auto stuck = [&] {
      int count = 0;
      for (const auto& [pid, name] : Marked()) count += name == "mailhub:paths";
      return count;
    };
    const int before = stuck();
    // The exporter is restarted repeatedly, too.
    std::unique_ptr<HelperLink> link;
    for (int start = 0; start < 3; ++start) {
      link = std::make_unique<HelperLink>(host_, sshd.Target(), clock_, counts_);
      for (int i = 0; i < 3; ++i) {
        const Collection collection = Once(*link, 8000);
        ASSERT_FALSE(collection.failure) << collection.failure->message;
        EXPECT_FALSE(collection.collectors.at("directories").success);
        EXPECT_FALSE(collection.collectors.at("files").success);
        EXPECT_TRUE(collection.collectors.at("host").success);
        EXPECT_TRUE(collection.collectors.at("processes").success);
        EXPECT_EQ(Value(collection.families, "mailhub_process_running", {{"process", "absent"}}),
                  0);
        if (with_shell) {
          EXPECT_EQ(Value(collection.families, "mailhub_check_success", {{"check", "one"}}), 1);
        }
        EXPECT_FALSE(Value(collection.families, "mailhub_file_exists", {{"file", "passwd"}}));
        EXPECT_LE(stuck(), before + 1);
      }
    }
    hung.LetGo();
    const auto deadline = In(60'000);
    Collection collection;
    do {
      collection = Once(*link, 8000);
    } while (!collection.collectors["files"].success && clock_.Steady() < deadline);
    EXPECT_TRUE(collection.collectors["files"].success);
    EXPECT_EQ(Value(collection.families, "mailhub_file_exists", {{"file", "passwd"}}), 1);
  }
}

// Asked first and answered last, it has an older uptime than the helper asked meanwhile.
TEST_F(HelperLinkTest, OneLateAnswerIsNoClockThatWentBack) {
  const std::string directory =
      std::filesystem::temp_directory_path() / ("mailhub_late." + std::to_string(getpid()));
  const TestingSshd sshd("ForceCommand exec bash " + WithSlowServices(directory, "6"));
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  ::testing::internal::CaptureStderr();
  const Collection collection = Once(link, 10'000);
  const std::string log = ::testing::internal::GetCapturedStderr();
  ASSERT_FALSE(collection.failure) << collection.failure->message;
  EXPECT_THAT(log, ::testing::HasSubstr("A collector is late"));
  EXPECT_THAT(log, ::testing::Not(::testing::HasSubstr("went back")));
  std::filesystem::remove_all(directory);
}

TEST_F(HelperLinkTest, OneLateCollectorCostsItselfAlone) {
  const std::string directory =
      std::filesystem::temp_directory_path() / ("mailhub_late." + std::to_string(getpid()));
  const TestingSshd sshd("ForceCommand exec bash " + WithSlowServices(directory, "60"));
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  for (int i = 0; i < 3; ++i) {
    const Collection collection = Once(link, 10'000);
    ASSERT_FALSE(collection.failure) << collection.failure->message;
    EXPECT_FALSE(collection.collectors.at("services").success);
    for (const char* name : {"host", "processes", "files", "checks"}) {
      EXPECT_TRUE(collection.collectors.at(name).success) << name << " in look " << i;
    }
    EXPECT_EQ(Value(collection.families, "mailhub_check_success", {{"check", "one"}}), 1);
  }
  EXPECT_EQ(counts_.connects["success"], 1);
  EXPECT_LE(Helpers(sshd).size(), 5u) << "one for all, and one for each that was late";
  std::filesystem::remove_all(directory);
}

// A neighbour whose scrapes have half a second makes each slow collector a late one.
TEST_F(HelperLinkTest, AScrapeWithLessTimeTakesNothingFromOneWithMore) {
  host_.checks["slow"] = {"sleep 1.2; echo 7", Milliseconds(3'000)};
  const TestingSshd sshd;
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(Value(Once(link, 500).families, "mailhub_check_value", {{"check", "slow"}}));
    const Collection collection = Once(link, 10'000);
    ASSERT_FALSE(collection.failure) << collection.failure->message;
    for (const char* name : {"host", "processes", "files", "checks"}) {
      EXPECT_TRUE(collection.collectors.at(name).success) << name << " in look " << i;
    }
    EXPECT_EQ(Value(collection.families, "mailhub_check_value", {{"check", "slow"}}), 7);
  }
  EXPECT_EQ(counts_.connects["success"], 1);
}

// Long before the collector counts as late.
TEST_F(HelperLinkTest, TellsAtOnceWhatIsKnownBesideASlowCheck) {
  host_.checks["slow"] = {"sleep 2.5; echo 7", Milliseconds(5'000)};
  host_.checks["fast"] = {"echo 3", Milliseconds(5'000)};
  const TestingSshd sshd;
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  ASSERT_FALSE(link.Prepare(In(10'000)));
  // After the one with little time a helper of its own is asked for them.
  for (const int milliseconds : {20'000, 2'800, 20'000}) {
    Collection known;
    const auto begun = clock_.Steady();
    const Collection all = link.Collect(begun, In(milliseconds), [&](const Collection& so_far) {
      if (clock_.Steady() - begun < Milliseconds(2'000)) known = so_far;
    });
    for (const char* name : {"host", "processes", "files"})
      EXPECT_TRUE(known.collectors[name].success) << name;
    EXPECT_FALSE(known.failure);
    EXPECT_FALSE(known.collectors["checks"].success);
    EXPECT_EQ(Value(known.families, "mailhub_check_value", {{"check", "fast"}}), 3);
    EXPECT_FALSE(Value(known.families, "mailhub_check_success", {{"check", "slow"}}));
    EXPECT_EQ(Value(all.families, "mailhub_check_value", {{"check", "fast"}}), 3);
    if (milliseconds < 20'000) continue;
    EXPECT_TRUE(all.collectors.at("checks").success);
    EXPECT_EQ(Value(all.families, "mailhub_check_value", {{"check", "slow"}}), 7);
  }
}

TEST_F(HelperLinkTest, TellsWhatIsKnownBeforeItWaitsForTheLastCollector) {
  host_.checks.clear();
  host_.files.clear();
  const std::string directory =
      std::filesystem::temp_directory_path() / ("mailhub_late." + std::to_string(getpid()));
  const TestingSshd sshd("ForceCommand exec bash " + WithSlowServices(directory, "60"));
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  ASSERT_FALSE(link.Prepare(In(10'000)));
  Collection known;
  const auto begun = clock_.Steady();
  link.Collect(begun, In(8'000), [&](const Collection& so_far) {
    if (clock_.Steady() - begun < Milliseconds(6'000)) known = so_far;
  });
  ASSERT_TRUE(known.collectors.contains("processes"));
  EXPECT_TRUE(known.collectors.at("host").success);
  EXPECT_TRUE(known.collectors.at("processes").success);
  EXPECT_FALSE(known.collectors.at("services").success);
  std::filesystem::remove_all(directory);
}

TEST_F(HelperLinkTest, IsNotTouchedByTheAccountsEnvironment) {
  const TestingSshd sshd(
      "SetEnv PERL_UNICODE=SDA PERL5OPT=-Mno::such::module TMOUT=1 BASH_ENV=/dev/full "
      "POSIXLY_CORRECT=1");
  for (const bool with_shell : {false, true}) {
    host_.checks.clear();
    if (with_shell) host_.checks["one"] = {"echo ${TMOUT:-0}", Milliseconds(2000)};
    HelperLink link(host_, sshd.Target(), clock_, counts_);
    const Collection collection = Once(link);
    ASSERT_FALSE(collection.failure) << collection.failure->message;
    EXPECT_TRUE(collection.collectors.at("files").success);
    const auto helpers = Helpers(sshd);
    ASSERT_EQ(helpers.size(), with_shell ? 1u : 2u) << "perl has one that reads for it";
    std::ifstream file("/proc/" + std::to_string(helpers[0]) + "/environ");
    const std::string environment((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(environment.find("TMOUT"), std::string::npos);
    EXPECT_EQ(environment.find("PERL"), std::string::npos);
    if (!with_shell) continue;
    EXPECT_EQ(Value(collection.families, "mailhub_check_value", {{"check", "one"}}), 0);
  }
}

// Ports are measured when a scrape begins, and a slow host reads its uptime later. A gate would
// take what was measured before an action for something from after it.
TEST_F(HelperLinkTest, SaysNoUptimeThatIsNewerThanTheBeginOfTheScrape) {
  const TestingSshd first;  // for its folder
  const std::string helper =
      Changed(first.directory(), {{"  uptime=\n", "  sleep 0.5\n  uptime=\n"}});
  const TestingSshd sshd("ForceCommand exec bash " + helper);
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  double shown = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(link.Prepare(In(10'000)));
    double uptime = 0;
    std::ifstream("/proc/uptime") >> uptime;
    const Collection collection =
        link.Collect(clock_.Steady(), In(10'000), [](const Collection&) {});
    const auto value = Value(collection.families, "mailhub_host_uptime_seconds");
    ASSERT_TRUE(value);
    EXPECT_LE(*value, uptime + 0.1);
    EXPECT_GE(*value, shown);
    shown = *value;
  }
}

TEST_F(HelperLinkTest, KeepsTheRestWhereUptimeCannotBeRead) {
  const TestingSshd first;  // for its folder
  const std::string helper =
      Changed(first.directory(), {{"</proc/uptime\n    [ -n", "</dev/null\n    [ -n"}});
  const TestingSshd sshd("ForceCommand exec bash " + helper);
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  const Collection collection = Once(link);
  ASSERT_FALSE(collection.failure) << collection.failure->message;
  EXPECT_FALSE(collection.collectors.at("host").success);
  EXPECT_TRUE(collection.collectors.at("processes").success);
  EXPECT_FALSE(Value(collection.families, "mailhub_host_uptime_seconds"));
}

TEST_F(HelperLinkTest, ShowsSectionsBeforeAHangingCollector) {
  const TestingSshd sshd;
  host_.checks["hangs"] = {"sleep 60", Milliseconds(50'000)};
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  // By its budget the checks end in time, so the hanging one is unknown and no time-out.
  const Collection collection = Once(link, 10'000);
  ASSERT_FALSE(collection.failure) << collection.failure->message;
  EXPECT_FALSE(Value(collection.families, "mailhub_check_success", {{"check", "hangs"}}));
  EXPECT_EQ(Value(collection.families, "mailhub_check_success", {{"check", "one"}}), 1);
}

}  // namespace
}  // namespace mailhub::exporter
