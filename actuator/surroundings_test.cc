// `config check` looks at the configured files, directories and addresses on its own machine.
#include "actuator/surroundings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mailhub {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SurroundingsTest : public ::testing::Test {
 protected:
  SurroundingsTest() {
    std::string name = fs::temp_directory_path() / "mailhub-surroundings-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    fs::create_directory(folder_ / "runbooks");
    Write("site.yml",
          "ssh:\n  user: root\n  known_hosts: known_hosts\n  actuator_key: key\n"
          "groups: {servers: [server]}\nhosts: {server: {address: 192.0.2.1}}\n");
    Write("runbooks/wake.yml",
          "runbook: wake\nsummary: a\nsteps: [{name: a, run: {on: server, command: a}}]\n");
    Write("known_hosts", "192.0.2.1 ssh-ed25519 AAAA\n");
    Write("key", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for (const char* token : {"webhook.token", "api.token", "prometheus.token"}) {
      Write(token, "correct-horse-battery\n");
      ::chmod((folder_ / token).c_str(), 0600);
    }
    lines_ = {"site: site.yml",
              "runbooks: runbooks",
              "journal: journal.db",
              "web: {listen_address: '127.0.0.1:0', token_file: api.token}",
              "webhook: {token_file: webhook.token}",
              "prometheus: {url: 'http://127.0.0.1:1', bearer_token_file: prometheus.token}",
              "triggers:",
              "  - {name: a, match: [a=b], runbook: wake}"};
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  // The defects, without the folder's name.
  std::vector<std::string> Wrong() const {
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    Write("actuator.yml", text);
    const auto read = LoadConfiguration(folder_ / "actuator.yml");
    if (!read) return {read.error().message};
    std::vector<std::string> wrong = CheckSurroundings(*read, read->settings.fixed.web);
    const std::string prefix = folder_.string() + "/";
    for (std::string& message : wrong) {
      for (size_t at = 0; (at = message.find(prefix)) != std::string::npos;) {
        message.erase(at, prefix.size());
      }
    }
    return wrong;
  }

  fs::path folder_;
  std::vector<std::string> lines_;
};

TEST_F(SurroundingsTest, NothingIsWrongWithFilesThatAreThere) {
  EXPECT_THAT(Wrong(), IsEmpty());
}

TEST_F(SurroundingsTest, EveryFileThatIsMissingIsNamedWithItsPlace) {
  for (const char* file :
       {"known_hosts", "key", "webhook.token", "api.token", "prometheus.token"}) {
    fs::remove(folder_ / file);
  }
  lines_[2] = "journal: nowhere/journal.db";
  EXPECT_THAT(
      Wrong(),
      ElementsAre(
          "site.yml:3:16: ssh.known_hosts: known_hosts: No such file or directory; expected "
          "a file with the hosts' keys that the actuator may read",
          "site.yml:4:17: ssh.actuator_key: key: No such file or directory; expected the "
          "actuator's private SSH key, readable by it",
          "actuator.yml:3:10: journal: nowhere: No such file or directory; expected a path in "
          "a directory that exists and that the actuator may write",
          "actuator.yml:4:50: web.token_file: api.token: No such file or directory; expected "
          "a file with one token a line, for the actuator's user only",
          "actuator.yml:5:23: webhook.token_file: webhook.token: No such file or directory; "
          "expected a file with one token a line, for the actuator's user only",
          "actuator.yml:6:60: prometheus.bearer_token_file: prometheus.token: No such file or "
          "directory; expected a file that holds a token"));
}

TEST_F(SurroundingsTest, ExistingFilesMustBeOfTheExpectedKind) {
  Write("key", "ssh-ed25519 AAAA actuator\n");
  Write("api.token", "\n");
  ::chmod((folder_ / "webhook.token").c_str(), 0644);
  fs::remove(folder_ / "known_hosts");
  fs::create_directory(folder_ / "known_hosts");
  fs::create_directory(folder_ / "journal.db");
  EXPECT_THAT(Wrong(), ElementsAre(HasSubstr("known_hosts: is no file"),
                                   HasSubstr("key: does not begin with -----BEGIN; expected the "
                                             "actuator's private SSH key"),
                                   HasSubstr("journal.db: is no file"),
                                   HasSubstr("api.token: holds no token"), HasSubstr("chmod o=")));
}

TEST_F(SurroundingsTest, TheApiTokenIsForTheActuatorsUserOnly) {
  ::chmod((folder_ / "api.token").c_str(), 0644);
  EXPECT_THAT(Wrong(), ElementsAre(HasSubstr("api.token: everybody on this machine can read")));
}

TEST_F(SurroundingsTest, OneRuleHoldsForBothOfOurTokens) {
  for (const char* file : {"api.token", "webhook.token"}) {
    for (const char* text : {"short\n", "two words-of-a-length\n", "long-enough-to-count\nno\n"}) {
      Write(file, text);
      EXPECT_THAT(Wrong(),
                  ElementsAre(HasSubstr(std::string(file) + ": a token is one word of at least")))
          << text;
    }
    Write(file, "correct-horse-battery\n");
  }
  // Several are valid during a token's replacement.
  Write("api.token", "correct-horse-battery\nbattery-horse-correct\n");
  EXPECT_THAT(Wrong(), IsEmpty());
}

TEST_F(SurroundingsTest, TheSecretForPrometheusIsOneToken) {
  for (const char* text : {"correct-horse\nbattery\n", "two words\n"}) {
    Write("prometheus.token", text);
    EXPECT_THAT(Wrong(), ElementsAre(HasSubstr("prometheus.token: holds more than one word")));
  }
  Write("prometheus.token", "short\n");
  EXPECT_THAT(Wrong(), IsEmpty()) << "how long it is, is Prometheus' affair";
}

TEST_F(SurroundingsTest, APipeIsNotWaitedFor) {
  fs::remove(folder_ / "webhook.token");
  ASSERT_EQ(::mkfifo((folder_ / "webhook.token").c_str(), 0600), 0);
  EXPECT_THAT(Wrong(), ElementsAre(HasSubstr("webhook.token: is no file")));
}

TEST_F(SurroundingsTest, AnAddressThatOthersReachNeedsTls) {
  lines_[3] = "web: {listen_address: '0.0.0.0:9110', token_file: api.token}";
  EXPECT_THAT(Wrong(), ElementsAre(HasSubstr("actuator.yml:4:23: web.listen_address: 0.0.0.0:9110: "
                                             "others than this machine could reach it: TLS")));
}

TEST_F(SurroundingsTest, TriggersNeedAWayInForAlertmanager) {
  lines_[4] = "";
  EXPECT_THAT(Wrong(), ElementsAre("actuator.yml:1:1: webhook.token_file: missing, and "
                                   "web.config_file asks for no login: every notification would be "
                                   "answered 401; expected one of both"));
  lines_[6] = "triggers: []";
  lines_[7] = "";
  EXPECT_THAT(Wrong(), IsEmpty()) << "an actuator for people only";
}

TEST_F(SurroundingsTest, TheWebFileIsReadToo) {
  lines_[3] = "web: {config_file: web.yml, token_file: api.token}";
  EXPECT_THAT(Wrong(), ElementsAre(HasSubstr("actuator.yml:4:20: web.config_file: web.yml")));
}

TEST_F(SurroundingsTest, SecretsOfReceiversAreLookedAt) {
  lines_.push_back("receivers:");
  lines_.push_back(
      "  - {name: chat, format: slack, url_file: chat.url, header_files: {X-A: key}, ca_file: ca}");
  lines_.push_back(
      "  - {name: tickets, format: plain, url: 'http://x', bearer_token_file: none.token}");
  Write("chat.url", "not a URL\n");
  EXPECT_THAT(Wrong(),
              ElementsAre(HasSubstr("actuator.yml:10:43: receivers[0].url_file: chat.url: holds"),
                          HasSubstr("receivers[0].ca_file: ca: No such file"),
                          HasSubstr("receivers[1].bearer_token_file: none.token: No such file")));
  Write("chat.url", "https://chat.example.org/hooks/x\n");
  Write("ca", "-----BEGIN CERTIFICATE-----\n");
  Write("none.token", "correct-horse-battery\n");
  EXPECT_THAT(Wrong(), IsEmpty());
}

}  // namespace
}  // namespace mailhub
