// Reads the exporter's command line. CLI11 stays in the .cc.
#pragma once

#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/daemon/web_flags.h"

namespace mailhub::exporter {

struct Options {
  std::string config_file = "/etc/mailhub/site.yml";
  bool check_only = false;
  bool print_helper = false;
  std::string check_health;  // a URL to ask instead of starting; empty: none
  WebFlags web;
  std::string telemetry_path = "/metrics";
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
  Milliseconds timeout_offset{250};
};

// Nothing when the program must end now with *exit_status: it has printed help, the version or an
// error.
std::optional<Options> ReadOptions(int argc, char** argv, int* exit_status);

}  // namespace mailhub::exporter
