// Whether what the configuration names on this machine can be used: files, directories, the address
// to listen on.
#pragma once

#include <string>
#include <vector>

#include "actuator/configuration.h"

namespace mailhub {

// What is wrong, each as file:line:column, field, what was found and expected. Empty: nothing is.
// `web` is what will be in force, command line included. Looks as the user that calls it. Opens
// files for reading only, changes nothing.
std::vector<std::string> CheckSurroundings(const Configuration& configuration,
                                           const settings::WebSettings& web);

// kRefused when the actuator would listen on `address` where others can reach it without TLS and
// authentication.
Status CheckListenAddress(const std::string& address, const std::string& web_config_file);

}  // namespace mailhub
