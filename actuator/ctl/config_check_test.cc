// `config check` names the file's kind, its mistakes, and the parts that it could not check.
#include "actuator/ctl/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mailhub::ctl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

class ConfigCheckTest : public ::testing::Test {
 protected:
  ConfigCheckTest() {
    std::string name = fs::temp_directory_path() / "mailhub-check-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    fs::create_directory(folder_ / "runbooks");
    Write("site.yml",
          "ssh: {user: root, known_hosts: k, actuator_key: a}\ngroups: {servers: [server]}\n"
          "hosts: {server: {address: 192.0.2.1}}\n");
    Write("runbooks/wake.yml",
          "runbook: wake\nsummary: a\nsteps: [{name: a, run: {on: server, command: a}}]\n");
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  int Check(const std::string& file, const std::string& runbooks = "") {
    CaptureStdout();
    CaptureStderr();
    const int status = ConfigCheck(folder_ / file, runbooks);
    out_ = GetCapturedStdout();
    err_ = GetCapturedStderr();
    return status;
  }

  fs::path folder_;
  std::string out_;
  std::string err_;
};

TEST_F(ConfigCheckTest, ARunbookIsNotTakenForASiteFile) {
  EXPECT_EQ(Check("runbooks/wake.yml"), 1);
  EXPECT_THAT(err_,
              HasSubstr("wake.yml:1:1: this is a runbook; whether its hosts, groups and gates "
                        "are good is checked with a site file: mailhubctl config check "
                        "SITE.yml --runbooks " +
                        (folder_ / "runbooks").string()));
  Write("runbooks/wake.yml", "runbook: wake\nsumary: a\n");
  EXPECT_EQ(Check("runbooks/wake.yml"), 1);
  EXPECT_THAT(err_, HasSubstr("wake.yml:2:1: sumary: unknown key; expected one of: runbook"));
}

TEST_F(ConfigCheckTest, AFileOfNoKindIsToldTheKinds) {
  Write("other.yml", "colour: red\n");
  EXPECT_EQ(Check("other.yml"), 1);
  EXPECT_THAT(err_, HasSubstr("other.yml:1:1: expected an actuator's file (site, runbooks, "
                              "journal, ...), a site file (ssh, groups, hosts) or a runbook"));
}

TEST_F(ConfigCheckTest, AnActuatorsFileIsKnownAlsoWithoutItsSite) {
  Write("actuator.yml", "runbooks: runbooks\njournal: j\nprometheus: {url: 'http://p'}\n");
  EXPECT_EQ(Check("actuator.yml"), 1);
  EXPECT_THAT(err_, HasSubstr("site: missing; expected the path of the site file"));
}

TEST_F(ConfigCheckTest, FilesThatAreNotHereAreWarnings) {
  Write("actuator.yml",
        "site: site.yml\nrunbooks: runbooks\njournal: /nowhere/j\nprometheus: {url: 'http://p'}\n");
  EXPECT_EQ(Check("actuator.yml"), 0);
  EXPECT_THAT(out_, HasSubstr("0 triggers, 1 runbook, 1 host, no mistake but 3 warnings\n"));
  EXPECT_THAT(err_, HasSubstr("mailhubctl: warning: "));
  EXPECT_THAT(err_, HasSubstr("actuator.yml:3:10: journal: /nowhere: No such file or directory"));
  EXPECT_THAT(err_, HasSubstr("site.yml:1:32: ssh.known_hosts: "));
}

TEST_F(ConfigCheckTest, OneWarningIsNotCalledSeveral) {
  Write("k", "192.0.2.1 ssh-ed25519 AAAA\n");
  Write("a", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  Write("actuator.yml",
        "site: site.yml\nrunbooks: runbooks\njournal: /nowhere/j\nprometheus: {url: 'http://p'}\n");
  EXPECT_EQ(Check("actuator.yml"), 0);
  EXPECT_THAT(out_, HasSubstr("no mistake but 1 warning\n"));
}

TEST_F(ConfigCheckTest, ASiteFileIsCheckedWithItsRunbooks) {
  EXPECT_EQ(Check("site.yml", folder_ / "runbooks"), 0);
  EXPECT_THAT(out_, HasSubstr("wake: no mistake"));
  EXPECT_EQ(err_, "");
}

}  // namespace
}  // namespace mailhub::ctl
