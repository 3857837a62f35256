// `config check`: the same readers as the programs', without the programs.
#pragma once

#include <string>

namespace mailhub::ctl {

// Checks an actuator's configuration with all that it names; or a site file, and the runbooks of a
// directory against it unless that is empty. Prints the first mistake as file:line:column; returns
// the exit status. Files of the actuator's that cannot be used here are warnings: it may run
// elsewhere, or as another user. A runbook alone is refused, with what to type instead.
int ConfigCheck(const std::string& file, const std::string& runbooks);

}  // namespace mailhub::ctl
