// Sends all of the actuator's questions to Prometheus.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "actuator/condition/gate_evaluator.h"
#include "actuator/engine/ports.h"
#include "lib/base/guarded.h"

namespace mailhub::condition {

// Thread-safe: each question borrows its own evaluator, so that connections and caches are kept.
class Evaluators final : public engine::ConditionPort {
 public:
  // `clock` outlives it.
  Evaluators(GateOptions options, const Clock* clock);

  engine::GateReading Evaluate(const engine::GateQuestion& question) override;
  engine::QueryReading Ask(const engine::QueryQuestion& question) override;
  void Cancel() { cancelled_ = true; }  // ends open questions within a second

 private:
  template <typename Question>
  auto Borrow(const Question& question);

  GateOptions options_;
  const Clock* const clock_;
  std::atomic<bool> cancelled_{false};
  Guarded<std::vector<std::unique_ptr<GateEvaluator>>> idle_;
};

}  // namespace mailhub::condition
