// An engine with one trigger and one runbook of one step, for tests of sequences of alerts.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actuator/engine/testing_one_step.h"

namespace mailhub::engine {

using Minutes = std::chrono::minutes;
using Hours = std::chrono::hours;

class Decisions : public testing::Test {
 protected:
  Decisions() { Configure({}); }

  void Configure(const std::function<void(EngineConfig&)>& change) {
    EngineConfig config;
    Trigger trigger;
    trigger.name = "restart";
    trigger.matchers = {{.label = "alertname", .value = "Leak"}};
    trigger.runbook = "restart";
    trigger.parameters_from_labels = {{"on", "instance"}};
    trigger.cooldown = Minutes(30);
    config.triggers = {trigger};
    if (change) change(config);
    recorded_.clear();
    config_ = config;
    engine_.emplace(config, &plans_, [this] { return "run-no-" + std::to_string(++runs_); });
    Take(engine_->Start(Now(), "test"));
  }
  Moment Now() const {
    return {.wall = WallTime(Seconds(1'000'000'000)) + passed_ + wall_ahead_,
            .steady = SteadyTime(Seconds(1000)) + passed_};
  }
  void Pass(Milliseconds time) {
    passed_ += time;
    Take(engine_->Advance(Now()));
  }
  // Answers requests to hosts until a run that may begin has ended; `mute` leaves it under way.
  void Work() {
    for (int rounds = 0; rounds < 100 && !asked_.empty() && !mute_; ++rounds) Answer();
  }
  void Answer() {
    const Effect effect = asked_.front();
    asked_.pop_front();
    if (const auto* request = std::get_if<RemoteRequest>(&effect.what)) {
      RemoteReply reply;
      reply.receipt = Receipt{};
      reply.directory_id = "d";
      if (request->verb == RemoteVerb::kRun) reply.receipt->state = ReceiptState::kFinished;
      reply.receipt->exit_status = exit_status_;
      Take(engine_->Handle(RemoteDone{.id = effect.id, .reply = reply}, Now()));
    } else if (std::holds_alternative<QueryQuestion>(effect.what)) {
      Take(engine_->Handle(QueryDone{.id = effect.id, .reading = {.holds = still_true_}}, Now()));
    }
  }
  static Alert Firing(const std::string& fingerprint, WallTime starts_at = {}) {
    return {.firing = true,
            .fingerprint = fingerprint,
            .labels = {{"alertname", "Leak"}, {"instance", "x500"}},
            .starts_at = starts_at};
  }
  static Alert Resolved(const std::string& fingerprint) {
    Alert alert = Firing(fingerprint);
    alert.firing = false;
    return alert;
  }
  // The decisions about these alerts of one notification.
  std::vector<Decision> Tell(std::vector<Alert> alerts, bool work = true) {
    decided_.clear();
    Notification notification;
    notification.id = "n" + std::to_string(++notifications_);
    notification.alerts = std::move(alerts);
    const Output output = engine_->Handle(notification, Now());
    answer_ = output.answer;
    Take(output);
    if (work) Work();
    return decided_;
  }
  Decision TellOne(const Alert& alert, bool work = true) {
    const std::vector<Decision> decided = Tell({alert}, work);
    EXPECT_EQ(decided.size(), 1U);
    return decided.empty() ? Decision::kIgnored : decided[0];
  }
  std::optional<RunResult> LastResult() const {
    const View view = engine_->Look(Now());
    return view.finished.empty() ? std::nullopt : view.finished.front().result;
  }
  void Cancel() {
    Command cancel;
    cancel.verb = Verb::kCancel;
    cancel.by = "alice";
    cancel.run = "run-no-" + std::to_string(runs_);
    EXPECT_TRUE(engine_->Handle(cancel, Now()).answer);
  }

  std::optional<Engine> engine_;
  Result<std::string> answer_;
  bool mute_ = false;  // hosts do not answer
  int exit_status_ = 0;
  Result<bool> still_true_ = true;  // the answer to `only_if`
  std::vector<Decision> decided_;
  Milliseconds wall_ahead_{0};  // of the wall clock
  OneStep plans_;
  EngineConfig config_;
  std::vector<Event> recorded_;

  void Take(const Output& output) {
    for (const Event& event : output.events) {
      recorded_.push_back(event);
      if (const auto* body = std::get_if<AlertDecided>(&event.body)) {
        decided_.push_back(body->decision);
      }
    }
    asked_.insert(asked_.end(), output.effects.begin(), output.effects.end());
  }

  std::deque<Effect> asked_;
  Milliseconds passed_{0};
  int runs_ = 0;
  int notifications_ = 0;
};

}  // namespace mailhub::engine
