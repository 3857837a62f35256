// Signs of life, which a watchdog counts: they come from the thread that decides.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

constexpr std::chrono::milliseconds kLongerThanAnIdleTurn{2'500};

TEST(Alive, AnIdleServiceShowsItsLife) {
  const TestDirectory directory;
  std::atomic<int> signs = 0;
  Life life(directory, [&](ServiceOptions& options) { options.on_alive = [&] { ++signs; }; });
  life.StartAndWait();
  for (const int seen = signs; signs < seen + 2;) {
    ASSERT_TRUE(life.Eventually([&, now = signs.load()] { return signs > now; }));
  }
}

TEST(Alive, AHungDecidingThreadShowsNone) {
  const TestDirectory directory;
  std::atomic<int> signs = 0;
  std::latch hangs(1);
  std::latch may_go_on(1);
  Life life(directory, [&](ServiceOptions& options) {
    options.on_alive = [&] { ++signs; };
    options.read_configuration = [&]() -> Result<Reconfigure> {
      return Reconfigure{
          .config = QuickConfig(), .plans = std::make_shared<FakePlans>(), .applied = [&] {
            hangs.count_down();
            may_go_on.wait();
          }};
    };
  });
  life.StartAndWait();
  auto reload = std::async(std::launch::async, [&] { return life.service->Reload(); });
  hangs.wait();  // from here on the owner thread is not on its way to a turn
  const int before = signs;
  EXPECT_EQ(reload.wait_for(kLongerThanAnIdleTurn), std::future_status::timeout);
  EXPECT_EQ(signs, before);
  may_go_on.count_down();
  EXPECT_TRUE(reload.get());
  EXPECT_TRUE(life.Eventually([&] { return signs > before; }));
}

TEST(Alive, ACommitThatTakesLongIsNoHungThread) {
  const TestDirectory directory;
  std::atomic<int> signs = 0;
  Life life(directory, [&](ServiceOptions& options) { options.on_alive = [&] { ++signs; }; });
  life.StartAndWait();
  const int appends = life.store.appends();
  life.store.Block(true);
  auto answer = std::async(std::launch::async, [&] { return life.service->Submit(Firing("1")); });
  ASSERT_TRUE(life.store.WaitForAppend(appends));
  const int before = signs;
  EXPECT_TRUE(life.Eventually([&] { return signs > before + 2; }))
      << "dead men are renewed meanwhile";
  life.store.Block(false);
  EXPECT_TRUE(answer.get());
}

}  // namespace
}  // namespace mailhub::service
