// engine_cost RUNS STEPS: prints microseconds per input, with RUNS runs of STEPS steps that each
// wait at a gate in their middle.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "actuator/engine/engine.h"

namespace {

using namespace mailhub;          // NOLINT
using namespace mailhub::engine;  // NOLINT

class Plans final : public PlanSource {
 public:
  explicit Plans(int steps) : steps_(steps) {}
  Result<Plan> Make(const std::string& runbook,
                    const std::map<std::string, std::string>& parameters) const override {
    Plan plan;
    plan.runbook = runbook;
    plan.parameters = parameters;
    for (int i = 1; i <= steps_; ++i) {
      Step step;
      step.path = std::to_string(i);
      step.host = "h";
      step.command = "true";
      if (i == steps_ / 2) {
        step.kind = StepKind::kWaitFor;
        step.gate = Gate{.expr = "x == 1", .about = {}, .timeout = Milliseconds(86'400'000)};
      }
      plan.steps.push_back(step);
    }
    plan.commit = "1";
    return plan;
  }

 private:
  const int steps_;
};

// Answers everything as a healthy world would, except that gates stay shut.
class World {
 public:
  World(int runs, int steps)
      : plans_(steps),
        engine_(Config(), &plans_, [this] { return "run" + std::to_string(++ids_); }) {
    Take(engine_.Start(now_, "bench"));
    for (int i = 0; i < runs; ++i) {
      Command start;
      start.verb = Verb::kStart;
      start.by = "bench";
      start.runbook = "r";
      start.parameters = {{"n", std::to_string(i)}};
      Take(engine_.Handle(start, now_));
    }
    while (!asked_.empty()) AnswerOne();
  }
  // Microseconds per input, over `inputs` of them.
  double Cost(int inputs) {
    int done = 0;
    double us = 0;
    while (done < inputs) {
      now_.steady += Milliseconds(10);
      now_.wall += Milliseconds(10);
      const auto before = std::chrono::steady_clock::now();
      Take(engine_.Advance(now_));
      ++done;
      while (!asked_.empty() && done < inputs) {
        AnswerOne();
        ++done;
      }
      us += std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - before)
                .count();
    }
    return us / done;
  }

 private:
  static EngineConfig Config() {
    EngineConfig config;
    config.most_unfinished_runs = 1000;
    return config;
  }
  void Take(const Output& output) {
    asked_.insert(asked_.end(), output.effects.begin(), output.effects.end());
  }
  void AnswerOne() {
    const Effect effect = asked_.front();
    asked_.pop_front();
    if (std::holds_alternative<GateQuestion>(effect.what)) {
      GateReading reading;
      reading.state = GateState::kFalse;
      Take(engine_.Handle(GateDone{.id = effect.id, .reading = reading}, now_));
      return;
    }
    RemoteReply reply;
    reply.directory_id = "d";
    reply.receipt = Receipt{};
    reply.receipt->state = ReceiptState::kFinished;
    Take(engine_.Handle(RemoteDone{.id = effect.id, .reply = reply}, now_));
  }

  const Plans plans_;
  int ids_ = 0;
  Moment now_{.wall = WallTime(Seconds(1'700'000'000)), .steady = SteadyTime(Seconds(1000))};
  std::deque<Effect> asked_;
  Engine engine_;
};

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc == 3 ? std::atoi(argv[1]) : 0;
  const int steps = argc == 3 ? std::atoi(argv[2]) : 0;
  if (runs < 1 || runs > 1000 || steps < 2 || steps > 500) {
    std::fprintf(stderr, "usage: engine_cost RUNS STEPS (1..1000, 2..500)\n");
    return 64;
  }
  World world(runs, steps);
  std::printf("%.1f\n", world.Cost(20'000));
  return 0;
}
