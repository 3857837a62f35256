// The exporter's HTTP handlers. They look things up, probe and render; sockets are not their part.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "exporter/host/fleet.h"
#include "exporter/web/scrape_turns.h"
#include "exporter/web/self_metrics.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::exporter {

struct AppOptions {
  std::string telemetry_path = "/metrics";
  Milliseconds timeout_offset{250};  // subtracted from the scrape's timeout for the way back
  std::string version;
  // Scrapes that may wait at once, and how many of them beside one for each host.
  int most_scrapes = 1'000;
  int most_more_scrapes = 28;
  int max_requests = 0;         // for probes and metrics, as --web.max-requests; 0: any number
  bool process_metrics = true;  // on the exporter's own page
};

// Thread-safe; must outlive its server; its references must outlive it.
class App {
 public:
  // `reload` loads the site file anew and returns its mistake, if any.
  App(AppOptions options, Fleet& fleet, SelfMetrics& self, const Clock& clock,
      std::function<Status()> reload)
      : options_(std::move(options)),
        fleet_(fleet),
        self_(self),
        clock_(clock),
        reload_(std::move(reload)),
        turns_(options_.most_scrapes, options_.most_more_scrapes) {}

  // Registers all routes. Before server.Start().
  void Attach(http::Server& server);

  http::Response Probe(const http::Request& request);
  http::Response Discover() const;
  http::Response Landing() const;

 private:
  class Turn;
  void LogChange(const std::string& host, const std::string& result, const Collection& collection);

  const AppOptions options_;
  Fleet& fleet_;
  SelfMetrics& self_;
  const Clock& clock_;
  const std::function<Status()> reload_;
  ScrapeTurns turns_;
  // Result of each host's last probe, so that the log has changes only.
  Guarded<std::map<std::string, std::string>> last_results_;
};

// Longest time for a probe: the header's seconds minus the offset, at least half of the seconds; 10
// s minus the offset without a readable header.
Milliseconds ProbeTimeout(std::string_view header, Milliseconds offset);

}  // namespace mailhub::exporter
