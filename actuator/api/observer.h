// Passes committed events to the metrics and the log.
#pragma once

#include <span>

#include "actuator/api/event_log.h"
#include "actuator/api/metrics.h"
#include "actuator/engine/ports.h"

namespace mailhub::api {

class MetricsObserver final : public engine::Observer {
 public:
  // `metrics` outlives it.
  explicit MetricsObserver(ActuatorMetrics* metrics) : metrics_(metrics) {}
  void Committed(std::span<const engine::Event> events, Took took) override;
  void CommitFailed(const Error& error) override;

 private:
  ActuatorMetrics* const metrics_;
  EventLog log_;  // owner thread only
};

}  // namespace mailhub::api
