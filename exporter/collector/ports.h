// TCP ports as seen from here: no part of the helper, and measured even when the host's SSH does
// not answer.
#pragma once

#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/config/site.h"
#include "lib/metrics/families.h"
#include "lib/ssh/resolve.h"

namespace mailhub::exporter {

// Connects to all of the host's ports at once, at each address of the host, and hangs up. A port is
// open if it is at one of them. Returns when that is known, or at the deadline, when what is left
// counts as closed. Thread-safe. kInternal when this side lacks what a connection needs,
// descriptors for one: then nothing is known of any port.
Status MeasurePorts(const config::Host& host, const std::vector<ssh::SocketAddress>& addresses,
                    const Clock& clock, SteadyTime deadline, metrics::Families* families);

}  // namespace mailhub::exporter
