// From a name and a port to a connected TCP socket, before a deadline; internal to this folder.
#pragma once

#include <string>

#include "lib/ssh/session.h"

namespace mailhub::ssh {

// A connected, non-blocking, close-on-exec socket with TCP_NODELAY and keepalive, which the caller
// owns. All of the name's addresses are tried in turn, each with an equal share of the time that is
// left. Fails with kResolve, kConnect, kTimeout or
// kOwnLimits. Thread-safe.
tl::expected<int, ConnectError> Dial(const std::string& address, int port, SteadyTime deadline,
                                     const Cancellation* cancel);

}  // namespace mailhub::ssh
