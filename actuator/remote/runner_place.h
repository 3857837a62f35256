// Where a host's runner is, how it is started, and the SSH target of a host.
#pragma once

#include <string>

#include "actuator/remote/host_link.h"
#include "lib/config/site.h"
#include "lib/ssh/session.h"

namespace mailhub::remote {

// The file that this program's runner is uploaded to; its name has the runner's digest.
std::string RunnerPath(const LinkOptions& options);
std::string RunnerCommand(const LinkOptions& options, config::RunnerForm form);
ssh::SshTarget TargetOf(const config::Site& site, const config::Host& host);

}  // namespace mailhub::remote
