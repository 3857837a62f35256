// The shipped runbooks with the lab's site: they load, and follow the operators' procedure in
// order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "actuator/runbook/library.h"
#include "lib/config/yaml.h"

namespace mailhub::runbook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Shipped : public ::testing::Test {
 protected:
  void SetUp() override {
    auto site = config::LoadSite(MAILHUB_SOURCE_DIR "/tests/lab/config/site.yml");
    ASSERT_TRUE(site) << site.error().message;
    auto library = RunbookLibrary::Load(MAILHUB_SOURCE_DIR "/actuator/runbooks",
                                        std::make_shared<const config::Site>(std::move(*site)));
    ASSERT_TRUE(library) << library.error().message;
    library_ = *library;
  }

  engine::Plan Make(const std::string& runbook,
                    const std::map<std::string, std::string>& parameters) {
    auto plan = library_->Make(runbook, parameters);
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
    return plan ? *plan : engine::Plan{};
  }

  // Each step as "HOST KIND", followed by its distinguishing text.
  static std::vector<std::string> Acts(const engine::Plan& plan) {
    std::vector<std::string> acts;
    for (const auto& step : plan.steps) acts.push_back(step.name);
    return acts;
  }

  std::shared_ptr<const RunbookLibrary> library_;
};

TEST_F(Shipped, RestartFollowsTheProcedure) {
  const auto plan = Make("directory-restart", {});
  EXPECT_THAT(
      Acts(plan),
      ElementsAre(
          "Stop the main directory process", "End the directory's root process",
          "Start the directory", "Wait until both directory processes are back",
          "Wait until the directory answers", "Wait for a quiet directory server before mailhub1",
          "Start regclient on mailhub1", "Wait for a quiet directory server before mailhub2",
          "Start regclient on mailhub2", "Wait for a quiet directory server before mailhub3",
          "Start regclient on mailhub3", "Start qubRA if it has crashed",
          "Start qubRA's student thread", "Check openRA's UNS and alias threads"));
  EXPECT_THAT(plan.locks, ElementsAre("directory"));
  EXPECT_EQ(plan.commit, "1.1");
  EXPECT_EQ(plan.steps[0].command, "/etc/rc2.d/S81eddy stop");
  EXPECT_EQ(plan.steps[0].dead_man->restore, "/etc/rc2.d/S81eddy start");
}

TEST_F(Shipped, RebuildFollowsTheProcedureAndBringsTheTargetBackFirst) {
  const auto plan = Make("mailhub-rebuild", {{"mailhub", "mailhub2"}});
  auto acts = Acts(plan);
  ASSERT_EQ(acts.size(), 36u);
  const std::vector<std::string> middle(acts.begin() + 11, acts.begin() + 21);
  EXPECT_THAT(middle,
              ElementsAre("Wait for a quiet directory server before the rebuild",
                          "Check openRA's UNS and alias threads before the rebuild",
                          "Close qubRA's student thread", "Stop regclient on mailhub2",
                          "Keep the old table on mailhub2 and mark the start",
                          "Rebuild the tables on mailhub2",
                          "Check that the tables are newer than the rebuild's start",
                          "Check that no more aliases went than may be",
                          "Stop the main directory process", "End the directory's root process"));
  const std::vector<std::string> end(acts.begin() + 24, acts.end());
  EXPECT_THAT(
      end,
      ElementsAre(
          "Wait for a quiet directory server before mailhub2", "Start regclient on mailhub2",
          "Wait for a quiet directory server before mailhub1", "Start regclient on mailhub1",
          "Wait for a quiet directory server before mailhub3", "Start regclient on mailhub3",
          "Start qubRA if it has crashed", "Start qubRA's student thread",
          "Wait until the delta files have drained", "Wait for a quiet directory server at the end",
          "Check openRA's UNS and alias threads after the rebuild",
          "Check the mailbox creation service"));
  EXPECT_EQ(plan.target, "mailhub2");
}

TEST_F(Shipped, RebuildOwesItsStoppedServicesDirectoryFirst) {
  const auto plan = Make("mailhub-rebuild", {{"mailhub", "mailhub2"}});
  std::vector<std::string> owed;
  for (const auto& one : plan.always) {
    owed.push_back(one.step.name + " " + one.since + " " + one.until);
  }
  EXPECT_THAT(
      owed,
      ElementsAre(
          "Start the directory in any case (Restart the directory before the rebuild) 1.1 1.3",
          "Start the directory in any case (Restart the directory after the rebuild) 10.1 10.3",
          "Start regclient on mailhub2 in any case 5 10.6.mailhub2.2",
          "Start qubRA in any case 4 11", "Start qubRA's student thread in any case 4 12"));
}

TEST_F(Shipped, HostsRestoreStoppedServicesOnlyUntilTheyAreBack) {
  const auto plan = Make("mailhub-rebuild", {{"mailhub", "mailhub2"}});
  std::vector<std::string> leases;
  for (const auto& step : plan.steps) {
    if (step.dead_man) leases.push_back(step.path + " " + step.dead_man->until);
  }
  EXPECT_THAT(leases, ElementsAre("1.1 1.3", "5 10.6.mailhub2.2", "10.1 10.3"));
}

// The lab runs the same files with short windows.
TEST_F(Shipped, TakesShortWindowsAsParameters) {
  const auto plan = Make("mailhub-rebuild",
                         {{"mailhub", "mailhub2"}, {"quiet_window", "5s"}, {"deltas_left", "0"}});
  for (const auto& step : plan.steps) {
    if (step.gate) {
      EXPECT_LE(step.gate->window, Milliseconds(5'000)) << step.path;
    }
  }
}

TEST_F(Shipped, RefusesAHostThatIsNoMailhub) {
  EXPECT_THAT(library_->Make("mailhub-rebuild", {{"mailhub", "x500"}}).error().message,
              HasSubstr("expected a host of group mailhubs"));
  EXPECT_THAT(library_->Make("mailhub-rebuild", {}).error().message,
              HasSubstr("parameter mailhub is missing"));
}

}  // namespace
}  // namespace mailhub::runbook
