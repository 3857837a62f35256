// Measures TCP ports from this machine, without the helper, even when the host's SSH does not
// answer.
#pragma once

#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/config/site.h"
#include "lib/metrics/families.h"
#include "lib/ssh/resolve.h"

namespace mailhub::exporter {

// Connects to all of the host's ports at once, at each address of the host, and hangs up. A port is
// open if one address accepts. Returns when all are known, or at the deadline; the rest then counts
// as closed. Thread-safe. kInternal when this side lacks resources for a connection, such as
// descriptors: then no port's state is known.
Status MeasurePorts(const config::Host& host, const std::vector<ssh::SocketAddress>& addresses,
                    const Clock& clock, SteadyTime deadline, metrics::Families* families);

}  // namespace mailhub::exporter
