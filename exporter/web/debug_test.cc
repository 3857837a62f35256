// The words of /probe?debug=true: how far a probe came, and nothing that is secret.
#include "exporter/web/debug.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::exporter {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class DebugTest : public testing::Test {
 protected:
  DebugTest() {
    auto site = config::ParseSite(
        "ssh: {user: root, known_hosts: /k/known, exporter_key: /k/mine, actuator_key: /k/other}\n"
        "hosts:\n  x500:\n    address: 10.0.0.1\n"
        "    checks: {c: {command: \"login --password=1\"}}\n",
        "/etc/site.yml");
    EXPECT_TRUE(site) << site.error().message;
    site_ = *site;
  }
  std::string Render(const Collection& collection) const {
    return RenderDebug(site_.hosts.at("x500"), site_, collection,
                       {.asked = FromUnixMs(0),
                        .timeout = Milliseconds(9'750),
                        .seconds = 0.25,
                        .metrics = "probe_success 1\n"});
  }
  config::Site site_;
};

TEST_F(DebugTest, TellsEachStageAndCollectorOfAGoodProbe) {
  Collection collection;
  collection.session = {.how = SessionStory::How::kNew,
                        .since = FromUnixMs(0),
                        .trace = {.dial = Milliseconds(2),
                                  .key_exchange = Milliseconds(30),
                                  .login = Milliseconds(40),
                                  .host_key = "ssh-ed25519 SHA256:abc",
                                  .host_key_good = true},
                        .helper = "sent over the connection"};
  collection.collectors["host"] = {true, 0.001, ""};
  collection.collectors["services"] = {false, 0.2, "systemctl said nothing"};
  const std::string page = Render(collection);
  EXPECT_THAT(page, HasSubstr("Probe of x500: 10.0.0.1 port 22, platform linux\n"
                              "Asked at 1970-01-01T00:00:00Z, may take 9.750 s, took 0.250 s\n"));
  EXPECT_THAT(page, ContainsRegex("connection +opened +0.002 s"));
  EXPECT_THAT(page,
              ContainsRegex("host key +known +0.030 s +ssh-ed25519 SHA256:abc, as in /k/known"));
  EXPECT_THAT(page, ContainsRegex("login +accepted +0.040 s +user root"));
  EXPECT_THAT(page, ContainsRegex("helper +started +- +sent over the connection"));
  EXPECT_THAT(page, ContainsRegex("host +complete +0.001 s\n"));
  EXPECT_THAT(page, ContainsRegex("services +failed +0.200 s +systemctl said nothing\n"));
  EXPECT_THAT(page, HasSubstr("\nResult: success\n"));
  EXPECT_THAT(page, HasSubstr("\nprobe_success 1\n"));
}

TEST_F(DebugTest, SaysNotKnownWhereNothingIsKnown) {
  Collection collection;
  collection.failure = ProbeFailure{ssh::ConnectFailure::kTimeout, "no answer"};
  collection.collectors["host"] = {};
  const std::string page = Render(collection);
  EXPECT_THAT(page, ContainsRegex("host +failed +0.000 s +not known: see the result\n"));
  EXPECT_THAT(page, ContainsRegex("connection +unknown"));
  EXPECT_THAT(page, ContainsRegex("host key +unknown"));
  EXPECT_THAT(page, ContainsRegex("login +not tried"));
  EXPECT_THAT(page, HasSubstr("\nResult: failed, timeout: no answer\n"));
}

TEST_F(DebugTest, ShowsTheKeyThatItRefusesAndWhenItTriesAgain) {
  Collection collection;
  collection.failure = ProbeFailure{ssh::ConnectFailure::kHostKey, "is not the one"};
  collection.session = {.how = SessionStory::How::kNotTried,
                        .since = FromUnixMs(0),
                        .trace = {.dial = Milliseconds(2),
                                  .key_exchange = Milliseconds(30),
                                  .host_key = "ssh-ed25519 SHA256:abc"},
                        .next_try = Milliseconds(1'500)};
  const std::string page = Render(collection);
  EXPECT_THAT(page, ContainsRegex("connection +not tried +- .*1970-01-01T00:00:00Z.* in 1.500 s"));
  EXPECT_THAT(
      page, ContainsRegex("host key +refused +0.030 s +ssh-ed25519 SHA256:abc, against /k/known"));
}

TEST_F(DebugTest, HasNoSecretWhateverAHostSays) {
  Collection collection;
  collection.failure =
      ProbeFailure{ssh::ConnectFailure::kAuth, "does not take the key /k/mine for user root"};
  collection.collectors["checks"] = {false, 0, "sh: login --password=1: /k/other\x1b[2J\nx"};
  const std::string page = Render(collection);
  for (const char* secret : {"/k/mine", "/k/other", "password=1", "\x1b"})
    EXPECT_THAT(page, Not(HasSubstr(secret)));
  EXPECT_THAT(page, AllOf(HasSubstr("the key (the exporter's key) for"), HasSubstr("\\nx")));
}

TEST_F(DebugTest, IsBounded) {
  Collection collection;
  collection.collectors["checks"] = {false, 0, std::string(1 << 20, 'x')};
  EXPECT_LT(Render(collection).size(), 2'000u);
}

}  // namespace
}  // namespace mailhub::exporter
