// Reads the actuator's command line. CLI11 stays in the .cc.
#pragma once

#include <optional>
#include <string>

#include "lib/base/log.h"
#include "lib/daemon/web_flags.h"

namespace mailhub {

struct ActuatorOptions {
  std::string config_file = "/etc/mailhub/actuator.yml";
  bool check_only = false;
  bool print_runner = false;
  std::string check_health;  // a URL to ask instead of starting; empty: none
  WebFlags web;              // addresses and web configuration: if none are given, the file's
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

// Nothing when the program must end now with *exit_status: it has printed help, the version or an
// error.
std::optional<ActuatorOptions> ReadOptions(int argc, char** argv, int* exit_status);

}  // namespace mailhub
