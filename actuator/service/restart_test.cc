// From one life of the program to the next.
#include <gtest/gtest.h>

#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

TEST(Service, TheEpochIsCommittedBeforeHostsSeeItAndGrowsWithEveryStart) {
  const TestDirectory directory;
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    Life life(directory);
    life.store.FailWith(kDiskFull);
    ASSERT_TRUE(life.service->Replay());
    life.service->Start();
    ASSERT_TRUE(life.store.WaitForAppend(2));
    EXPECT_TRUE(life.hosts.begun().empty()) << "not committed yet";
    EXPECT_FALSE(life.service->Ready());
    life.store.FailWith(std::nullopt);
    ASSERT_TRUE(life.Eventually([&] { return life.service->Ready(); }));
    ASSERT_EQ(life.hosts.begun().size(), 1u);
    EXPECT_EQ(life.hosts.begun()[0], std::make_pair(life.journal->id(), epoch));
  }
}

TEST(Service, ANewLifeGoesOnWhereTheOldOneDied) {
  const TestDirectory directory;
  std::string run;
  std::vector<std::string> recorded;
  {
    Life life(directory);
    life.hosts.BeSilentAt(engine::RemoteVerb::kRun);
    life.StartAndWait();
    run = life.service->Submit(Start("touch")).value();
    ASSERT_TRUE(life.hosts.WaitFor(engine::RemoteVerb::kRun));
    ASSERT_TRUE(life.Eventually([&] { return life.service->Look()->unfinished.size() == 1; }));
    life.service->Stop();
    recorded = life.Recorded();
  }
  Life life(directory);
  EXPECT_EQ(life.Recorded(), recorded);
  ASSERT_TRUE(life.service->Replay());
  ASSERT_EQ(life.service->Look()->unfinished.size(), 1u) << "seen before anything begins";
  EXPECT_EQ(life.service->Look()->unfinished[0].id, run);
  EXPECT_EQ(life.hosts.requests(), 0u);
  life.service->Start();
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  EXPECT_EQ(life.service->Look()->finished[0].id, run);
  EXPECT_EQ(life.hosts.ran(), (std::map<std::string, int>{{run + "/1/1", 1}})) << "the same key";
}

TEST(Service, TheFirstModeIsRecordedOnceAndThenThePersonsChoiceCounts) {
  const TestDirectory directory;
  const auto observe = [](ServiceOptions& options) { options.first_mode = engine::Mode::kObserve; };
  {
    Life life(directory, observe);
    life.StartAndWait();
    EXPECT_EQ(life.service->Look()->mode, engine::Mode::kObserve);
    ASSERT_TRUE(life.service->Submit(engine::SetMode{engine::Mode::kActive, "alice"}));
  }
  Life life(directory, observe);
  life.StartAndWait();
  EXPECT_EQ(life.service->Look()->mode, engine::Mode::kActive);
}

// The state of an engine after reading the journal, and its decisions about each alert.
std::string StateAfter(journal::Journal& journal, journal::Scope scope, engine::Moment now,
                       const std::vector<engine::Notification>& then) {
  const FakePlans plans;
  int ids = 0;
  engine::EngineConfig config = QuickConfig();
  config.triggers[0].cooldown = Seconds(100'000);
  engine::Engine engine(config, &plans, [&] { return "fresh" + std::to_string(++ids); });
  EXPECT_TRUE(journal.Replay(scope, [&](const engine::Event& event) { engine.Apply(event); }));
  const engine::View view = engine.Look(now);
  std::string state = std::string(Name(view.mode)) + " epoch " + std::to_string(view.epoch) +
                      " episodes " + std::to_string(view.open_episodes) + "\n";
  for (const auto* runs : {&view.unfinished, &view.finished}) {
    for (const engine::RunView& run : *runs) {
      state += run.id + " " + Name(run.state) + " steps";
      for (const engine::StepView& step : run.steps) state += " " + std::to_string(step.attempt);
      state += "\n";
    }
  }
  for (const engine::Event& event : engine.Start(now, "test").events)
    state += "started as event " + std::to_string(event.seq) + "\n";
  for (const engine::Notification& notification : then) {
    for (const engine::Event& event : engine.Handle(notification, now).events) {
      if (const auto* alert = std::get_if<engine::AlertDecided>(&event.body))
        state += std::string(Name(alert->decision)) + " " + alert->run + "\n";
    }
  }
  // Expected durations depend on old runs: an ETA shows them.
  engine.Handle(Start("confirm"), now);
  for (const engine::RunView& run : engine.Look(now).unfinished)
    state +=
        run.id +
        (run.eta ? " eta " + std::to_string(ToUnixMs(*run.eta) - ToUnixMs(now.wall)) : " no eta") +
        "\n";
  return state;
}

TEST(Service, AStartWithTheShortReplayDecidesAsOneThatReadsAll) {
  const TestDirectory directory;
  std::vector<engine::Notification> again;
  Life life(directory);
  life.StartAndWait();
  for (int i = 1; i <= 120; ++i) {
    ASSERT_TRUE(life.service->Submit(Firing(std::to_string(i))));
    again.push_back(Firing(std::to_string(i)));
    if (i % 2 == 0) {
      ASSERT_TRUE(life.Eventually([&] { return life.service->Look()->unfinished.empty(); }));
      engine::Notification resolved = Firing(std::to_string(i));
      resolved.alerts[0].firing = false;
      ASSERT_TRUE(life.service->Submit(resolved));
    }
  }
  const auto waits = life.service->Submit(Start("confirm"));
  ASSERT_TRUE(waits);
  engine::Command confirm;
  confirm.verb = engine::Verb::kConfirm;
  confirm.by = "alice";
  confirm.run = *waits;
  confirm.step = "1";
  confirm.attempt = 1;
  ASSERT_TRUE(life.Eventually([&] { return life.service->Submit(confirm).has_value(); }));
  ASSERT_TRUE(life.service->Submit(engine::SetMode{engine::Mode::kObserve, "alice"}));
  ASSERT_TRUE(life.service->Submit(engine::SetMode{engine::Mode::kActive, "alice"}));
  ASSERT_TRUE(life.service->Submit(Start("confirm")));
  ASSERT_TRUE(life.Eventually([&] { return life.service->Look()->unfinished.size() == 1; }));
  life.service->Stop();

  size_t all = 0;
  size_t read = 0;
  const auto count = [](size_t* n) { return [n](const engine::Event&) { ++*n; }; };
  ASSERT_TRUE(life.journal->Replay(journal::Scope::kEverything, count(&all)));
  ASSERT_TRUE(life.journal->Replay(journal::Scope::kWhatStillMatters, count(&read)));
  EXPECT_LT(read, all);
  const engine::Moment now{life.clock.Now(), life.clock.Steady()};
  EXPECT_EQ(StateAfter(*life.journal, journal::Scope::kWhatStillMatters, now, again),
            StateAfter(*life.journal, journal::Scope::kEverything, now, again));
}

}  // namespace
}  // namespace mailhub::service
