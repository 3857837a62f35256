// The whole way: a real sshd on loopback, the helper started through it, this machine's own /proc.
// Then every way in which a host can disappoint.
#include "exporter/host/helper_link.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "exporter/host/prober.h"
#include "exporter/metrics/testing.h"
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
  void SetUp() override {
    host_.name = "here";
    host_.processes["absent"] = {"/nonexistent/program", "", ""};
    host_.files["passwd"] = "/etc/passwd";
    host_.checks["one"] = {"echo 1", Milliseconds(2000)};
  }

  SteadyTime In(int milliseconds) const { return clock_.Steady() + Milliseconds(milliseconds); }

  Look Once(HelperLink& link, int milliseconds = 10'000) {
    if (auto trouble = link.Prepare(In(milliseconds))) return {trouble, {}, {}};
    return link.Collect(In(milliseconds));
  }

  // The processes that were started over this sshd's sessions.
  static std::vector<pid_t> Helpers(const TestingSshd& sshd) {
    const std::string port = " " + std::to_string(sshd.Target().port);
    std::vector<pid_t> helpers;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "environ");
      const std::string environment((std::istreambuf_iterator<char>(file)), {});
      const size_t connection = environment.find("SSH_CONNECTION=");
      if (connection == std::string::npos) continue;
      const std::string value = environment.c_str() + connection;
      if (value.ends_with(port)) helpers.push_back(std::stoi(entry.path().filename()));
    }
    return helpers;
  }

  static pid_t ParentOf(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string word; status >> word;) {
      pid_t parent = 0;
      if (word == "PPid:" && status >> parent) return parent;
    }
    return 0;
  }

  // What a host that runs `command` instead of the helper leads to.
  Trouble TroubleWithForced(const std::string& command, int milliseconds = 10'000) {
    const TestingSshd sshd("ForceCommand " + command);
    HelperLink link(host_, sshd.Target(), clock_, counts_);
    const auto begun = clock_.Steady();
    const Look look = Once(link, milliseconds);
    // A helper has its own time after a login that was slow.
    EXPECT_LT(clock_.Steady() - begun, Milliseconds(2 * milliseconds + 2000 + 5000));
    EXPECT_TRUE(look.trouble);
    return look.trouble.value_or(Trouble{});
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
      const Look look = Once(link);
      ASSERT_FALSE(look.trouble) << look.trouble->message;
      EXPECT_EQ(Value(look.families, "mailhub_process_running", {{"process", "absent"}}), 0);
      EXPECT_EQ(Value(look.families, "mailhub_file_exists", {{"file", "passwd"}}), 1);
      EXPECT_EQ(Value(look.families, "mailhub_check_value", {{"check", "one"}}), 1);
      EXPECT_EQ(look.collectors.size(), 4u);
      for (const auto& [name, outcome] : look.collectors) EXPECT_TRUE(outcome.success) << name;
    }
    EXPECT_EQ(counts_.connects["success"], 1);
    EXPECT_EQ(counts_.sessions, 1);
  }
  EXPECT_EQ(counts_.sessions, 0);
}

TEST_F(HelperLinkTest, IsNotDisturbedByGreetingsBeforeTheFirstReply) {
  const TestingSshd sshd("ForceCommand echo Welcome; printf '$ '; eval \"$SSH_ORIGINAL_COMMAND\"");
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  EXPECT_FALSE(Once(link).trouble);
  EXPECT_FALSE(Once(link).trouble);
}

TEST_F(HelperLinkTest, WorksWithAnInstalledHelperThatTheKeyIsLimitedTo) {
  const TestingSshd sshd(std::string("ForceCommand sh ") + MAILHUB_HELPER_SCRIPT + " --installed");
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  const Look look = Once(link);
  ASSERT_FALSE(look.trouble) << look.trouble->message;
  EXPECT_EQ(Value(look.families, "mailhub_file_exists", {{"file", "passwd"}}), 1);
  EXPECT_EQ(Value(look.families, "mailhub_check_success", {{"check", "one"}}), 0)
      << "no command of the exporter's is run there";
}

TEST_F(HelperLinkTest, CallsEverythingThatIsNoReplyAProtocolFailure) {
  EXPECT_EQ(TroubleWithForced("yes no").reason, ConnectFailure::kProtocol);
  EXPECT_EQ(TroubleWithForced("cat /dev/zero").reason, ConnectFailure::kProtocol);
  EXPECT_EQ(TroubleWithForced("echo This account is not available").reason,
            ConnectFailure::kProtocol);
  EXPECT_EQ(TroubleWithForced("true").reason, ConnectFailure::kProtocol);
}

TEST_F(HelperLinkTest, RefusesAnInstalledHelperOfAnotherVersion) {
  const Trouble trouble = TroubleWithForced(
      "while read -r word nonce; do case $word in hello) printf '\\n%s hello 2\\n' $nonce;; esac; "
      "done");
  EXPECT_EQ(trouble.reason, ConnectFailure::kProtocol) << trouble.message;
}

TEST_F(HelperLinkTest, DoesNotWaitForAHostThatSaysNothing) {
  EXPECT_EQ(TroubleWithForced("sleep 20", 500).reason, ConnectFailure::kTimeout);
}

TEST_F(HelperLinkTest, EndsAReplyThatNeverEnds) {
  const std::string garbage =
      "while read -r word nonce rest; do case $word in hello) printf '\\n%s hello 1\\n' $nonce;; "
      "go) printf '\\n%s begin 1\\nuptime 1\\nsection host 1\\n' $nonce; yes;; esac; done";
  EXPECT_EQ(TroubleWithForced(garbage).reason, ConnectFailure::kProtocol);
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

// ThreadSanitizer does not see glibc's resolver threads being made, and falls over them.
#ifndef __SANITIZE_THREAD__
TEST_F(HelperLinkTest, SaysThatANameHasNoAddress) {
  TestingSshd sshd;
  ssh::SshTarget target = sshd.Target();
  target.address = "no-such-host.invalid";
  HelperLink unknown_name(host_, target, clock_, counts_);
  EXPECT_EQ(unknown_name.Prepare(In(10'000))->reason, ConnectFailure::kResolve);
}
#endif

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
  ASSERT_FALSE(prober.Probe(In(10'000)).trouble);
  const auto helpers = Helpers(sshd);
  ASSERT_FALSE(helpers.empty());
  for (pid_t helper : helpers) kill(helper, SIGKILL);
  const auto look = prober.Probe(In(10'000));
  EXPECT_FALSE(look.trouble) << look.trouble->message;
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
  ASSERT_FALSE(Once(link).trouble);
  std::vector<pid_t> sessions;
  for (pid_t helper : Helpers(*sshd)) sessions.push_back(ParentOf(helper));
  ASSERT_FALSE(sessions.empty());
  sshd.reset();
  for (pid_t session : sessions) {
    if (session > 1) kill(session, SIGKILL);
  }
  for (int i = 0; i < 3; ++i) {
    const Look look = Once(link, 3000);
    ASSERT_TRUE(look.trouble);
    EXPECT_EQ(look.trouble->reason, ConnectFailure::kConnect) << look.trouble->message;
  }
  EXPECT_GE(counts_.connects["connect"], 2);
  EXPECT_EQ(counts_.sessions, 0);
}

TEST_F(HelperLinkTest, ShowsWhatCameBeforeACollectorThatHangs) {
  const TestingSshd sshd;
  host_.checks["hangs"] = {"sleep 30", Milliseconds(20'000)};
  HelperLink link(host_, sshd.Target(), clock_, counts_);
  // Its budget says the checks end in time, so the hanging one is a failed check and no time-out.
  const Look look = Once(link, 4000);
  ASSERT_FALSE(look.trouble) << look.trouble->message;
  EXPECT_EQ(Value(look.families, "mailhub_check_success", {{"check", "hangs"}}), 0);
  EXPECT_EQ(Value(look.families, "mailhub_check_success", {{"check", "one"}}), 1);
}

}  // namespace
}  // namespace mailhub::exporter
