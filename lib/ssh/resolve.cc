// Name look-up has no deadline in POSIX. Numeric addresses avoid it; names are given to glibc's
// getaddrinfo_a, whose requests live on the heap here, so that one which outlasts its caller writes
// into memory that is still its own.
#include "lib/ssh/resolve.h"

#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <memory>
#include <utility>

#include "lib/base/guarded.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

constexpr size_t kMaxAbandonedLookups = 16;
constexpr Milliseconds kLookupSlice{20};  // how late a cancellation may be noticed during a look-up

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;
using Addresses = tl::expected<std::vector<SocketAddress>, ConnectError>;

tl::unexpected<ConnectError> Failed(ConnectFailure reason, std::string message) {
  return tl::make_unexpected(
      ConnectError{reason, Error{ErrorKind::kUnreachable, std::move(message)}});
}

struct Lookup {
  std::string host;
  std::string port;
  addrinfo hints{};
  gaicb request{};

  ~Lookup() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
  bool Running() { return gai_error(&request) == EAI_INPROGRESS; }
};

using Lookups = std::list<std::unique_ptr<Lookup>>;

// Look-ups whose callers have gone. Never destroyed: the resolver's threads may outlive main().
Guarded<Lookups>& Abandoned() {
  static auto* const abandoned = new Guarded<Lookups>();
  return *abandoned;
}

// Frees what has finished meanwhile; false when too many have not.
bool ReapAbandoned() {
  return Abandoned().With([](Lookups& lookups) {
    lookups.remove_if([](const std::unique_ptr<Lookup>& lookup) { return !lookup->Running(); });
    return lookups.size() < kMaxAbandonedLookups;
  });
}

// The resolver's threads keep their errno, and without a descriptor it says many things.
bool NoDescriptorIsLeft() {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == EMFILE || errno == ENFILE;
  close(fd);
  return false;
}

Addresses Resolved(int code, addrinfo* found, const std::string& host) {
  if (code != 0 && NoDescriptorIsLeft()) {
    return Failed(ConnectFailure::kOwnLimits,
                  "cannot resolve " + host + ": no file descriptor is left");
  }
  if (code != 0) {
    return Failed(ConnectFailure::kResolve, "cannot resolve " + host + ": " + gai_strerror(code));
  }
  const AddressList list(found, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.length = one->ai_addrlen;
  }
  return addresses;
}

Addresses ResolveName(std::unique_ptr<Lookup> lookup, SteadyTime deadline,
                      const Cancellation* cancel) {
  const std::string host = lookup->host;
  if (!ReapAbandoned()) {
    return Failed(ConnectFailure::kResolve,
                  "cannot resolve " + host + ": the resolver does not answer");
  }
  lookup->request.ar_name = lookup->host.c_str();
  lookup->request.ar_service = lookup->port.c_str();
  lookup->request.ar_request = &lookup->hints;
  std::array<gaicb*, 1> list{&lookup->request};
  if (const int code = getaddrinfo_a(GAI_NOWAIT, list.data(), 1, nullptr); code != 0) {
    return Failed(ConnectFailure::kResolve, "cannot resolve " + host + ": " + gai_strerror(code));
  }
  while (lookup->Running()) {
    const SteadyTime now = SteadyNow();
    if (now >= deadline || (cancel != nullptr && cancel->IsCancelled())) {
      if (gai_cancel(&lookup->request) == EAI_NOTCANCELED) {
        Abandoned().With([&](Lookups& lookups) { lookups.push_back(std::move(lookup)); });
      }
      return Failed(ConnectFailure::kResolve, "cannot resolve " + host + ": no answer in time");
    }
    const Milliseconds wait = std::min(kLookupSlice, deadline - now);
    const timespec slice{0, static_cast<long>(wait.count()) * 1'000'000};
    gai_suspend(list.data(), 1, &slice);
  }
  const int code = gai_error(&lookup->request);
  addrinfo* result = std::exchange(lookup->request.ar_result, nullptr);
  return Resolved(code, result, host);
}

}  // namespace

Addresses Resolve(const std::string& host, int port, SteadyTime deadline,
                  const Cancellation* cancel) {
  auto lookup = std::make_unique<Lookup>();
  lookup->host = host;
  lookup->port = std::to_string(port);
  lookup->hints.ai_family = AF_UNSPEC;
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(host.c_str(), lookup->port.c_str(), &lookup->hints, &list);
  if (code != EAI_NONAME) return Resolved(code, list, host);
  lookup->hints.ai_flags = AI_NUMERICSERV;
  return ResolveName(std::move(lookup), deadline, cancel);
}

}  // namespace mailhub::ssh
