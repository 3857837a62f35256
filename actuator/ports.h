// The service's ports made of the real adapters: hosts over SSH, Prometheus over HTTP, metrics.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "actuator/api/event_log.h"
#include "actuator/api/metrics.h"
#include "actuator/condition/gate_evaluator.h"
#include "actuator/remote/remote_hosts.h"
#include "actuator/service/ports.h"

namespace mailhub {

// Thread-safe, as RemoteHosts is.
class HostsPort final : public service::RemotePort {
 public:
  explicit HostsPort(remote::RemoteHosts* hosts) : hosts_(hosts) {}
  void Begin(const std::string& journal_id, uint64_t epoch) override {
    hosts_->Begin(journal_id, epoch);
  }
  void Submit(const engine::RemoteRequest& request, Done done) override {
    hosts_->Submit(request, std::move(done));
  }
  void TakeOver(const std::string& host, SteadyTime begin_before, Done done) override {
    hosts_->TakeOver(host, begin_before, std::move(done));
  }

 private:
  remote::RemoteHosts* const hosts_;
};

// Thread-safe: each question borrows an evaluator of its own, so that connections and caches are
// kept.
class PrometheusPort final : public service::ConditionPort {
 public:
  PrometheusPort(condition::GateOptions options, const Clock* clock);
  engine::GateReading Evaluate(const engine::GateQuestion& question) override;
  engine::QueryReading Ask(const engine::QueryQuestion& question) override;
  void Cancel() { cancelled_ = true; }

 private:
  template <typename Question>
  auto Borrow(const Question& question);

  condition::GateOptions options_;
  const Clock* const clock_;
  std::atomic<bool> cancelled_{false};
  Guarded<std::vector<std::unique_ptr<condition::GateEvaluator>>> idle_;
};

// Feeds the metrics and the log.
class MetricsObserver final : public service::Observer {
 public:
  explicit MetricsObserver(api::ActuatorMetrics* metrics) : metrics_(metrics) {}
  void Committed(std::span<const engine::Event> events, Took took) override;
  void CommitFailed(const Error& error) override;

 private:
  api::ActuatorMetrics* const metrics_;
  api::EventLog log_;  // owner thread only
};

}  // namespace mailhub
