// Everything the exporter says over HTTP. Handlers only look things up, probe, and render; they
// know no sockets.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "exporter/host/fleet.h"
#include "exporter/web/self_metrics.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::exporter {

struct AppOptions {
  std::string telemetry_path = "/metrics";
  Milliseconds timeout_offset{250};  // taken off the scrape's timeout, for the way back
  std::string version;
};

// Thread-safe; must outlive the server it is attached to, and be outlived by what it refers to.
class App {
 public:
  // `reload` loads the site file anew and says what is wrong with it.
  App(AppOptions options, Fleet& fleet, SelfMetrics& self, const Clock& clock,
      std::function<Status()> reload)
      : options_(std::move(options)),
        fleet_(fleet),
        self_(self),
        clock_(clock),
        reload_(std::move(reload)) {}

  // Registers all routes. Before server.Start().
  void Attach(http::Server& server);

  http::Response Probe(const http::Request& request);
  http::Response Discover() const;
  http::Response Landing() const;

 private:
  void LogChange(const std::string& host, const std::string& result, const Collection& collection);

  const AppOptions options_;
  Fleet& fleet_;
  SelfMetrics& self_;
  const Clock& clock_;
  const std::function<Status()> reload_;
  // Of each host's last probe, so that the log tells a change once and not each probe.
  Guarded<std::map<std::string, std::string>> last_results_;
};

// How long a probe may take: the header's seconds less the offset, never less than half of it; 10 s
// less the offset without a header that can be read.
Milliseconds ProbeTimeout(std::string_view header, Milliseconds offset);

}  // namespace mailhub::exporter
