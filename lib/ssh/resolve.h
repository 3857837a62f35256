// Resolves a name to its addresses before a deadline.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "lib/ssh/session.h"

namespace mailhub::ssh {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// All TCP addresses of a name or a numeric address, each with the port; resolved anew each time.
// Fails with kResolve or kOwnLimits. While 16 abandoned look-ups are still without an answer, names
// fail at once. `cancel` may be null. Thread-safe.
tl::expected<std::vector<SocketAddress>, ConnectError> Resolve(const std::string& host, int port,
                                                               SteadyTime deadline,
                                                               const Cancellation* cancel);

}  // namespace mailhub::ssh
