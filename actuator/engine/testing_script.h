// For tests: one run of a plan on hosts that the test scripts.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/engine.h"

namespace mailhub::engine {

// Confined to one thread.
class Script : public testing::Test, public PlanSource {
 protected:
  // A stop on x500 with a dead man, a step on mailhub1, the start that `until` names, a question.
  Script() {
    plan_.runbook = "restart";
    plan_.commit = "1";
    AddStep("1", "stop", "x500").dead_man = DeadMan{"start", Milliseconds(60'000), "3"};
    AddStep("2", "work", "mailhub1");
    AddStep("3", "start", "x500");
    plan_.steps.push_back({.path = "4", .name = "Is all well?", .kind = StepKind::kConfirm});
  }
  Step& AddStep(const std::string& path, const std::string& command, const std::string& host) {
    plan_.steps.push_back({.path = path, .name = "Step " + path, .host = host, .command = command});
    return plan_.steps.back();
  }
  Step& StepAt(const std::string& path) {
    for (Step& step : plan_.steps) {
      if (step.path == path) return step;
    }
    std::abort();
  }
  // Uses a dead man whose command no step runs.
  void GuardUntilTheEnd() { StepAt("1").dead_man = DeadMan{"mend", Milliseconds(60'000), ""}; }

  void Boot() {
    engine_.emplace(config_, this, [this] { return next_id_; });
    Take(engine_->Start(Now(), "test"));
  }
  void Begin() {
    Boot();
    Command start;
    start.verb = Verb::kStart;
    start.by = "ann";
    start.runbook = "restart";
    Take(engine_->Handle(start, Now()));
    Settle();
  }
  // Its first step is done, and a gate is shut.
  void WaitAtTheSecondStep() {
    StepAt("2") = {.path = "2", .name = "Wait", .kind = StepKind::kWaitFor};
    StepAt("2").gate = Gate{.expr = "x == 1", .about = {}};
    gate_.state = GateState::kFalse;
    Begin();
  }
  Moment Now() const {
    return {.wall = WallTime(Seconds(1'000'000'000)) + passed_,
            .steady = SteadyTime(Seconds(1000)) + passed_};
  }
  // Time passes as in the program: the engine wakes whenever something is due.
  void Pass(Milliseconds time) {
    const Milliseconds end = passed_ + time;
    while (passed_ < end) {
      const auto next = engine_->NextDeadline();
      const Milliseconds wait = next ? *next - Now().steady : time;
      passed_ = std::min(end, passed_ + std::max(wait, Milliseconds(1)));
      Take(engine_->Advance(Now()));
      Settle();
    }
  }
  // Time passes while the program is stopped.
  void Sleep(Milliseconds time) { passed_ += time; }
  void Settle() {
    for (int rounds = 0; rounds < 1000 && !asked_.empty() && !late_; ++rounds) {
      const Effect effect = asked_.front();
      asked_.pop_front();
      if (const auto* request = std::get_if<RemoteRequest>(&effect.what)) {
        requests_.push_back(*request);
        if (silent_.contains(request->host) && request->verb == RemoteVerb::kRun) continue;
        RemoteReply reply;
        if (away_[request->host]) {
          reply.receipt = Fail(ErrorKind::kUnreachable, request->host + ": no route");
        } else if (lost_.contains(request->verb)) {
          reply.receipt = Fail(ErrorKind::kOutcomeUnknown, "no answer in time");
        } else if (swept_ && request->verb == RemoteVerb::kVoid) {
          reply.receipt = Fail(ErrorKind::kNotFound, "the run's receipts are swept");
        } else if (refuses_[request->host]) {
          reply.receipt = Fail(ErrorKind::kRefused, request->host + " obeys another journal");
        } else if (!request->directory_id.empty() &&
                   request->directory_id != DirectoryOf(request->host)) {
          reply.receipt = Fail(ErrorKind::kCorrupt, request->host + " has other receipts");
        } else {
          reply = Answer(*request);
        }
        Take(engine_->Handle(RemoteDone{.id = effect.id, .reply = reply}, Now()));
      } else if (std::holds_alternative<GateQuestion>(effect.what)) {
        Take(engine_->Handle(GateDone{.id = effect.id, .reading = gate_}, Now()));
      }
    }
  }
  std::string DirectoryOf(const std::string& host) {
    return (other_receipts_[host] ? "other-" : "dir-") + host;
  }
  RemoteReply Answer(const RemoteRequest& request) {
    RemoteReply reply;
    reply.directory_id = DirectoryOf(request.host);
    reply.receipt = Receipt{};
    switch (request.verb) {
      case RemoteVerb::kRun:
        began_.push_back(request.command);
        reply.receipt->state = void_                                ? ReceiptState::kVoid
                               : endless_.contains(request.command) ? ReceiptState::kRunning
                                                                    : ReceiptState::kFinished;
        reply.receipt->exit_status = exits_[request.command];
        reply.receipt->output = said_[request.command];
        break;
      case RemoteVerb::kArm:
        if (!restored_) reply.lease = LeaseState::kArmed;
        [[fallthrough]];
      case RemoteVerb::kRenew:
        reply.lease = restored_ ? LeaseState::kRestored : LeaseState::kArmed;
        if (restored_) reply.lease_exit = restore_exit_;
        break;
      case RemoteVerb::kDisarm:
        disarmed_.push_back(request.key);
        reply.lease = restored_ ? LeaseState::kRestored : LeaseState::kNone;
        if (restored_) reply.lease_exit = restore_exit_;
        restored_ = false;  // acknowledged
        break;
      case RemoteVerb::kCancel:
        if (!deaf_) endless_.clear();
        break;
      case RemoteVerb::kStatus:
      case RemoteVerb::kVoid:
        reply.receipt->state = !endless_.empty() ? ReceiptState::kRunning
                               : finished_late_  ? ReceiptState::kFinished
                                                 : ReceiptState::kVoid;
        break;
      default:
        break;
    }
    return reply;
  }
  Result<std::string> Say(Verb verb, int hold, const std::string& by = "ann") {
    Command command;
    command.verb = verb;
    command.run = "run-id";
    command.by = by;
    command.hold = hold;
    return Tell(command);
  }
  Result<std::string> Cancel() {
    Command command;
    command.verb = Verb::kCancel;
    command.run = "run-id";
    command.by = "ann";
    return Tell(command);
  }
  Result<std::string> Confirm(const std::string& step, const std::string& by = "ann",
                              int attempt = 1) {
    Command command;
    command.verb = Verb::kConfirm;
    command.run = "run-id";
    command.by = by;
    command.step = step;
    command.attempt = attempt;
    return Tell(command);
  }
  Result<std::string> Tell(const Command& command) {
    Output output = engine_->Handle(command, Now());
    Result<std::string> answer = output.answer;
    Take(output);
    Settle();
    return answer;
  }
  // `by`: the login under which it came.
  void Hear(const Alert& alert, const std::string& by = "") {
    Notification notification;
    notification.by = by;
    notification.id = "n" + std::to_string(++notifications_);
    notification.alerts = {alert};
    Take(engine_->Handle(notification, Now()));
    Settle();
  }
  RunView Look() const {
    const View view = engine_->Look(Now());
    return view.unfinished.empty() ? view.finished.at(0) : view.unfinished.at(0);
  }
  std::vector<HoldReason> Reasons() const {
    std::vector<HoldReason> reasons;
    for (const HoldView& hold : Look().holds) reasons.push_back(hold.reason);
    return reasons;
  }
  size_t Times(const std::string& command) const {
    return static_cast<size_t>(std::count(began_.begin(), began_.end(), command));
  }

  EngineConfig config_;
  std::string next_id_ = "run-id";
  Plan plan_;
  std::optional<Engine> engine_;
  std::map<std::string, int> exits_;         // of commands; 0 otherwise
  std::map<std::string, std::string> said_;  // by commands
  std::set<std::string> endless_;            // commands that run until they are cancelled
  // Hosts that are unreachable, that obey another actuator, that have other receipts.
  std::map<std::string, bool> away_, refuses_, other_receipts_;
  std::set<std::string> silent_;  // hosts that never answer a request to run
  std::set<RemoteVerb> lost_;     // answers to these never come
  bool void_ = false;             // each attempt never runs; its host says so
  bool swept_ = false;            // the run's receipts, though its journal knows nothing of it
  bool late_ = false;             // nothing is answered as yet
  bool finished_late_ = false;    // the endless command has ended by itself, with success
  bool deaf_ = false;             // commands do not end when they are cancelled
  bool restored_ = false;         // x500's dead man has acted, and has not been acknowledged
  std::optional<int> restore_exit_ = 0;  // how that ended
  GateReading gate_;                     // the reading of every gate
  std::vector<std::string> began_;       // commands, in their order
  std::vector<std::string> disarmed_;    // keys
  std::vector<RemoteRequest> requests_;

 private:
  Result<Plan> Make(const std::string&, const std::map<std::string, std::string>&) const override {
    return plan_;
  }
  void Take(const Output& output) {
    asked_.insert(asked_.end(), output.effects.begin(), output.effects.end());
  }

  std::deque<Effect> asked_;
  Milliseconds passed_{0};
  int notifications_ = 0;
};

}  // namespace mailhub::engine
