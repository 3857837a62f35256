// See ports.h.
#include "actuator/ports.h"

#include "lib/base/log.h"

namespace mailhub {

PrometheusPort::PrometheusPort(condition::GateOptions options, const Clock* clock)
    : options_(std::move(options)), clock_(clock) {
  options_.prometheus.client.cancelled = &cancelled_;
}

template <typename Question>
auto PrometheusPort::Borrow(const Question& question) {
  auto evaluator = idle_.With([](auto& idle) -> std::unique_ptr<condition::GateEvaluator> {
    if (idle.empty()) return nullptr;
    auto last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  if (evaluator == nullptr)
    evaluator = std::make_unique<condition::GateEvaluator>(options_, clock_);
  auto reading = evaluator->Ask(question);
  idle_.With([&](auto& idle) { idle.push_back(std::move(evaluator)); });
  return reading;
}

engine::GateReading PrometheusPort::Evaluate(const engine::GateQuestion& question) {
  return Borrow(question);
}
engine::QueryReading PrometheusPort::Ask(const engine::QueryQuestion& question) {
  return Borrow(question);
}

void MetricsObserver::Committed(std::span<const engine::Event> events, Took took) {
  metrics_->JournalCommitted(took);
  for (const engine::Event& event : events) {
    metrics_->EventCommitted(event);
    for (const api::LogLine& line : log_.Lines(event)) Log(line.level, line.message, line.fields);
  }
}

void MetricsObserver::CommitFailed(const Error& error) {
  metrics_->JournalFailed();
  LogError("The journal cannot be written", {{"why", error.message}});
}

}  // namespace mailhub
