// `config check`: runs the programs' own configuration readers without the programs.
#pragma once

#include <string>

namespace mailhub::ctl {

// Checks an actuator's configuration with all the files it names; or a site file, and with it the
// runbooks of a directory unless `runbooks` is empty. Prints the first mistake as file:line:column;
// returns the exit status. A file of the actuator that cannot be used here is a warning: the
// actuator may run on another host or as another user. A runbook alone is refused, with the command
// to use instead.
int ConfigCheck(const std::string& file, const std::string& runbooks);

}  // namespace mailhub::ctl
