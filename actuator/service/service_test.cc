#include "actuator/service/service.h"

#include <gtest/gtest.h>

#include <future>

#include "actuator/journal/codec.h"
#include "actuator/journal/test_directory.h"
#include "actuator/service/fakes.h"

namespace mailhub::service {
namespace {

using journal::testing::TestDirectory;
using testing::CountingObserver;
using testing::FakeHosts;
using testing::FakePlans;
using testing::FakePrometheus;
using testing::FaultyStore;

engine::EngineConfig QuickConfig() {
  engine::EngineConfig config;
  config.triggers = {{.name = "t",
                      .matchers = {{.label = "alertname", .value = "Touch"}},
                      .runbook = "touch",
                      .parameters = {},
                      .parameters_from_labels = {{"n", "n"}},
                      .only_if = ""}};
  config.poll_step = config.poll_gate = config.poll_job = Milliseconds(10);
  config.remote_retry = Milliseconds(10);
  return config;
}

engine::Notification Firing(const std::string& number) {
  engine::Notification notification;
  notification.id = "n" + number;
  std::string fingerprint = "0000000000000000";
  fingerprint.replace(16 - number.size(), number.size(), number);
  notification.alerts.push_back({.firing = true,
                                 .fingerprint = fingerprint,
                                 .labels = {{"alertname", "Touch"}, {"n", number}},
                                 .starts_at = WallTime()});
  return notification;
}

engine::Command Start(const std::string& runbook) {
  engine::Command command;
  command.verb = engine::Verb::kStart;
  command.by = "alice";
  command.runbook = runbook;
  return command;
}

// One life of the program on a journal in `directory`. Polls conditions, with a deadline.
struct Life {
  explicit Life(const TestDirectory& directory,
                const std::function<void(ServiceOptions&)>& change = {})
      : journal(std::move(*journal::Journal::Open(directory / "j.db", clock.Now()))),
        store(journal.get()) {
    ServiceOptions options;
    options.version = "test";
    options.engine = QuickConfig();
    options.plans = std::make_shared<FakePlans>();
    options.first_retry = options.longest_retry = Milliseconds(10);
    if (change) change(options);
    service.emplace(std::move(options),
                    ServicePorts{.store = &store,
                                 .remote = &hosts,
                                 .conditions = &prometheus,
                                 .observer = &observer,
                                 .clock = &clock},
                    journal::JournalReader(directory / "j.db"));
  }
  void StartAndWait() {
    ASSERT_TRUE(service->Replay());
    service->Start();
    ASSERT_TRUE(Eventually([this] { return service->Ready(); }));
  }
  template <typename Condition>
  bool Eventually(Condition condition) const {
    const SteadyTime end = clock.Steady() + Seconds(10);
    while (!condition()) {
      if (clock.Steady() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  size_t Finished() const {
    const auto view = service->Look();
    return view->unfinished.empty() ? view->finished.size() : 0;
  }
  std::vector<std::string> Recorded() {
    std::vector<std::string> events;
    EXPECT_TRUE(journal->Replay(journal::Scope::kEverything, [&](const engine::Event& event) {
      events.push_back(journal::ToJson(event));
    }));
    return events;
  }

  RealClock clock;
  std::unique_ptr<journal::Journal> journal;
  FaultyStore store;
  FakeHosts hosts;
  FakePrometheus prometheus;
  CountingObserver observer;
  std::optional<Service> service;  // last: it uses all of the above
};

size_t Answered(const std::vector<std::future<Result<std::string>>>& answers) {
  size_t count = 0;
  for (const auto& answer : answers) {
    count += answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? 1 : 0;
  }
  return count;
}

const Error kDiskFull{ErrorKind::kOverloaded, "disk full"};

TEST(Service, ANotificationStartsARunAndTheRunComesToItsEnd) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const Result<std::string> answer = life.service->Submit(Firing("1"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "n1");
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  const auto view = life.service->Look();
  EXPECT_EQ(view->finished[0].result, engine::RunResult::kSucceeded);
  EXPECT_EQ(life.hosts.ran().size(), 1u);
}

TEST(Service, ANotificationIsAnsweredOnlyAfterItsCommit) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  const int before = life.store.appends();
  const uint64_t recorded = life.journal->last_seq();
  life.store.Block(true);
  auto answer = std::async(std::launch::async, [&] { return life.service->Submit(Firing("1")); });
  ASSERT_TRUE(life.store.WaitForAppend(before));
  // The commit is under way and does not come to its end: no answer, and nothing is done.
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_EQ(life.hosts.requests(), 0u);
  EXPECT_EQ(life.journal->last_seq(), recorded);
  life.store.Block(false);
  EXPECT_TRUE(answer.get());
  EXPECT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
}

TEST(Service, AFailedCommitIsAnswered503AndNothingIsDone) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(kDiskFull);
  const Result<std::string> answer = life.service->Submit(Firing("1"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kOverloaded);
  EXPECT_NE(answer.error().message.find("disk full"), std::string::npos);
  EXPECT_FALSE(life.service->Ready());
  const Result<std::string> next = life.service->Submit(Firing("2"));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, ErrorKind::kOverloaded);
  EXPECT_NE(next.error().message.find("disk full"), std::string::npos) << "refused at once";
  // Several more tries fail; still nothing reaches a host and people see the committed state.
  const int seen = life.store.appends();
  ASSERT_TRUE(life.store.WaitForAppend(seen + 3));
  EXPECT_EQ(life.hosts.requests(), 0u);
  EXPECT_TRUE(life.service->Look()->unfinished.empty());
  EXPECT_GT(life.observer.failures(), 3);

  life.store.FailWith(std::nullopt);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; })) << "what was kept goes on";
  EXPECT_TRUE(life.service->Ready());
  EXPECT_TRUE(life.service->Submit(Firing("2")));
}

TEST(Service, ACommitThatHappenedButWasReportedFailedIsRecordedOnce) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(Error{ErrorKind::kOutcomeUnknown, "I/O error"}, /*happens=*/true);
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  life.store.FailWith(std::nullopt);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  life.service->Stop();
  size_t queued = 0;
  for (const std::string& event : life.Recorded()) {
    queued += event.find("\"run_queued\"") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(queued, 1u);
  EXPECT_EQ(life.hosts.ran().size(), 1u);
}

TEST(Service, NoEffectLeavesBeforeItsIntentIsCommitted) {
  const TestDirectory directory;
  Life life(directory);
  std::mutex mutex;
  std::vector<std::string> unannounced;
  const journal::JournalReader reader(directory / "j.db");
  life.hosts.on_request = [&](const engine::RemoteRequest& request) {
    if (request.verb != engine::RemoteVerb::kRun) return;
    bool announced = false;
    const auto events = reader.RunEvents(request.key.substr(0, request.key.find('/')));
    if (events) {
      for (const engine::Event& event : *events) {
        announced = announced || std::holds_alternative<engine::StepStarted>(event.body);
      }
    }
    const std::lock_guard lock(mutex);
    if (!announced) unannounced.push_back(request.key);
  };
  life.StartAndWait();
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(life.service->Submit(Firing(std::to_string(i))));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 5; }));
  EXPECT_EQ(life.hosts.ran().size(), 5u);
  EXPECT_TRUE(unannounced.empty()) << unannounced.front();
}

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
  EXPECT_NE(answer.error().message.find("may still take effect"), std::string::npos);
  life.store.Block(false);
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  ASSERT_TRUE(life.service->Submit(Firing("2")));
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
  // One is turned away, so twenty wait.
  ASSERT_TRUE(life.Eventually([&] { return Answered(answers) == 1; }));
  life.store.Block(false);
  EXPECT_TRUE(first.get());
  int accepted = 0;
  for (auto& answer : answers) accepted += answer.get() ? 1 : 0;
  EXPECT_EQ(accepted, 20);
  EXPECT_EQ(life.store.appends() - before, 2) << "the one that was under way, and one for all";
}

TEST(Service, AnswersOfTheEngineComeBack) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  EXPECT_EQ(life.service->Submit(Start("nonsense")).error().kind, ErrorKind::kNotFound);
  const Result<std::string> run = life.service->Submit(Start("confirm"));
  ASSERT_TRUE(run);
  EXPECT_EQ(life.service->Look()->unfinished.at(0).id, *run) << "who asked sees it at once";
  EXPECT_EQ(life.service->Submit(Start("confirm")).error().kind, ErrorKind::kRefused);
  EXPECT_TRUE(life.service->Submit(engine::SetMode{engine::Mode::kHalted, "alice"}));
  EXPECT_EQ(life.service->Look()->mode, engine::Mode::kHalted);
  EXPECT_TRUE(life.service->MakePlan("touch", {}));
}

TEST(Service, ThePastIsThereForWhoAsks) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  const auto history = life.service->History("touch", 10);
  ASSERT_TRUE(history);
  ASSERT_EQ(history->size(), 1u);
  EXPECT_EQ((*history)[0].by, "alertmanager");
  EXPECT_NE((*history)[0].started, WallTime());
  const auto alerts = life.service->Alerts(10);
  ASSERT_TRUE(alerts);
  ASSERT_EQ(alerts->size(), 1u);
  EXPECT_EQ((*alerts)[0].decided.decision, engine::Decision::kStartedRun);
  EXPECT_EQ((*alerts)[0].decided.run, (*history)[0].id);
  const auto events = life.service->RunEvents((*history)[0].id.substr(0, 8));
  ASSERT_TRUE(events);
  EXPECT_GT(events->size(), 4u);
}

TEST(Service, AJournalThatContradictsItselfEndsEverything) {
  const TestDirectory directory;
  std::promise<Error> fatal;
  Life life(directory, [&fatal](ServiceOptions& options) {
    options.on_fatal = [&fatal](const Error& error) { fatal.set_value(error); };
  });
  life.StartAndWait();
  life.store.FailWith(Error{ErrorKind::kCorrupt, "somebody else has written"});
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  auto told = fatal.get_future();
  ASSERT_EQ(told.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(told.get().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(life.service->Ready());
  EXPECT_FALSE(life.service->Submit(Firing("2")));
  EXPECT_EQ(life.hosts.requests(), 0u);
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

TEST(Service, AReloadCountsForWhatComesNextAndABadOneChangesNothing) {
  const TestDirectory directory;
  bool good = false;
  int applied = 0;
  std::vector<bool> told;
  Life life(directory, [&](ServiceOptions& options) {
    options.read_configuration = [&]() -> Result<Reconfigure> {
      if (!good) return Fail(ErrorKind::kInvalid, "actuator.yml:1:1: no");
      engine::EngineConfig config = QuickConfig();
      config.triggers.clear();
      return Reconfigure{
          .config = config, .plans = std::make_shared<FakePlans>(), .applied = [&] { ++applied; }};
    };
    options.on_reloaded = [&](const Status& status) { told.push_back(status.has_value()); };
  });
  life.StartAndWait();
  EXPECT_EQ(life.service->Reload().error().message, "actuator.yml:1:1: no");
  ASSERT_TRUE(life.service->Submit(Firing("1")));
  ASSERT_TRUE(life.Eventually([&] { return life.Finished() == 1; }));
  good = true;
  EXPECT_TRUE(life.service->Reload());
  EXPECT_EQ(applied, 1);
  ASSERT_TRUE(life.service->Submit(Firing("2")));
  const auto alerts = life.service->Alerts(1);
  ASSERT_TRUE(alerts);
  EXPECT_EQ((*alerts)[0].decided.decision, engine::Decision::kIgnored);
  // While the journal cannot be written a reload is refused as a whole.
  life.store.FailWith(kDiskFull);
  EXPECT_FALSE(life.service->Submit(Firing("3")));
  EXPECT_FALSE(life.service->Reload());
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(told, (std::vector<bool>{false, true, false}));
}

TEST(Service, StoppingAnswersWhoWaits) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  life.store.FailWith(kDiskFull);
  EXPECT_FALSE(life.service->Submit(Firing("1")));
  life.service->Stop();
  const Result<std::string> late = life.service->Submit(Firing("2"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kOverloaded);
  life.service->Stop();  // again does no harm
  EXPECT_EQ(life.hosts.requests(), 0u);
}

TEST(Service, ManyAtOnceAreEachDecidedOnce) {
  const TestDirectory directory;
  Life life(directory);
  life.StartAndWait();
  // Eight senders, the same 25 alerts from each.
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
  EXPECT_EQ(life.service->Alerts(1000)->size(), 200u);
}

// --- parts

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
  // A Prometheus that answers nobody until it is let go.
  class Stuck final : public ConditionPort {
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
