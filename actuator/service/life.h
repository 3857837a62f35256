// Test fixture: one life of the service on a real journal with fake hosts and Prometheus.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actuator/journal/codec.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/sample_events.h"
#include "actuator/journal/test_directory.h"
#include "actuator/service/fakes.h"
#include "actuator/service/service.h"

namespace mailhub::service::testing {

inline engine::EngineConfig QuickConfig() {
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

inline engine::Notification Firing(const std::string& number) {
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

inline engine::Command Start(const std::string& runbook) {
  engine::Command command;
  command.verb = engine::Verb::kStart;
  command.by = "alice";
  command.runbook = runbook;
  return command;
}

// One life of the program on a journal in `directory`. Polls conditions, with a deadline.
struct Life {
  explicit Life(const journal::testing::TestDirectory& directory,
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
  // Newest first.
  std::vector<engine::PastAlert> Alerts() {
    std::vector<engine::PastAlert> alerts;
    EXPECT_TRUE(service->Alerts({}, [&alerts](const engine::PastAlert& alert) {
      alerts.push_back(alert);
      return true;
    }));
    return alerts;
  }
  std::vector<std::string> Recorded() {
    std::vector<std::string> events;
    EXPECT_TRUE(journal->Replay(journal::Scope::kEverything, [&](const engine::Event& event) {
      events.push_back(journal::testing::TextOf(event));
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

inline size_t Answered(const std::vector<std::future<Result<std::string>>>& answers) {
  size_t count = 0;
  for (const auto& answer : answers) {
    count += answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? 1 : 0;
  }
  return count;
}

inline const Error kDiskFull{ErrorKind::kOverloaded, "disk full"};

}  // namespace mailhub::service::testing
