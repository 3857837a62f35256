// Reads the actuator's command line. CLI11 stays in the .cc.
#pragma once

#include <optional>
#include <string>

#include "lib/base/log.h"

namespace mailhub {

struct ActuatorOptions {
  std::string config_file = "/etc/mailhub/actuator.yml";
  bool check_only = false;
  bool print_runner = false;
  std::string check_health;     // a URL to ask instead of starting; empty: none
  std::string listen_address;   // empty: as in the file
  std::string web_config_file;  // empty: as in the file
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

// Nothing when the program must end now with *exit_status: it has printed help, the version or an
// error.
std::optional<ActuatorOptions> ReadOptions(int argc, char** argv, int* exit_status);

}  // namespace mailhub
