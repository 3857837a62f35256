// TCP ports as seen from here: no part of the helper, and measured even when the host's SSH does
// not answer.
#pragma once

#include <netinet/in.h>

#include <string>

#include "exporter/metrics/family.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

struct PortAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// An IP address as it is written; nothing is looked up. kInvalid for a name. Thread-safe.
Result<PortAddress> NumericAddress(const std::string& address);

// The first address of a name. May block for as long as the resolver likes: never on a thread that
// somebody waits for.
Result<PortAddress> LookUpAddress(const std::string& name);

// Connects to all of the host's ports at once and hangs up. Returns when each has answered, or at
// the deadline, when what is left counts as closed. Thread-safe. kInternal when there are no file
// descriptors left.
Status MeasurePorts(const config::Host& host, const PortAddress& address, const Clock& clock,
                    SteadyTime deadline, Families* families);

}  // namespace mailhub::exporter
