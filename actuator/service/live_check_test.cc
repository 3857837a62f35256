// A plan's gates and hosts are asked side by side, once, within a time.
#include "actuator/service/live_check.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

class Looks final : public engine::HostCheckPort {
 public:
  engine::HostReport Check(const engine::HostCheck& check) override {
    const std::lock_guard lock(mutex_);
    checks_.push_back(check);
    engine::HostReport report{check.host, {}};
    report.facts = {{engine::HostQuestion::kReachable, engine::Known::kYes, ""}};
    return report;
  }
  std::vector<engine::HostCheck> checks() const {
    const std::lock_guard lock(mutex_);
    return checks_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<engine::HostCheck> checks_;
};

class Gates final : public engine::ConditionPort {
 public:
  engine::GateReading Evaluate(const engine::GateQuestion& question) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(question);
    return {engine::GateState::kFalse, 1, 0, "==", ""};
  }
  engine::QueryReading Ask(const engine::QueryQuestion&) override { return {.holds = true}; }
  std::vector<engine::GateQuestion> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<engine::GateQuestion> asked_;
};

engine::LivePlan TwoHosts() {
  engine::Plan plan;
  engine::Step a{.path = "1", .name = "a", .host = "a", .command = "one"};
  a.gate = engine::Gate{.expr = "x == 0", .about = {"a"}};
  engine::Step b = a;
  b.path = "2";
  b.host = "b";
  plan.steps = {a, b};
  return engine::BeginLivePlan(plan, {});
}

LiveCheck Check(Gates* gates, Looks* looks, const Clock* clock, Milliseconds time) {
  LiveCheck check;
  check.conditions = gates;
  check.hosts = looks;
  check.clock = clock;
  check.journal_id = "journal-a";
  check.epoch = 7;
  check.deadline = clock->Steady() + time;
  return check;
}

TEST(LiveCheck, AsksEachHostOnceAndEachConditionOnce) {
  const RealClock clock;
  Gates gates;
  Looks looks;
  engine::LivePlan live = TwoHosts();
  Check(&gates, &looks, &clock, Milliseconds(60'000)).Ask(&live);
  ASSERT_EQ(gates.asked().size(), 1U) << "both steps ask the same";
  EXPECT_TRUE(gates.asked()[0].look_only);
  EXPECT_TRUE(gates.asked()[0].marks.empty());
  for (const engine::LiveGate& gate : live.gates) {
    ASSERT_TRUE(gate.reading);
    EXPECT_EQ(gate.reading->value, 1);
  }
  std::set<std::string> asked;
  for (const engine::HostCheck& check : looks.checks()) {
    asked.insert(check.host);
    EXPECT_EQ(check.journal_id, "journal-a");
    EXPECT_EQ(check.epoch, 7U);
    EXPECT_EQ(check.commands, std::vector<std::string>{"one"});
  }
  EXPECT_EQ(asked, (std::set<std::string>{"a", "b"}));
}

TEST(LiveCheck, BeginsNothingAfterItsTimeAndSaysSo) {
  const RealClock clock;
  Gates gates;
  Looks looks;
  engine::LivePlan live = TwoHosts();
  Check(&gates, &looks, &clock, Milliseconds(0)).Ask(&live);
  EXPECT_TRUE(gates.asked().empty());
  EXPECT_TRUE(looks.checks().empty());
  engine::JudgeLivePlan(&live);
  EXPECT_TRUE(live.obstacles.empty());
  EXPECT_EQ(live.unknowns.size(), 4U);
  EXPECT_NE(live.unknowns.back().what.find("no time left"), std::string::npos);
}

TEST(LiveCheck, QueuesNothingRecordsNothingAndAsksNoWorkerOfARun) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const uint64_t recorded = life.journal->last_seq();
  const auto live = life.service->CheckPlan("touch", {});
  ASSERT_TRUE(live) << live.error().message;
  EXPECT_EQ(life.journal->last_seq(), recorded);
  EXPECT_EQ(life.hosts.requests(), 0U);
  EXPECT_TRUE(life.service->Look()->unfinished.empty());
  ASSERT_EQ(live->unknowns.size(), 1U) << "nobody looks at hosts in this life";
  EXPECT_EQ(life.service->CheckPlan("nonsense", {}).error().kind, ErrorKind::kNotFound);
}

TEST(LiveCheck, SaysHowLongATriggerStillWaits) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) {
    options.engine.triggers[0].cooldown = Milliseconds(3'600'000);
  });
  life.StartAndWait();
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  const auto live = life.service->CheckPlan("touch", {{"n", "1"}});
  ASSERT_TRUE(live);
  ASSERT_EQ(live->cooldowns.size(), 1U);
  EXPECT_EQ(live->cooldowns[0].trigger, "t");
  EXPECT_GT(live->cooldowns[0].left, Milliseconds(3'000'000));
  EXPECT_TRUE(life.service->CheckPlan("touch", {{"n", "2"}})->cooldowns.empty());
}

}  // namespace
}  // namespace mailhub::service
