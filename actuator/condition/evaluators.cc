// See evaluators.h.
#include "actuator/condition/evaluators.h"

#include <utility>

namespace mailhub::condition {

Evaluators::Evaluators(GateOptions options, const Clock* clock)
    : options_(std::move(options)), clock_(clock) {
  options_.prometheus.client.cancelled = &cancelled_;
}

template <typename Question>
auto Evaluators::Borrow(const Question& question) {
  auto evaluator = idle_.With([](auto& idle) -> std::unique_ptr<GateEvaluator> {
    if (idle.empty()) return nullptr;
    auto last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  if (evaluator == nullptr) evaluator = std::make_unique<GateEvaluator>(options_, clock_);
  auto reading = evaluator->Ask(question);
  idle_.With([&](auto& idle) { idle.push_back(std::move(evaluator)); });
  return reading;
}

engine::GateReading Evaluators::Evaluate(const engine::GateQuestion& question) {
  return Borrow(question);
}
engine::QueryReading Evaluators::Ask(const engine::QueryQuestion& question) {
  return Borrow(question);
}

}  // namespace mailhub::condition
