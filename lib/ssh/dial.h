// Connects a TCP socket to a name and port before a deadline; internal to this folder.
#pragma once

#include <string>

#include "lib/ssh/session.h"

namespace mailhub::ssh {

// A connected, non-blocking, close-on-exec socket with TCP_NODELAY and keepalive; the caller owns
// it. Tries all of the name's addresses in turn, each with an equal share of the remaining time.
// Fails with kResolve, kConnect, kTimeout or kOwnLimits. Thread-safe.
tl::expected<int, ConnectError> Dial(const std::string& address, int port, SteadyTime deadline,
                                     const Cancellation* cancel);

}  // namespace mailhub::ssh
