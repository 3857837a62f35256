// The flags about HTTP and reloads that both programs have, with the names and the meaning that they
// have in Prometheus and its exporters. CLI11 stays in the .cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"

namespace CLI {
class App;
}

namespace mailhub {

struct WebFlags {
  std::vector<std::string> listen_addresses;  // empty: not given
  bool systemd_socket = false;                // instead of listen_addresses
  std::string config_file;                    // empty: none
  std::string external_url;                   // empty: not known
  std::optional<std::string> route_prefix;    // nothing: the path of external_url
  int max_requests = 0;                       // scrapes at once; 0: any number
  bool disable_exporter_metrics = false;      // leave out process_*
  Milliseconds auto_reload_interval{0};       // from one look at the files to the next; 0: never
};

// After the parsing, auto_reload_interval is 0 unless automatic reloads are enabled. Both must outlive the parsing. `addresses` says for the help what holds if none is given.
void AddWebFlags(CLI::App& app, const std::string& addresses, WebFlags* flags);

}  // namespace mailhub
