// See lease_request.h.
#include "actuator/engine/lease_request.h"

#include <algorithm>

namespace mailhub::engine {

RemoteRequest AboutLease(const std::string& run, const std::string& path, const Lease& lease,
                         RemoteVerb verb) {
  RemoteRequest request;
  request.verb = verb;
  request.host = lease.host;
  request.key = run + '/' + path;
  request.directory_id = lease.directory;
  request.after = lease.after;
  request.generation = lease.generation;
  return request;
}

Milliseconds RenewalEvery(const Lease& lease) {
  return std::max(lease.after / 3, Milliseconds(100));
}

}  // namespace mailhub::engine
