// Scrapes share a collection, wait no longer than allowed, and never get old results.
#include "exporter/host/prober.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <vector>

#include "lib/metrics/testing.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kSerial{"serial", "Which collection this is."};

// The host's behaviour as a test sets it. Thread-safe.
class Script {
 public:
  void Block() { Set(&blocked_, true); }
  void Release() { Set(&blocked_, false); }
  void WaitWhileBlocked() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !blocked_ || interrupted_; });
    --waiting_;
  }
  void AwaitWaiting() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }
  void Interrupt() { Set(&interrupted_, true); }

  std::atomic<int> prepares = 0;
  std::atomic<SteadyTime> ready_by{};
  std::atomic<SteadyTime> begun{};
  std::atomic<int> collects = 0;
  std::atomic<bool> stale = false;  // the next collect finds the session gone
  std::atomic<bool> block_in_prepare = false;
  std::atomic<bool> late = false;  // the rest comes once it is not blocked
  std::atomic<bool> slow = false;  // a collection needs two seconds of allowed time

 private:
  void Set(bool* flag, bool value) {
    std::lock_guard lock(mutex_);
    *flag = value;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
  bool interrupted_ = false;
  int waiting_ = 0;
};

class FakeLink final : public Link {
 public:
  explicit FakeLink(Script& script) : script_(script) {}
  std::optional<ProbeFailure> Prepare(SteadyTime deadline) override {
    ++script_.prepares;
    script_.ready_by = deadline;
    if (script_.block_in_prepare) script_.WaitWhileBlocked();
    return std::nullopt;
  }
  Collection Collect(SteadyTime since, SteadyTime deadline,
                     const std::function<void(const Collection&)>& so_far) override {
    script_.begun = since;
    if (script_.late) {
      Collection part;
      part.families.Add(kSerial, {}, ++script_.collects);
      part.collectors["host"] = {true, 0.001};
      so_far(part);
    }
    if (!script_.block_in_prepare) script_.WaitWhileBlocked();
    Collection collection;
    if (script_.slow && deadline - BootClock::now() < Milliseconds(2'000)) {
      collection.failure = {ssh::ConnectFailure::kTimeout, "too little time"};
      return collection;
    }
    was_stale_ = script_.stale.exchange(false);
    if (was_stale_) {
      collection.failure = {ssh::ConnectFailure::kConnect, "reset"};
      return collection;
    }
    collection.families.Add(kSerial, {}, ++script_.collects);
    collection.collectors["host"] = {true, 0.001};
    return collection;
  }
  bool WasStale() const override { return was_stale_; }
  void Interrupt() override { script_.Interrupt(); }

 private:
  Script& script_;
  bool was_stale_ = false;
};

class ProberTest : public testing::Test {
 protected:
  ProberTest() {
    host_.name = "x500";
    host_.address = "127.0.0.1";
  }
  void Start() {
    prober_ = std::make_unique<Prober>(host_, std::make_unique<FakeLink>(script_), clock_);
  }
  Collection Probe(int milliseconds = 5000) {
    return prober_->Probe(clock_.Steady() + Milliseconds(milliseconds));
  }
  auto ProbeLater(int milliseconds = 5000) {
    return std::async(std::launch::async, [this, milliseconds] { return Probe(milliseconds); });
  }

  const RealClock clock_{};
  config::Host host_;
  Script script_;
  std::unique_ptr<Prober> prober_;
};

TEST_F(ProberTest, CollectsAnewForEachScrape) {
  Start();
  EXPECT_EQ(Value(Probe().families, "serial"), 1);
  EXPECT_EQ(Value(Probe().families, "serial"), 2);
}

TEST_F(ProberTest, SharesOneCollectionBetweenScrapesAtTheSameTime) {
  Start();
  script_.Block();
  std::vector<std::future<Collection>> scrapes;
  scrapes.reserve(5);
  scrapes.push_back(ProbeLater());
  script_.AwaitWaiting();
  for (int i = 0; i < 4; ++i) scrapes.push_back(ProbeLater());
  // All that have joined by now share it; on a busy machine a late one collects for itself, which
  // is allowed.
  while (scrapes[4].wait_for(std::chrono::milliseconds(50)) == std::future_status::ready) {
  }
  script_.Release();
  std::vector<double> serials;
  serials.reserve(scrapes.size());
  for (auto& scrape : scrapes) serials.push_back(*Value(scrape.get().families, "serial"));
  EXPECT_EQ(serials[0], 1);
  EXPECT_LE(*std::max_element(serials.begin(), serials.end()), 2);
}

TEST_F(ProberTest, ReturnsAtItsOwnDeadlineWhenTheHostHangs) {
  Start();
  script_.Block();
  const auto begun = clock_.Steady();
  const auto collection = Probe(100);
  EXPECT_LT(clock_.Steady() - begun, Milliseconds(2000));
  ASSERT_TRUE(collection.failure);
  EXPECT_EQ(collection.failure->reason, ssh::ConnectFailure::kTimeout);
  EXPECT_FALSE(collection.collectors.at("host").success);
  script_.Release();
  EXPECT_FALSE(Probe().failure);
}

TEST_F(ProberTest, NeverServesTheResultOfACollectionThatCameTooLate) {
  Start();
  script_.Block();
  EXPECT_TRUE(Probe(50).failure);
  script_.Release();
  const auto collection = Probe();
  ASSERT_FALSE(collection.failure);
  EXPECT_EQ(Value(collection.families, "serial"), 2)
      << "the first one was for the scrape that left";
}

TEST_F(ProberTest, CollectsAnewForAScrapeThatHasLongerThanTheOneItJoined) {
  Start();
  script_.slow = true;
  script_.Block();
  auto hasty = ProbeLater(1'000);
  script_.AwaitWaiting();
  auto patient = ProbeLater(20'000);
  // On a busy machine it may not have joined yet; then it collects for itself anyhow.
  EXPECT_EQ(patient.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  script_.Release();
  EXPECT_TRUE(hasty.get().failure);
  const Collection collection = patient.get();
  EXPECT_FALSE(collection.failure) << collection.failure->message;
}

TEST_F(ProberTest, GoesOnConnectingForALaterScrapeThatTheFirstCouldNotAwait) {
  Start();
  script_.block_in_prepare = true;
  script_.Block();
  const auto begun = clock_.Steady();
  EXPECT_TRUE(Probe(50).failure);
  EXPECT_EQ(script_.prepares, 1);
  EXPECT_GT(script_.ready_by.load(), begun + Prober::kPatience - Milliseconds(1));
  auto later = ProbeLater();
  script_.Release();
  EXPECT_FALSE(later.get().failure);
}

TEST_F(ProberTest, TriesOnceMoreWhenTheKeptSessionHadGoneStale) {
  Start();
  script_.stale = true;
  EXPECT_FALSE(Probe().failure);
  EXPECT_EQ(script_.prepares, 2);
}

TEST_F(ProberTest, ReturnsAtOnceWhenTheProgramEnds) {
  Start();
  script_.Block();
  auto scrape = ProbeLater(60'000);
  script_.AwaitWaiting();
  prober_->Interrupt();
  EXPECT_EQ(scrape.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

// Its worker may still be busy with another scrape, or connect, when the ports are measured.
TEST_F(ProberTest, TellsTheLinkSinceWhenThePortsAreMeasured) {
  Start();
  script_.Block();
  EXPECT_TRUE(Probe(50).failure);
  const auto before = clock_.Steady();
  auto next = ProbeLater();
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(500)), std::future_status::timeout);
  script_.Release();
  EXPECT_FALSE(next.get().failure);
  EXPECT_LT(script_.begun.load(), before + Milliseconds(400));
}

TEST_F(ProberTest, ShowsWhatIsKnownToAScrapeWithLessTimeThanTheOneItJoined) {
  host_.directories["late"] = "/late";
  Start();
  script_.late = true;
  script_.Block();
  auto patient = ProbeLater(20'000);
  script_.AwaitWaiting();
  const Collection hasty = Probe(200);
  EXPECT_FALSE(hasty.failure);
  EXPECT_EQ(Value(hasty.families, "serial"), 1);
  EXPECT_TRUE(hasty.collectors.at("host").success);
  EXPECT_FALSE(hasty.collectors.at("directories").success);
  script_.Release();
  patient.get();
}

TEST_F(ProberTest, MeasuresPortsEvenWhenTheHostHangs) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  host_.ports["one"] = ntohs(address.sin_port);
  Start();
  script_.Block();
  auto collection = Probe(200);
  EXPECT_TRUE(collection.collectors.at("ports").success);
  EXPECT_EQ(Value(collection.families, "mailhub_port_open", {{"port", "one"}}), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  collection = Probe(200);
  EXPECT_EQ(Value(collection.families, "mailhub_port_open", {{"port", "one"}}), 1);
  EXPECT_TRUE(Value(collection.families, "mailhub_port_connect_seconds", {{"port", "one"}}));
  EXPECT_TRUE(collection.failure);
  script_.Release();
  close(listener);
}

}  // namespace
}  // namespace mailhub::exporter
