// Many requests at once, the limits, and requests without an answer.
#include <gtest/gtest.h>

#include <future>

#include "actuator/service/life.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using namespace testing;  // NOLINT: the world that these tests are about

TEST(Service, AFullInboxIsAnsweredAtOnce) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) { options.most_waiting = 2; });
  life.StartAndWait();
  const int before = life.store.appends();
  life.store.Block(true);
  std::vector<std::future<Result<std::string>>> answers;
  answers.push_back(
      std::async(std::launch::async, [&] { return life.service->Submit(Firing("1")); }));
  ASSERT_TRUE(life.store.WaitForAppend(before));  // that one is being committed
  answers.reserve(5);
  for (const char* number : {"2", "3", "4", "5"}) {
    answers.push_back(std::async(std::launch::async,
                                 [&life, number] { return life.service->Submit(Firing(number)); }));
  }
  EXPECT_TRUE(life.Eventually([&] { return Answered(answers) == 2; }))
      << "two wait, two are turned away";
  life.store.Block(false);
  size_t accepted = 0;
  for (auto& answer : answers) {
    const Result<std::string> got = answer.get();
    accepted += got ? 1 : 0;
    if (!got) {
      EXPECT_EQ(got.error().kind, ErrorKind::kOverloaded);
    }
  }
  EXPECT_EQ(accepted, 3u);
}

TEST(Service, ARequestWhoseAskerHasGoneIsNotHandled) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) { options.patience = Milliseconds(50); });
  life.StartAndWait();
  const int before = life.store.appends();
  life.store.Block(true);
  auto first = std::async(std::launch::async, [&] { return life.service->Submit(Firing("1")); });
  ASSERT_TRUE(life.store.WaitForAppend(before));
  const Result<std::string> second = life.service->Submit(Start("confirm"));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("nothing was done"), std::string::npos);
  const Result<std::string> answer = first.get();
  ASSERT_FALSE(answer) << "it waits for its commit, but not for ever";
  EXPECT_EQ(answer.error().kind, ErrorKind::kOutcomeUnknown);
  EXPECT_NE(answer.error().message.find("may still take effect"), std::string::npos);
  life.store.Block(false);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  ASSERT_TRUE(life.Eventually([&] { return life.service->Submit(Firing("2")).has_value(); }))
      << "a busy machine may take longer than the asker waits";
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 2; })) << "and no third run";
}

TEST(Service, RequestsThatWaitTogetherShareACommit) {
  const TestDirectory directory;
  Life life(directory, [](ServiceOptions& options) { options.most_waiting = 20; });
  life.StartAndWait();
  const int before = life.store.appends();
  life.store.Block(true);
  auto first =
      std::async(std::launch::async, [&] { return life.service->Submit(Start("confirm")); });
  ASSERT_TRUE(life.store.WaitForAppend(before));
  std::vector<std::future<Result<std::string>>> answers;
  answers.reserve(21);
  for (int i = 0; i < 21; ++i) {
    answers.push_back(std::async(std::launch::async, [&life, i] {
      engine::Notification unmatched;
      unmatched.id = std::to_string(i);
      unmatched.alerts.push_back({.firing = true,
                                  .fingerprint = "00000000000000ff",
                                  .labels = {{"alertname", "Other"}},
                                  .starts_at = WallTime()});
      return life.service->Submit(std::move(unmatched));
    }));
  }
  // One is refused, so twenty wait.
  ASSERT_TRUE(life.Eventually([&] { return Answered(answers) == 1; }));
  life.store.Block(false);
  EXPECT_TRUE(first.get());
  int accepted = 0;
  for (auto& answer : answers) accepted += answer.get() ? 1 : 0;
  EXPECT_EQ(accepted, 20);
  EXPECT_EQ(life.store.appends() - before, 2) << "the one that was under way, and one for all";
}

TEST(Service, StoppingAnswersWaitingRequests) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(kDiskFull);
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  life.service->Stop();
  const Result<std::string> late = life.service->Submit(Firing("2"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kOverloaded);
  life.service->Stop();  // a repetition does no harm
  EXPECT_EQ(life.hosts.requests(), 0u);
}

TEST(Service, ManyAtOnceAreEachDecidedOnce) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  // Eight senders with the same 25 alerts.
  std::vector<std::jthread> senders;
  senders.reserve(8);
  std::atomic<int> accepted{0};
  for (int sender = 0; sender < 8; ++sender) {
    senders.emplace_back([&life, &accepted] {
      for (int i = 0; i < 25; ++i)
        accepted += life.service->Submit(Firing(std::to_string(i))) ? 1 : 0;
    });
  }
  senders.clear();
  EXPECT_EQ(accepted, 200);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 25; }));
  EXPECT_EQ(life.hosts.ran().size(), 25u);
  EXPECT_EQ(life.Alerts().size(), 200u);
}

TEST(Inbox, ResultsAreTakenEvenWhileRequestsAreRefused) {
  Inbox inbox(1);
  inbox.Refuse(Error{ErrorKind::kOverloaded, "no"});
  EXPECT_FALSE(inbox.Ask(engine::SetMode{}));
  for (int i = 0; i < 1000; ++i) inbox.PostResult(engine::GateDone{});
  EXPECT_EQ(inbox.Wait(std::nullopt, 1).results.size(), 1000u);
  inbox.Refuse(std::nullopt);
  EXPECT_TRUE(inbox.Ask(engine::SetMode{}));
  EXPECT_EQ(inbox.Ask(engine::SetMode{}).error().kind, ErrorKind::kOverloaded);
}

TEST(Inbox, WaitComesBackWithNothingAtItsTime) {
  Inbox inbox(1);
  EXPECT_TRUE(inbox.Wait(Milliseconds(1), 1).tickets.empty());
  inbox.Wake();
  EXPECT_TRUE(inbox.Wait(std::nullopt, 1).results.empty());
}

TEST(Questioner, TooManyQuestionsAreAnsweredAsUnreachable) {
  // A Prometheus that gives no answer until it is released.
  class Stuck final : public engine::ConditionPort {
   public:
    engine::GateReading Evaluate(const engine::GateQuestion&) override {
      released.wait();
      return {};
    }
    engine::QueryReading Ask(const engine::QueryQuestion&) override { return {.holds = true}; }
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
  } stuck;
  const auto inbox = std::make_shared<Inbox>(1);
  Questioner questioner(&stuck, inbox, 1, 2);
  for (engine::EffectId id = 1; id <= 10; ++id) questioner.Post(id, engine::GateQuestion{});
  const auto refused = inbox->Wait(std::nullopt, 1).results;
  ASSERT_GE(refused.size(), 7u);
  EXPECT_EQ(std::get<engine::GateDone>(refused[0]).reading.state, engine::GateState::kUnreachable);
  stuck.release.set_value();
  size_t answered = refused.size();
  while (answered < 10) answered += inbox->Wait(std::nullopt, 1).results.size();
  EXPECT_EQ(answered, 10u) << "none is lost";
}

}  // namespace
}  // namespace mailhub::service
