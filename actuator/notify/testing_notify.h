// For tests: a run with two steps and a question, its events, and a receiver in the test's process.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actuator/engine/event.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/http/server.h"

namespace mailhub::notify::testing {

inline constexpr const char* kRun = "3f2a91c0aa55aa55aa55aa55aa55aa55";
// 2026-03-01T10:00:00Z
inline constexpr WallTime kBegin{Milliseconds(1'772'359'200'000)};

inline engine::Plan TwoSteps() {
  engine::Plan plan;
  plan.runbook = "mailhub-rebuild";
  plan.summary = "Rebuild";
  plan.target = "mailhub2";
  engine::Step stop;
  stop.path = "1";
  stop.name = "Stop <it>";
  stop.host = "x500";
  stop.command = "stop";
  engine::Step ask;
  ask.path = "2";
  ask.name = "Is this a quiet week?";
  ask.kind = engine::StepKind::kConfirm;
  plan.steps = {stop, ask};
  return plan;
}

// Numbers them from `first`; the n-th happens n seconds after kBegin.
inline std::vector<engine::Event> Events(uint64_t first, std::vector<engine::EventBody> bodies,
                                         const std::string& run = kRun) {
  std::vector<engine::Event> events;
  for (engine::EventBody& body : bodies) {
    events.push_back({first, kBegin + Seconds(first), run, std::move(body)});
    ++first;
  }
  return events;
}

// The first command fails and the run holds (event 4), a person resolves it, the run asks (7) and
// succeeds (11).
inline std::vector<engine::Event> WholeRun(uint64_t first = 1, const std::string& run = kRun) {
  using namespace engine;  // NOLINT
  return Events(
      first,
      {RunQueued{.plan = TwoSteps(), .trigger = "", .fingerprint = "", .by = "anna", .only_if = ""},
       RunStarted{}, StepStarted{.path = "1", .attempt = 1, .directory_id = "d"},
       RunHeld{.path = "1", .reason = HoldReason::kStepFailed, .detail = "exit 1: no & \x1b[2m`x`"},
       OperatorActed{.verb = Verb::kResolve, .path = "1", .by = "bob", .detail = "done", .hold = 1},
       StepDone{
           .path = "1", .result = StepResult::kResolved, .took = Milliseconds(1), .detail = ""},
       StepStarted{.path = "2", .attempt = 1, .directory_id = ""},
       OperatorActed{
           .verb = Verb::kConfirm, .path = "2", .by = "bob", .detail = "", .hold = kNoHold},
       StepDone{.path = "2", .result = StepResult::kDone, .took = Milliseconds(1), .detail = ""},
       RunEnding{.result = RunResult::kSucceeded, .detail = ""},
       RunFinished{.result = RunResult::kSucceeded, .detail = "", .worked = std::nullopt}},
      run);
}

// Polls, with a deadline.
inline bool Eventually(const std::function<bool()>& condition) {
  const SteadyTime end = BootClock::now() + Seconds(10);
  while (!condition()) {
    if (BootClock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// Records what it is sent, and answers as told.
class TestReceiver {
 public:
  explicit TestReceiver(http::ServerOptions options = {}) : server_(std::move(options)) {
    for (const char* path : {"/in", "/api/v2/alerts"}) {
      server_.Handle("POST", path, [this](const http::Request& request) { return Take(request); });
    }
    const Status started = server_.Start();
    if (!started) std::abort();
  }
  ~TestReceiver() {
    Hang(false);
    server_.Stop();
  }
  TestReceiver(const TestReceiver&) = delete;
  TestReceiver& operator=(const TestReceiver&) = delete;

  int Port() const { return server_.Port(); }
  std::string Url(const std::string& path = "/in") const {
    return "http://127.0.0.1:" + std::to_string(Port()) + path;
  }
  void AnswerWith(int status, const std::string& retry_after = "") {
    state_.With([&](State& state) {
      state.status = status;
      state.retry_after = retry_after;
    });
  }
  void Say(std::string body) {
    state_.With([&](State& state) { state.body = std::move(body); });
  }
  // Requests get no answer until it is false again.
  void Hang(bool hang) {
    state_.With([&](State& state) { state.hang = hang; });
  }
  std::vector<http::Request> Requests() const {
    return state_.With([](const State& state) { return state.requests; });
  }
  // Those that were answered 2xx.
  std::vector<std::string> Ids() const {
    return state_.With([](const State& state) { return state.taken; });
  }

 private:
  struct State {
    int status = 200;
    std::string body = "answer & <more>";
    std::string retry_after;
    bool hang = false;
    std::vector<http::Request> requests;
    std::vector<std::string> taken;
  };

  http::Response Take(const http::Request& request) {
    state_.With([&](State& state) { state.requests.push_back(request); });
    Eventually([this] { return state_.With([](State& state) { return !state.hang; }); });
    return state_.With([&](State& state) {
      http::Response response = http::TextResponse(state.status, state.body);
      if (!state.retry_after.empty())
        response.headers.emplace_back("Retry-After", state.retry_after);
      if (state.status < 300) state.taken.emplace_back(request.Header("Idempotency-Key"));
      return response;
    });
  }

  Guarded<State> state_;
  http::Server server_;
};

}  // namespace mailhub::notify::testing
