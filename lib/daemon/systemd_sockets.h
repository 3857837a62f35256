// The sockets that systemd passes to a program (socket units, systemd-socket-activate). libsystemd
// stays in the .cc.
#pragma once

#include <vector>

#include "lib/base/result.h"

namespace mailhub::daemon {

// The passed descriptors, in the order of the unit; the caller owns them. Once in the program's life,
// before it starts others: the variables that name them are removed. kNotFound if there are none.
Result<std::vector<int>> TakeSystemdSockets();

}  // namespace mailhub::daemon
