// Fakes for the service's tests: a journal whose commits can fail or wait, hosts and a Prometheus
// that answer at once or when told, runbooks of one or two steps.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actuator/engine/ports.h"
#include "actuator/journal/store.h"

namespace mailhub::service::testing {

// A store between the service and a real journal.
class FaultyStore final : public journal::EventStore {
 public:
  explicit FaultyStore(journal::EventStore* real) : real_(real) {}

  const std::string& id() const override { return real_->id(); }
  uint64_t last_seq() const override { return real_->last_seq(); }
  Status Replay(journal::Scope scope,
                const std::function<void(const engine::Event&)>& each) override {
    return real_->Replay(scope, each);
  }
  Status Append(std::span<const engine::Event> events) override {
    std::unique_lock lock(mutex_);
    ++appends_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !blocked_; });
    if (failure_ && !happens_) return Fail(*failure_);
    Status done = real_->Append(events);
    if (failure_ && happens_) return Fail(*failure_);
    return done;
  }

  // Every Append fails from now on; with `happens`, after it was carried out.
  void FailWith(std::optional<Error> failure, bool happens = false) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    happens_ = happens;
  }
  void Block(bool blocked) {
    const std::lock_guard lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }
  int appends() const {
    const std::lock_guard lock(mutex_);
    return appends_;
  }
  // Waits until one more Append than `seen` has begun.
  bool WaitForAppend(int seen) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return appends_ > seen; });
  }

 private:
  journal::EventStore* const real_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Error> failure_;
  bool happens_ = false;
  bool blocked_ = false;
  int appends_ = 0;
};

// Hosts without faults. Records requests; can delay answers.
class FakeHosts final : public engine::RemotePort {
 public:
  void Begin(const std::string& journal_id, uint64_t epoch) override {
    const std::lock_guard lock(mutex_);
    begun_.emplace_back(journal_id, epoch);
  }
  void Submit(const engine::RemoteRequest& request, Done done) override {
    engine::RemoteReply reply;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (on_request) on_request(request);
      changed_.notify_all();
      if (silent_verb_ == request.verb) return;
      if (away_) {
        reply.receipt = Fail(ErrorKind::kUnreachable, "no route");
      } else {
        reply = Answer(request);
      }
    }
    done(std::move(reply));
  }

  void TakeOver(const std::string& host, SteadyTime /*begin_before*/, Done done) override {
    engine::RemoteReply reply;
    {
      const std::lock_guard lock(mutex_);
      taken_over_.push_back(host);
      if (takeover_failure) reply.receipt = Fail(*takeover_failure);
    }
    done(std::move(reply));
  }
  std::vector<std::string> taken_over() const {
    const std::lock_guard lock(mutex_);
    return taken_over_;
  }

  // Never answers requests with this verb, as if the actuator died before.
  void BeSilentAt(engine::RemoteVerb verb) {
    const std::lock_guard lock(mutex_);
    silent_verb_ = verb;
  }
  void BeAway(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
  }
  bool WaitFor(engine::RemoteVerb verb) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return Count(verb) > 0; });
  }
  size_t Asked(engine::RemoteVerb verb) const {
    const std::lock_guard lock(mutex_);
    return Count(verb);
  }
  size_t requests() const {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }
  std::vector<std::pair<std::string, uint64_t>> begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  // How often the command of each key ran.
  std::map<std::string, int> ran() const {
    const std::lock_guard lock(mutex_);
    return ran_;
  }

  std::function<void(const engine::RemoteRequest&)> on_request;
  std::optional<Error> takeover_failure;

 private:
  size_t Count(engine::RemoteVerb verb) const {
    size_t count = 0;
    for (const auto& request : requests_) count += request.verb == verb ? 1 : 0;
    return count;
  }
  engine::RemoteReply Answer(const engine::RemoteRequest& request) {
    engine::RemoteReply reply;
    reply.directory_id = "directory-of-" + request.host;
    reply.mark = {.boot_id = "boot", .uptime_s = 1000};
    engine::Receipt receipt;
    if (request.verb == engine::RemoteVerb::kRun) {
      if (ran_[request.key] == 0) ran_[request.key] = 1;
      receipt.state = engine::ReceiptState::kFinished;
    }
    const bool arms =
        request.verb == engine::RemoteVerb::kArm || request.verb == engine::RemoteVerb::kRenew;
    if (arms) reply.lease = engine::LeaseState::kArmed;
    reply.receipt = receipt;
    return reply;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<engine::RemoteRequest> requests_;
  std::vector<std::pair<std::string, uint64_t>> begun_;
  std::vector<std::string> taken_over_;
  std::map<std::string, int> ran_;
  std::optional<engine::RemoteVerb> silent_verb_;
  bool away_ = false;
};

// A Prometheus for which every condition holds.
class FakePrometheus final : public engine::ConditionPort {
 public:
  engine::GateReading Evaluate(const engine::GateQuestion&) override {
    engine::GateReading reading;
    reading.state = engine::GateState::kOpen;
    return reading;
  }
  engine::QueryReading Ask(const engine::QueryQuestion&) override { return {.holds = true}; }
};

class CountingObserver final : public engine::Observer {
 public:
  void Committed(std::span<const engine::Event> events, Took) override {
    const std::lock_guard lock(mutex_);
    events_ += events.size();
    ++commits_;
  }
  void CommitFailed(const Error&) override {
    const std::lock_guard lock(mutex_);
    ++failures_;
  }
  size_t events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  int commits() const {
    const std::lock_guard lock(mutex_);
    return commits_;
  }
  int failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  mutable std::mutex mutex_;
  size_t events_ = 0;
  int commits_ = 0;
  int failures_ = 0;
};

// "touch": one command on host "h"; "confirm": waits for a person; "guarded": a command with a dead
// man that waits 300 ms, then a question. Parameter "n" only tells plans
// apart.
class FakePlans final : public engine::PlanSource {
 public:
  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override {
    engine::Plan plan;
    plan.runbook = runbook;
    plan.parameters = parameters;
    engine::Step step;
    step.path = "1";
    step.name = "The only step";
    if (runbook == "touch") {
      step.host = "h";
      step.command = "touch /tmp/x";
    } else if (runbook == "confirm") {
      step.kind = engine::StepKind::kConfirm;
    } else if (runbook == "guarded") {
      step.host = "h";
      step.command = "stop";
      step.dead_man = engine::DeadMan{.restore = "start", .after = Milliseconds(300), .until = ""};
      plan.steps.push_back(step);
      step = {};
      step.path = "2";
      step.kind = engine::StepKind::kConfirm;
    } else {
      return Fail(ErrorKind::kNotFound, "there is no runbook " + runbook);
    }
    plan.steps.push_back(step);
    plan.commit = "1";
    return plan;
  }
};

}  // namespace mailhub::service::testing
