// Handlers of the requests that only read.
#pragma once

#include <memory>
#include <string>

#include "actuator/api/backend.h"
#include "actuator/api/event_stream.h"
#include "actuator/api/metrics.h"
#include "actuator/api/receivers.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. The constructor's arguments must outlive it; `receivers` may be null.
class ReadHandlers {
 public:
  ReadHandlers(Backend& backend, const ActuatorMetrics& metrics, const Clock& clock,
               std::string version, int max_event_streams, const Receivers* receivers = nullptr,
               bool process_metrics = true);

  http::Response Root(const http::Request& request);
  http::Response Runs(const http::Request& request);
  http::Response Run(const http::Request& request);
  http::Response Alerts(const http::Request& request);
  http::Response Episodes(const http::Request& request);
  http::Response History(const http::Request& request);
  http::Response Report(const http::Request& request);
  http::Response Mode(const http::Request& request);
  http::Response Status(const http::Request& request);
  http::Response ListReceivers(const http::Request& request);
  http::Response Events(const http::Request& request);
  http::Response Metrics(const http::Request& request);
  http::Response Healthy(const http::Request& request);
  http::Response Ready(const http::Request& request);

 private:
  Result<std::string> RunsList(const http::Request& request);
  Result<std::string> OneRun(const std::string& id);
  Result<std::string> EventsList(const http::Request& request, const std::string& id);
  Result<std::string> AlertsList(const http::Request& request);
  Result<std::string> EpisodesList(const http::Request& request);
  Result<std::string> HistoryList(const http::Request& request);
  Result<std::string> ReportList(const http::Request& request);
  std::vector<ReceiverStatus> AllReceivers() const;

  // Constant after construction.
  Backend& backend_;
  const ActuatorMetrics& metrics_;
  const Clock& clock_;
  const std::string version_;
  const std::shared_ptr<Tickets> tickets_;
  const Receivers* const receivers_;
  const bool process_metrics_;
};

}  // namespace mailhub::api
