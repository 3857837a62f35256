// The questions before one lets it act, as an operator asks them: the real programs, a real sshd,
// the runner as root installs it. What they say then happens, and until then nothing does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>

#include "actuator/remote/runner_script.h"
#include "actuator/testing_process.h"
#include "lib/http/client.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_process::Eventually;
using testing_process::Process;
using testing_process::ReadAll;

class BeforeActing : public ::testing::Test {
 protected:
  BeforeActing() {
    std::ofstream(At("runner")) << remote::RunnerScript();
    Allow("command touch echo touched >>" + At("evidence") + "\n");
    const std::string key = ReadAll(At("user.pub"));
    std::ofstream(At("user.pub")) << "restrict,command=\"sh " << At("runner")
                                  << " --installed --allow " << At("allow") << " --dir "
                                  << At("receipts") << " --allow-tmpfs --no-systemd\" " << key;
    fs::create_directories(At("runbooks"));
    const ssh::SshTarget target = sshd_.Target();
    std::ofstream(At("site.yml")) << "ssh: {user: " << target.user
                                  << ", known_hosts: " << target.known_hosts_file
                                  << ", actuator_key: " << target.identity_file << "}\n"
                                  << "hosts:\n  x500: {address: 127.0.0.1, port: " << target.port
                                  << ", runner: installed, commands: {touch: the host knows}}\n"
                                  << "groups: {all: [x500]}\n";
    std::ofstream(At("runbooks/touch.yml"))
        << "runbook: touch\nsummary: Touch\nlock: directory\nparameters:\n"
           "  on: {host_in: all}\nsteps:\n  - name: Touch\n"
           "    run: {on: '{{on}}', use: touch}\n";
    std::ofstream(At("runbooks/gated.yml"))
        << "runbook: gated\nsummary: Touch and wait\nsteps:\n  - name: Touch\n"
           "    run: {on: x500, use: touch}\n  - name: Wait\n"
           "    wait_for: mailhub_host_cpus{instance=\"x500\"} >= 1\n";
    std::ofstream(At("token")) << "correct-horse-battery\n";
    chmod(At("token").c_str(), 0600);
  }
  std::string At(const std::string& name) const { return sshd_.directory() + "/" + name; }
  void Allow(const std::string& list) const {
    std::ofstream(At("allow")) << list;
    chmod(At("allow").c_str(), 0644);
  }
  bool Start(const std::string& journal) {
    journal_ = journal;
    std::ofstream(At("actuator.yml"))
        << "site: site.yml\nrunbooks: runbooks\njournal: " << At(journal)
        << "\nweb: {listen_address: '127.0.0.1:0', token_file: token}\n"
           "webhook: {token_file: token}\nprometheus: {url: 'http://127.0.0.1:1'}\n"
           "poll: {step: 20ms, retry: 50ms}\n"
           "triggers:\n  - {name: other, match: ['alertname=\"Other\"'], runbook: gated}\n"
           "  - name: touch\n    match: ['alertname=\"Touch\"']\n    runbook: touch\n"
           "    parameters_from_labels: {on: instance}\n";
    fs::remove(At("log"));
    process_ = std::make_unique<Process>(
        std::vector<std::string>{MAILHUB_ACTUATOR, "--config.file=" + At("actuator.yml")},
        At("log"));
    return Eventually([&] {
      const std::string log = ReadAll(At("log"));
      const size_t port = log.find(" port=");
      if (port == std::string::npos) return !process_->Alive();
      url_ = "http://127.0.0.1:" + std::to_string(std::atoi(log.c_str() + port + 6));
      return Ctl("mode set active").first == 0;
    });
  }
  // Exit status and output.
  std::pair<int, std::string> Ctl(const std::string& words) const {
    const int status = std::system(  // NOLINT(concurrency-mt-unsafe)
        (std::string(MAILHUBCTL) + " --url " + url_ + " --token-file " + At("token") +
         " --by anna " + words + " >" + At("ctl.out") + " 2>&1")
            .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadAll(At("ctl.out"))};
  }
  std::string Journal() const { return ReadAll(At(journal_)) + ReadAll(At(journal_ + "-wal")); }
  int Deliver(const std::string& file) const {
    http::RequestOptions options;
    options.headers = {{"Authorization", "Bearer correct-horse-battery"}};
    http::Client client;
    const auto response =
        client.Post(url_ + "/api/v1/alerts", ReadAll(file), "application/json", options);
    return response ? response->status : 0;
  }

  ssh::TestingSshd sshd_;
  std::string journal_;
  std::unique_ptr<Process> process_;
  std::string url_;
};

TEST_F(BeforeActing, AnAlertDoesWhatItsTestHasSaid) {
  ASSERT_TRUE(Start("a.db")) << ReadAll(At("log"));
  std::ofstream(At("alert.json"))
      << R"({"version":"4","alerts":[{"status":"firing","startsAt":"2024-03-01T00:00:00Z",)"
      << R"("fingerprint":"00000000000000aa","labels":{"alertname":"Touch","instance":"x500"}}]})";
  const std::string before = Journal();
  const auto tested = Ctl("alert test " + At("alert.json"));
  EXPECT_EQ(tested.first, 0) << tested.second;
  EXPECT_THAT(tested.second, HasSubstr("started_run"));
  EXPECT_THAT(tested.second, HasSubstr("parameters: on=x500"));
  EXPECT_THAT(tested.second, HasSubstr("other: alertname=\"Other\" does not match"));
  EXPECT_THAT(Ctl("alert test Touch instance=nowhere").second, HasSubstr("rejected"));
  EXPECT_EQ(Journal(), before) << "nothing is recorded";
  EXPECT_FALSE(fs::exists(At("receipts"))) << "no host has heard of it";

  EXPECT_EQ(Deliver(At("alert.json")), 200);
  EXPECT_THAT(Ctl("alert list").second, HasSubstr("started_run"));
  EXPECT_EQ(Ctl("run watch --runbook touch").first, 0);
  EXPECT_EQ(ReadAll(At("evidence")), "touched\n");
  EXPECT_THAT(Ctl("alert test " + At("alert.json")).second, HasSubstr("repeat"));
}

TEST_F(BeforeActing, APlanThatMeetsNoObstacleGoesThrough) {
  ASSERT_TRUE(Start("a.db")) << ReadAll(At("log"));
  const std::string before = Journal();
  const auto live = Ctl("run plan touch on=x500 --live");
  EXPECT_EQ(live.first, 0) << live.second;
  EXPECT_THAT(live.second,
              HasSubstr("login yes, runner yes, receipts yes, fence yes, commands yes"));
  EXPECT_THAT(live.second, HasSubstr("lock directory: free"));
  EXPECT_EQ(Journal(), before) << "nothing is recorded";
  EXPECT_FALSE(fs::exists(At("receipts"))) << "nothing is made on the host";
  EXPECT_FALSE(fs::exists(At("evidence")));
  EXPECT_EQ(Ctl("run start touch on=x500 --watch").first, 0);
}

TEST_F(BeforeActing, APlanNamesWhatIsInItsWay) {
  ASSERT_TRUE(Start("a.db")) << ReadAll(At("log"));
  const auto gated = Ctl("run plan gated --live");
  EXPECT_EQ(gated.first, 1);
  EXPECT_THAT(gated.second, HasSubstr("step 2: Prometheus cannot be asked"));
  EXPECT_THAT(gated.second, Not(HasSubstr("would open")));

  ASSERT_EQ(Ctl("run start touch on=x500 --watch").first, 0);
  Allow("command other true\n");
  const auto unlisted = Ctl("run plan touch on=x500 --live");
  EXPECT_EQ(unlisted.first, 1);
  EXPECT_THAT(unlisted.second, HasSubstr("x500: commands: "));
  EXPECT_THAT(unlisted.second, HasSubstr("lists no command touch"));

  process_.reset();
  ASSERT_TRUE(Start("b.db")) << ReadAll(At("log"));
  const auto foreign = Ctl("run plan touch on=x500 --live");
  EXPECT_EQ(foreign.first, 1);
  EXPECT_THAT(foreign.second, HasSubstr("x500: fence: this host obeys journal "));
  EXPECT_EQ(ReadAll(At("evidence")), "touched\n");
}

}  // namespace
}  // namespace mailhub
