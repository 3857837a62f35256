// A trigger that could not do what it says is refused where it is written, not on the night of its
// alert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "actuator/configuration.h"

namespace mailhub {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TriggerCheckTest : public ::testing::Test {
 protected:
  TriggerCheckTest() {
    std::string name = fs::temp_directory_path() / "mailhub-triggers-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    fs::create_directory(folder_ / "runbooks");
    Write("site.yml", R"(ssh: {user: root, known_hosts: k, actuator_key: a}
groups: {hubs: [hub1, hub2]}
hosts:
  server: {address: 192.0.2.1}
  hub1: {address: 192.0.2.2, aliases: [HUB1, "hub1.example.org:9100"]}
  hub2: {address: 192.0.2.3}
)");
    Write("runbooks/rebuild.yml", R"(runbook: rebuild
summary: Build
parameters:
  hub: {host_in: hubs}
  other: {host_in: hubs, optional: true}
  longest: {type: duration, default: 6h}
  share: {type: number, default: 0.9, least: 0, greatest: 1}
  window: {type: duration, default: 5m}
steps:
  - name: Build
    job: {on: "{{hub}}", command: build}
    timeout: "{{longest}}"
  - name: Look
    check: rate(mailhub_host_cpu_seconds_total{instance="server"}[5m]) > {{share}}
    window: "{{window}}"
)");
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  // What is wrong with a trigger of these lines, each indented by four; without the folder's name.
  std::string WhyNot(const std::string& lines,
                     const std::string& match = "alertname=\"Old\"") const {
    Write(
        "actuator.yml",
        "site: site.yml\nrunbooks: runbooks\njournal: j\nprometheus: {url: 'http://127.0.0.1:1'}\n"
        "triggers:\n"
        "  - name: old\n"
        "    match: ['" +
            match +
            "']\n"
            "    runbook: rebuild\n" +
            lines);
    const auto read = LoadConfiguration(folder_ / "actuator.yml");
    if (read) return "accepted";
    std::string message = read.error().message;
    const std::string prefix = folder_.string() + "/";
    for (size_t at = 0; (at = message.find(prefix)) != std::string::npos;) {
      message.erase(at, prefix.size());
    }
    return message;
  }

  fs::path folder_;
};

constexpr const char* kFromLabel = "    parameters_from_labels: {hub: instance}\n";

TEST_F(TriggerCheckTest, AGoodOneIsAccepted) {
  EXPECT_EQ(WhyNot(kFromLabel), "accepted");
  EXPECT_EQ(WhyNot(std::string(kFromLabel) +
                   "    parameters: {longest: 8h, share: 0.5, other: hub2}\n"
                   "    only_if: mailhub_host_cpus{instance=\"{{hub}}\"} > {{share}}\n"),
            "accepted");
  EXPECT_EQ(WhyNot("    parameters: {hub: HUB1}\n"), "accepted") << "by its alias";
}

TEST_F(TriggerCheckTest, FixedValuesAreTakenAtTheirWord) {
  EXPECT_EQ(WhyNot(std::string(kFromLabel) + "    parameters: {longest: six hours}\n"),
            "actuator.yml:10:27: triggers[0].parameters.longest: \"six hours\" is not a duration: "
            "expected one like 90s, 15m or 1h30m, at most 10y");
  EXPECT_THAT(WhyNot(std::string(kFromLabel) + "    parameters: {share: \"7\"}\n"),
              HasSubstr("10:25: triggers[0].parameters.share: expected at most 1, found \"7\""));
  EXPECT_EQ(WhyNot("    parameters: {hub: hub9}\n"),
            "actuator.yml:9:23: triggers[0].parameters.hub: expected a host of group hubs, found "
            "\"hub9\"");
  EXPECT_THAT(WhyNot("    parameters: {hub: server}\n"), HasSubstr("found \"server\""));
}

TEST_F(TriggerCheckTest, ValuesThatFitAloneAreTriedTogether) {
  EXPECT_THAT(WhyNot(std::string(kFromLabel) + "    parameters: {window: 1m}\n"),
              StartsWith("actuator.yml:8:14: triggers[0].runbook: with this trigger's values the "
                         "runbook cannot be carried out: runbooks/rebuild.yml:15:13: "));
}

TEST_F(TriggerCheckTest, NamesMustBeTheRunbooks) {
  EXPECT_EQ(
      WhyNot("    parameters_from_labels: {hbu: instance}\n"),
      "actuator.yml:9:30: triggers[0].parameters_from_labels.hbu: runbook rebuild has no such "
      "parameter; there are: hub, other, longest, share, window");
  EXPECT_THAT(WhyNot(""), HasSubstr("8:14: triggers[0].runbook: runbook rebuild needs the "
                                    "parameter \"hub\""));
  EXPECT_THAT(WhyNot("  - {name: x, match: [a=b], runbook: restart}\n" + std::string()),
              HasSubstr("needs the parameter"));
  EXPECT_EQ(WhyNot(std::string(kFromLabel) + "  - {name: x, match: [a=b], runbook: restart}\n"),
            "actuator.yml:10:38: triggers[1].runbook: there is no runbook \"restart\"; there are: "
            "rebuild");
}

TEST_F(TriggerCheckTest, AConditionNamesParametersThatHaveAValue) {
  const auto only_if = [&](const std::string& expr) {
    return WhyNot(std::string(kFromLabel) + "    only_if: '" + expr + "'\n");
  };
  EXPECT_EQ(only_if("mailhub_host_cpus{instance=\"{{mailhubb}}\"} > 1"),
            "actuator.yml:10:14: triggers[0].only_if: runbook rebuild has no parameter "
            "{{mailhubb}}; there are: hub, other, longest, share, window");
  EXPECT_EQ(only_if("mailhub_host_cpus{instance=\"{{other}}\"} > 1"),
            "actuator.yml:10:14: triggers[0].only_if: parameter {{other}} is optional and absent "
            "here; expected a value in parameters or parameters_from_labels");
  EXPECT_THAT(only_if("mailhub_host_cpus{instance=\"{{ hub }}\"} > 1"),
              HasSubstr("expected a parameter's name without blanks, found {{ hub }}"));
  EXPECT_THAT(only_if("mailhub_host_cpus{instance=\"{{hub\"} > 1"),
              HasSubstr("a {{ without its }}"));
}

TEST_F(TriggerCheckTest, AConditionIsReadAsAGateIs) {
  const auto only_if = [&](const std::string& expr) {
    return WhyNot(std::string(kFromLabel) + "    only_if: '" + expr + "'\n");
  };
  for (const char* expr :
       {"> > 60e6", "mailhub_host_cpus{instance=\"server\"} > bool 5", "mailhub_host_cpus",
        "mailhub_host_cpus{instance=\"server\"", "1 > 0", "up == 1"}) {
    EXPECT_THAT(only_if(expr), StartsWith("actuator.yml:10:14: triggers[0].only_if: ")) << expr;
  }
  EXPECT_THAT(only_if("mailhub_host_cpus{instance=\"sever\"} > 1"),
              EndsWith("instance=\"sever\" is not in the site file"));
  EXPECT_EQ(only_if("mailhub_host_cpus{instance=\"x{{hub}}\"} > 1"),
            "actuator.yml:10:14: triggers[0].only_if: instance=\"xhub1\" is not in the site file; "
            "filled in it is: mailhub_host_cpus{instance=\"xhub1\"} > 1");
}

TEST_F(TriggerCheckTest, ALabelMustBeAbleToNameAHost) {
  EXPECT_EQ(WhyNot(kFromLabel, "instance=\"server\""),
            "actuator.yml:9:35: triggers[0].parameters_from_labels.hub: no host of group hubs "
            "matches this trigger's matchers of label instance, so every alert would be rejected");
  EXPECT_EQ(WhyNot(kFromLabel, "instance=~\"hub.*\""), "accepted");
  EXPECT_EQ(WhyNot(kFromLabel, "instance=~\".*:9100\""), "accepted") << "by its alias";
  EXPECT_THAT(WhyNot(kFromLabel, "instance!~\"(?i)hub.*\""), HasSubstr("no host of group hubs"));
  EXPECT_EQ(WhyNot("    parameters_from_labels: {hub: {label: instance, strip_port: true}}\n",
                   "instance=~\"hub[12]:9182\""),
            "accepted");
}

TEST_F(TriggerCheckTest, ATriggerThatIsNeverReachedIsRefused) {
  const std::string second =
      "  - name: critical\n    runbook: rebuild\n    parameters: {hub: hub1}\n";
  EXPECT_EQ(
      WhyNot(kFromLabel + second + "    match: ['severity=\"page\"', 'alertname=\"Old\"']\n"),
      "actuator.yml:13:12: triggers[1].match: trigger \"old\" in line 6 answers all that this "
      "one matches; expected this one before it");
  EXPECT_EQ(WhyNot(kFromLabel + second + "    match: ['alertname=\"New\"']\n"), "accepted");
}

}  // namespace
}  // namespace mailhub
