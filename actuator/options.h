// The command line. CLI11 stays in the .cc.
#pragma once

#include <optional>
#include <string>

#include "lib/base/log.h"

namespace mailhub {

struct ActuatorOptions {
  std::string config_file = "/etc/mailhub/actuator.yml";
  bool check_only = false;
  bool print_runner = false;
  std::string listen_address;   // empty: as the file says
  std::string web_config_file;  // empty: as the file says
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

// Nothing when the program is to end now, with *exit_status: help or version were asked for, or
// something is wrong; it has been printed.
std::optional<ActuatorOptions> ReadOptions(int argc, char** argv, const std::string& version,
                                           int* exit_status);

}  // namespace mailhub
