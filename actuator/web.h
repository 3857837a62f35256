// The actuator's HTTP server: the API and its pages, the metrics, and the webhook.
#pragma once

#include "actuator/api/api.h"
#include "actuator/api/guard.h"
#include "actuator/settings/settings.h"
#include "actuator/webhook/receiver.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"

namespace mailhub {

// What the command line says about HTTP, beside the file.
struct WebOptions {
  std::vector<int> sockets = {};  // of systemd; the server's. Instead of the file's addresses
  std::string external_url = {};  // without a slash at its end; "": not known
  std::string prefix = {};        // as http::ServerOptions::route_prefix
  int max_requests = 0;           // for the metrics; 0: any number
  bool process_metrics = true;
};

// Owns the server and its threads. The constructor's arguments must outlive it.
class Web {
 public:
  // kInvalid, kRefused: the web configuration or the webhook's token file.
  static Result<std::unique_ptr<Web>> Make(const settings::Fixed& settings,
                                           const std::string& version, api::Backend* backend,
                                           api::ActuatorMetrics* metrics, api::Receivers* receivers,
                                           const Clock* clock, WebOptions web);

  Status Start() { return server_.Start(); }
  void Stop() { server_.Stop(); }
  std::vector<std::string> Addresses() const { return server_.Addresses(); }

 private:
  Web(const settings::Fixed& settings, const std::string& version, api::Backend* backend,
      api::ActuatorMetrics* metrics, api::Receivers* receivers, const Clock* clock,
      const WebOptions& web, http::ServerOptions options);
  http::ServerOptions WithHooks(http::ServerOptions options, api::ActuatorMetrics* metrics);

  const webhook::Receiver receiver_;
  const api::Guard guard_;
  http::Server server_;  // last: its threads use the members above
};

}  // namespace mailhub
