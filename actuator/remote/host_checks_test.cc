// Looks at a real sshd and the real runner.
#include "actuator/remote/host_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "actuator/remote/remote_hosts.h"
#include "actuator/remote/runner_script.h"
#include "actuator/remote/testing_runner.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub::remote {
namespace {

using engine::HostQuestion;
using engine::Known;
using testing::HasSubstr;

class Checks : public testing::Test {
 protected:
  Checks() : directory(sshd.directory() + "/runner") {
    options.directory = directory;
    options.arguments = "--dir " + directory + " --allow-tmpfs --no-systemd";
    const ssh::SshTarget target = sshd.Target();
    site.known_hosts = target.known_hosts_file;
    site.actuator_key = target.identity_file;
    config::Host& host = site.hosts["x500"];
    host.name = "x500";
    host.address = target.address;
    host.port = target.port;
    host.user = target.user;
  }
  engine::HostReport Check(const std::vector<std::string>& commands = {"true"},
                           const std::string& journal = "journal-a") {
    HostChecks checks(std::make_shared<config::Site>(site), options);
    engine::HostCheck check;
    check.host = "x500";
    check.commands = commands;
    check.journal_id = journal;
    check.epoch = 3;
    check.deadline = RealClock().Steady() + Milliseconds(20'000);
    return checks.Check(check);
  }
  static engine::HostFact Of(const engine::HostReport& report, HostQuestion about) {
    EXPECT_EQ(report.facts.size(), 7U) << "each question has its answer";
    return report.facts.at(static_cast<size_t>(about));
  }
  static std::string Words(const engine::HostReport& report) {
    std::string words;
    for (const engine::HostFact& fact : report.facts) {
      words += std::string(words.empty() ? "" : " ") + Name(fact.known);
    }
    return words;
  }
  // A first step: puts the runner there.
  void PutRunner() {
    RemoteHosts hosts(std::make_shared<config::Site>(site), options);
    hosts.Begin("journal-a", 3);
    engine::RemoteRequest hello;
    hello.host = "x500";
    std::promise<engine::RemoteReply> reply;
    hosts.Submit(hello, [&](engine::RemoteReply one) { reply.set_value(std::move(one)); });
    const engine::RemoteReply said = reply.get_future().get();
    ASSERT_TRUE(said.receipt) << said.receipt.error().message;
  }
  // Limits the key to an installed runner that allows `list`.
  void Install(const std::string& list) {
    const std::string allow = sshd.directory() + "/allow";
    std::ofstream(allow) << list;
    chmod(allow.c_str(), 0644);
    std::ostringstream key;
    key << std::ifstream(sshd.directory() + "/user.pub").rdbuf();
    std::ofstream(sshd.directory() + "/user.pub")
        << "restrict,command=\"sh " << script << " --installed --allow " << allow << " --dir "
        << directory << " --allow-tmpfs --no-systemd\" " << key.str();
    site.hosts["x500"].runner = config::RunnerForm::kInstalled;
  }

  ssh::TestingSshd sshd;
  std::string directory;
  std::string script = MAILHUB_RUNNER_SCRIPT;
  LinkOptions options;
  config::Site site;
};

TEST_F(Checks, FindNothingAgainstAHostThatHasItsRunner) {
  PutRunner();
  const engine::HostReport report = Check();
  EXPECT_EQ(Words(report), "yes yes yes yes yes yes yes") << Of(report, HostQuestion::kRunner).why;
}

TEST_F(Checks, PutNothingOnAHostThatIsNew) {
  const engine::HostReport report = Check();
  EXPECT_EQ(Words(report), "yes yes yes yes unknown yes yes");
  EXPECT_THAT(Of(report, HostQuestion::kRunner).why, HasSubstr("put there by the first step"));
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(Checks, ReadAnOlderRunnersFence) {
  PutRunner();
  for (const auto& runner : std::filesystem::directory_iterator(directory + "/bin")) {
    std::filesystem::remove(runner.path());
  }
  EXPECT_EQ(Of(Check(), HostQuestion::kFence).known, Known::kYes);
  const auto fence = Of(Check({"true"}, "journal-b"), HostQuestion::kFence);
  EXPECT_EQ(fence.known, Known::kNo);
  EXPECT_THAT(fence.why, HasSubstr("obeys journal journal-a"));
}

TEST_F(Checks, NameTheJournalThatTheHostObeys) {
  PutRunner();
  const auto fence = Of(Check({"true"}, "journal-b"), HostQuestion::kFence);
  EXPECT_EQ(fence.known, Known::kNo);
  EXPECT_THAT(fence.why, HasSubstr("takeover"));
}

TEST_F(Checks, TellADeadHostAWrongKeyAndARefusedLoginApart) {
  const config::Site good = site;
  site.hosts["x500"].port = 1;
  EXPECT_EQ(Words(Check()), "no unknown unknown unknown unknown unknown unknown");
  site = good;
  const std::string wrong = sshd.directory() + "/wrong_known_hosts";
  sshd.NewKey("other_host");
  std::ostringstream key;
  key << std::ifstream(sshd.directory() + "/other_host.pub").rdbuf();
  std::ofstream(wrong) << "[127.0.0.1]:" << site.hosts["x500"].port << " " << key.str();
  site.known_hosts = wrong;
  EXPECT_EQ(Words(Check()), "yes no unknown unknown unknown unknown unknown");
  site = good;
  site.actuator_key = sshd.NewKey("stranger");
  EXPECT_EQ(Words(Check()), "yes yes no unknown unknown unknown unknown");
}

TEST_F(Checks, CompareThePlansCommandsWithTheListOfAnInstalledRunner) {
  Install("command stop true\nservice exim4 systemd\n");
  EXPECT_EQ(Words(Check({"@stop", "@service exim4 restarted"})), "yes yes yes yes yes yes yes");
  EXPECT_FALSE(std::filesystem::exists(directory)) << "it is made by the first step";
  const auto commands = Of(Check({"@stop", "@start", "rm -r x"}), HostQuestion::kCommands);
  EXPECT_EQ(commands.known, Known::kNo);
  EXPECT_THAT(commands.why, HasSubstr("\"@start\": "));
  EXPECT_THAT(commands.why, HasSubstr("lists no command start"));
  EXPECT_THAT(commands.why, HasSubstr("\"rm -r x\": "));
}

TEST_F(Checks, SayThatWhatTheHostKeepsCannotBeRead) {
  for (const char* name : {"leases/0123@1.lease", "swept"}) {
    PutRunner();
    const std::string path = directory + "/" + name;
    std::filesystem::remove_all(path);
    std::filesystem::create_symlink("/nowhere", path);
    const engine::HostReport report = Check();
    const auto receipts = Of(report, HostQuestion::kReceipts);
    EXPECT_NE(receipts.known, Known::kYes) << name;
    EXPECT_THAT(receipts.why, HasSubstr("cannot be read")) << name;
    std::filesystem::remove(path);
  }
}

TEST_F(Checks, DoNotGuessWhatAReplyLeavesOut) {
  std::string silent(RunnerScript());
  const std::string digest = "receipt=\"${receipt}runner=${checked%% *}$nl\"";
  ASSERT_NE(silent.find(digest), std::string::npos);
  silent.replace(silent.find(digest), digest.size(), "receipts=refused");
  script = sshd.directory() + "/silent";
  std::ofstream(script) << silent;
  Install("command stop true\n");
  const engine::HostReport report = Check({"@stop"});
  EXPECT_EQ(Of(report, HostQuestion::kRunner).known, Known::kUnknown);
  EXPECT_THAT(Of(report, HostQuestion::kRunner).why, HasSubstr("without its digest"));
}

TEST_F(Checks, KnowNothingOfWhatAnOlderInstalledRunnerCannotSay) {
  std::string older(RunnerScript());
  const std::string verb = "      check) check ;;\n";
  ASSERT_NE(older.find(verb), std::string::npos);
  older.erase(older.find(verb), verb.size());
  const std::string known = "hello | takeover | check)";
  older.replace(older.find(known), known.size(), "hello | takeover)");
  script = sshd.directory() + "/older";
  std::ofstream(script) << older;
  Install("command stop true\n");
  PutRunner();
  const engine::HostReport report = Check({"@stop"});
  EXPECT_EQ(Words(report), "yes yes yes unknown unknown unknown unknown");
  EXPECT_THAT(Of(report, HostQuestion::kRunner).why, HasSubstr("older than this actuator"));
}

}  // namespace
}  // namespace mailhub::remote
