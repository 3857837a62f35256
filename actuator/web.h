// The actuator's HTTP server: the API and its pages, the metrics, and the webhook.
#pragma once

#include "actuator/api/api.h"
#include "actuator/api/guard.h"
#include "actuator/settings/settings.h"
#include "actuator/webhook/receiver.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub {

// Owns the server and its threads. The constructor's arguments must outlive it.
class Web {
 public:
  // kInvalid, kRefused: the web configuration or the webhook's token file.
  static Result<std::unique_ptr<Web>> Make(const settings::Fixed& settings,
                                           const std::string& version, api::Backend* backend,
                                           api::ActuatorMetrics* metrics, api::Receivers* receivers,
                                           const Clock* clock);

  Status Start() { return server_.Start(); }
  void Stop() { server_.Stop(); }
  int Port() const { return server_.Port(); }

 private:
  Web(const settings::Fixed& settings, const std::string& version, api::Backend* backend,
      api::ActuatorMetrics* metrics, api::Receivers* receivers, const Clock* clock,
      http::ServerOptions options);
  http::ServerOptions WithHooks(http::ServerOptions options, api::ActuatorMetrics* metrics);

  const webhook::Receiver receiver_;
  const api::Guard guard_;
  http::Server server_;  // last: its threads use the members above
};

}  // namespace mailhub
