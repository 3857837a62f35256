// For tests: one run and the services of its machines. Questions collect in Asked(); events are
// folded into the run, as in the engine.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/context.h"
#include "actuator/engine/history.h"

namespace mailhub::engine {

// Confined to one thread.
class Machine : public testing::Test, public OtherRuns {
 protected:
  // A stop on x500 with a dead man of a minute, whose `until` is the start after it.
  Machine()
      : recorder_(&clock_,
                  [this](const Event& event) {
                    events_.push_back(event);
                    run_.Apply(event);
                    run_.Account(event.at, mode_.mode);
                  }),
        context_{&config_, &clock_, &mode_, this, &recorder_, nullptr, [] { return "run-1"; },
                 &history_} {
    plan_.runbook = "restart";
    AddStep("1", "stop", "x500").dead_man = DeadMan{"start", Milliseconds(60'000), "2"};
    AddStep("2", "start", "x500");
    run_.id = "run-1";
    clock_.Start({WallTime(Seconds(1'000'000'000)), SteadyTime(Seconds(1'000))});
  }
  Step& AddStep(const std::string& path, const std::string& command, const std::string& host) {
    plan_.steps.push_back({.path = path, .name = "Step " + path, .host = host, .command = command});
    return plan_.steps.back();
  }
  // From here on the run has its own copy of the plan.
  void Queue(const std::string& only_if = "") {
    RunQueued queued;
    queued.plan = plan_;
    queued.only_if = only_if;
    Emit(queued);
  }
  void Begin() {
    Queue();
    Emit(RunStarted{});
  }
  void Emit(EventBody body) { recorder_.Emit(run_.id, std::move(body)); }
  const Step& StepAt(const std::string& path) const { return *run_.Find(path); }

  // Time passes while the engine is attended.
  void Pass(Milliseconds time) {
    const SteadyTime end = clock_.In(time);
    clock_.Advance({clock_.wall() + time, end}, end);
  }

  // The questions since the last call.
  std::vector<Effect> Asked() { return recorder_.Take().effects; }
  RemoteRequest OnlyRequest() {
    const std::vector<Effect> asked = Asked();
    EXPECT_EQ(asked.size(), 1U);
    if (asked.size() != 1) return {};
    last_ = asked[0].id;
    return std::get<RemoteRequest>(asked[0].what);
  }
  // An answer to the question that OnlyRequest() returned last.
  RemoteDone Answer(RemoteReply reply) const {
    if (reply.directory_id.empty()) reply.directory_id = "d1";
    return {last_, std::move(reply)};
  }
  RemoteDone Failure(ErrorKind kind) const {
    RemoteReply reply;
    reply.receipt = Fail(kind, "x500: no");
    return {last_, std::move(reply)};
  }
  static RemoteReply Says(LeaseState lease) {
    RemoteReply reply;
    reply.lease = lease;
    return reply;
  }
  static RemoteReply Says(ReceiptState state) {
    RemoteReply reply;
    Receipt receipt;
    receipt.state = state;
    reply.receipt = receipt;
    return reply;
  }
  static Receipt Finished() { return *Says(ReceiptState::kFinished).receipt; }
  bool IsHeld(HoldReason reason) const {
    return run_.holds.size() == 1 && run_.holds[0].reason == reason;
  }
  template <typename Body>
  bool WasRecorded() const {
    return std::any_of(events_.begin(), events_.end(),
                       [](const Event& event) { return std::holds_alternative<Body>(event.body); });
  }

  const engine::Run* BlockedBy(const engine::Run&) const override { return blocked_by_; }
  std::string PassedOverOn(const std::string&) const override { return passed_over_; }
  Slot SlotOf(const engine::Run&) const override { return slot_; }

  EngineConfig config_;
  EngineClock clock_;
  CurrentMode mode_;
  Plan plan_;
  engine::Run run_;
  std::vector<Event> events_;
  History history_{&clock_};
  Recorder recorder_;
  Context context_;
  Directories directories_{{"x500", "d1"}};
  const engine::Run* blocked_by_ = nullptr;
  std::string passed_over_;
  Slot slot_;
  EffectId last_ = 0;
};

}  // namespace mailhub::engine
