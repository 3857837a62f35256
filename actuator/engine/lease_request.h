// The requests to a host about a dead man.
#pragma once

#include <string>

#include "actuator/engine/remote.h"
#include "actuator/engine/run.h"

namespace mailhub::engine {

RemoteRequest AboutLease(const std::string& run, const std::string& path, const Lease& lease,
                         RemoteVerb verb);
// The time between renewals: a third of the lease's time.
Milliseconds RenewalEvery(const Lease& lease);

}  // namespace mailhub::engine
