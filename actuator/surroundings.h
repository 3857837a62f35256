// Checks whether this machine's files, directories and listen address can be used as configured.
#pragma once

#include <string>
#include <vector>

#include "actuator/configuration.h"

namespace mailhub {

// The defects, each as file:line:column, field, found and expected values. Empty: none. `web`: the
// web settings with the command line's changes. Checks as the calling user. Opens files only for
// reading, changes nothing.
std::vector<std::string> CheckSurroundings(const Configuration& configuration,
                                           const settings::WebSettings& web);

// kRefused when other machines could reach `address` without TLS and authentication.
Status CheckListenAddresses(const std::vector<std::string>& addresses,
                            const std::string& web_config_file);

}  // namespace mailhub
