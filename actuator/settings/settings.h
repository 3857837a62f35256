// The actuator's own configuration file, actuator.yml: where things are, which alert starts what,
// and the bounds. An example with every key: actuator/actuator.example.yml.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/engine.h"
#include "actuator/engine/trigger.h"
#include "actuator/notify/words.h"
#include "actuator/settings/http_section.h"
#include "lib/base/result.h"
#include "lib/config/yaml.h"

namespace mailhub::settings {

// Also for Thanos, Mimir and VictoriaMetrics, which answer like Prometheus.
struct PrometheusSettings : HttpAccess {
  std::string url;                            // without a trailing slash
  std::string job = "mailhub";                // of the exporter's probes
  Milliseconds scrape_interval{0};            // of that job; 0: asked of the server
  std::map<std::string, std::string> labels;  // of the probes' series, to choose one replica
  Milliseconds timeout{5'000};

  bool operator==(const PrometheusSettings&) const = default;
};

// Of notifications; see docs/notifications.md.
struct ReceiverSettings : HttpAccess {
  std::string name;
  std::string url;       // as written; or
  std::string url_file;  // the file that holds it
  notify::Format format = notify::Format::kPlain;
  std::set<notify::Happening> events;  // never empty
  Milliseconds keep{43'200'000};
  Milliseconds timeout{10'000};

  bool operator==(const ReceiverSettings&) const = default;
};

struct WebSettings {
  std::vector<std::string> listen_addresses = {"127.0.0.1:9110"};
  std::string config_file;     // TLS and logins; empty: none
  std::string api_token_file;  // for changes over the API; empty: a login
  // What logins may do; one that is not listed may do everything.
  std::map<std::string, engine::Roles> roles = {};

  bool operator==(const WebSettings&) const = default;
};

// A change of these needs a restart; everything else follows a reload.
struct Fixed {
  std::string journal;
  WebSettings web;
  std::string webhook_token_file;
  PrometheusSettings prometheus;
  engine::Mode first_mode = engine::Mode::kActive;  // of a new journal
  size_t most_waiting = 256;                        // requests in the inbox; more get 503
  int most_connections = 32;
  // How long the journal keeps what no decision needs.
  Milliseconds keep_decisions{2LL * 365 * 24 * 3'600'000};
  Milliseconds keep_runs{2LL * 365 * 24 * 3'600'000};

  bool operator==(const Fixed&) const = default;
};

// A trigger and where it is written, for messages about what only the runbooks can tell.
struct PlacedTrigger {
  explicit PlacedTrigger(config::Node where) : at(std::move(where)) {}

  engine::Trigger trigger;
  config::Node at;
};

// Immutable once loaded. All paths are absolute.
struct Settings {
  std::string site_file;
  std::string runbooks_directory;
  std::string calendar_file;  // empty: none
  Fixed fixed;
  std::vector<PlacedTrigger> triggers;
  std::vector<ReceiverSettings> receivers;
  engine::EngineConfig engine;       // triggers included
  std::optional<config::Node> root;  // the file, for messages about what it names
};

// kInvalid with file:line:column, field and what was expected. Relative paths are relative to the
// file. Files that it names are not looked at.
Result<Settings> LoadSettings(const std::string& path);
Result<Settings> ParseSettings(const std::string& text, const std::string& path);

}  // namespace mailhub::settings
