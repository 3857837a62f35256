// Two actuators on one site, as an operator sees them: the real programs, a real sshd, the runner
// as root installs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "actuator/remote/runner_script.h"
#include "actuator/testing_process.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing_process::Eventually;
using testing_process::Process;
using testing_process::ReadAll;

// One actuator: its folder, its journal, its process, and mailhubctl for it.
class Actuator {
 public:
  explicit Actuator(fs::path folder) : folder_(std::move(folder)) {}

  // False when it ended instead of becoming ready.
  bool Start() {
    process_ = std::make_unique<Process>(Command(), folder_ / "log");
    const bool ready = Eventually([&] {
      const std::string log = ReadAll(folder_ / "log");
      const size_t port = log.find(" port=");
      if (port == std::string::npos) return !process_->Alive();
      url_ = "http://127.0.0.1:" + std::to_string(std::atoi(log.c_str() + port + 6));
      return Ctl("mode set active").first == 0;
    });
    return ready && !url_.empty();
  }
  std::vector<std::string> Command() const {
    return {MAILHUB_ACTUATOR, "--config.file=" + (folder_ / "actuator.yml").string()};
  }
  // Exit status and output.
  std::pair<int, std::string> Ctl(const std::string& words) const {
    const std::string out = folder_ / "ctl.out";
    const int status = std::system(  // NOLINT(concurrency-mt-unsafe)
        (std::string(MAILHUBCTL) + " --url " + url_ + " --token-file " +
         (folder_ / "token").string() + " --by anna " + words + " >" + out + " 2>&1")
            .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadAll(out)};
  }
  const fs::path& folder() const { return folder_; }

 private:
  const fs::path folder_;
  std::unique_ptr<Process> process_;
  std::string url_;
};

class TwoActuators : public ::testing::Test {
 protected:
  TwoActuators() {
    const std::string runner = At("runner");
    std::ofstream(runner) << remote::RunnerScript();
    std::ofstream(At("allow")) << "command touch echo touched >>" << At("evidence") << "\n";
    chmod(At("allow").c_str(), 0644);
    const std::string key = ReadAll(At("user.pub"));
    std::ofstream(At("user.pub")) << "restrict,command=\"sh " << runner << " --installed --allow "
                                  << At("allow") << " --dir " << At("receipts")
                                  << " --allow-tmpfs --no-systemd\" " << key;
  }
  std::string At(const std::string& name) const { return sshd_.directory() + "/" + name; }
  // Its files; `journal` below the sshd's directory.
  Actuator Make(const std::string& name, const std::string& journal) const {
    const fs::path folder = At(name);
    fs::create_directories(folder / "runbooks");
    const ssh::SshTarget target = sshd_.Target();
    std::ofstream(folder / "site.yml")
        << "ssh: {user: " << target.user << ", known_hosts: " << target.known_hosts_file
        << ", actuator_key: " << target.identity_file << "}\n"
        << "hosts:\n  x500: {address: 127.0.0.1, port: " << target.port
        << ", runner: installed, commands: {touch: the host knows}}\n";
    std::ofstream(folder / "runbooks/touch.yml")
        << "runbook: touch\nsummary: Touch\nsteps:\n  - name: Touch\n"
           "    run: {on: x500, use: touch}\n";
    std::ofstream(folder / "token") << "correct-horse-battery\n";
    chmod((folder / "token").c_str(), 0600);
    std::ofstream(folder / "actuator.yml")
        << "site: site.yml\nrunbooks: runbooks\njournal: " << At(journal)
        << "\nweb: {listen_address: '127.0.0.1:0', token_file: token}\n"
           "webhook: {token_file: token}\nprometheus: {url: 'http://127.0.0.1:1'}\n"
           "poll: {step: 20ms, retry: 50ms}\n";
    return Actuator(folder);
  }

  ssh::TestingSshd sshd_;
};

TEST_F(TwoActuators, OnOneJournalTheSecondRefusesToStart) {
  Actuator first = Make("a", "journal.db");
  ASSERT_TRUE(first.Start()) << ReadAll(first.folder() / "log");
  const Actuator second = Make("b", "journal.db");
  Process process(second.Command(), second.folder() / "log");
  EXPECT_EQ(process.End(0), 1);
  const std::string said = ReadAll(second.folder() / "log");
  EXPECT_THAT(said, HasSubstr("another actuator (pid "));
  EXPECT_THAT(said, HasSubstr("has this journal; stop it first"));
  EXPECT_EQ(first.Ctl("run start touch --watch").first, 0) << "the first goes on undisturbed";
}

TEST_F(TwoActuators, OnTwoJournalsTheHostRefusesTheSecondUntilAPersonLetsItTakeOver) {
  Actuator first = Make("a", "a.db");
  Actuator second = Make("b", "b.db");
  ASSERT_TRUE(first.Start()) << ReadAll(first.folder() / "log");
  ASSERT_TRUE(second.Start()) << ReadAll(second.folder() / "log");
  const auto done = first.Ctl("run start touch --watch");
  ASSERT_EQ(done.first, 0) << done.second;

  const auto refused = second.Ctl("run start touch --watch");
  EXPECT_EQ(refused.first, 2) << "it holds: " << refused.second;
  EXPECT_THAT(refused.second, HasSubstr("this host obeys journal "));
  EXPECT_THAT(refused.second, HasSubstr("two actuators? 'mailhubctl takeover HOST"));
  EXPECT_EQ(ReadAll(At("evidence")), "touched\n");

  EXPECT_EQ(second.Ctl("takeover x500").first, 64) << "needs a reason";
  EXPECT_THAT(second.Ctl("takeover x501 --reason gone").second, HasSubstr("not in the site file"));
  const auto taken = second.Ctl("takeover x500 --reason 'the old machine is gone'");
  EXPECT_EQ(taken.first, 0) << taken.second;
  EXPECT_EQ(taken.second, "x500 obeys this actuator now\n");
  const std::string run = refused.second.substr(refused.second.find("run ") + 4, 32);
  EXPECT_EQ(second.Ctl("run retry " + run + " --hold 1").first, 0);
  const auto after = second.Ctl("run watch " + run);
  EXPECT_EQ(after.first, 0) << after.second;
  EXPECT_EQ(ReadAll(At("evidence")), "touched\ntouched\n");

  const auto deposed = first.Ctl("run start touch --watch");
  EXPECT_EQ(deposed.first, 2) << deposed.second;
  EXPECT_THAT(deposed.second, HasSubstr("this host obeys journal "));
  EXPECT_EQ(ReadAll(At("evidence")), "touched\ntouched\n");
}

}  // namespace
}  // namespace mailhub
