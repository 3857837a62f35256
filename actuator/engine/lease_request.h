// What a host is asked about a dead man.
#pragma once

#include <string>

#include "actuator/engine/remote.h"
#include "actuator/engine/run.h"

namespace mailhub::engine {

RemoteRequest AboutLease(const std::string& run, const std::string& path, const Lease& lease,
                         RemoteVerb verb);
// How often it is renewed: three times within its time.
Milliseconds RenewalEvery(const Lease& lease);

}  // namespace mailhub::engine
