// POSIX name look-up has no deadline. Numeric addresses avoid it; each name is looked up in its own
// thread, which the caller abandons at the deadline. glibc's getaddrinfo_a is not used: it makes
// its threads inside glibc, where ThreadSanitizer cannot follow.
#include "lib/ssh/resolve.h"

#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <list>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "lib/base/guarded.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

constexpr size_t kMaxAbandonedLookups = 16;
constexpr Milliseconds kLookupSlice{20};  // latest notice of a cancellation during a look-up

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;
using Addresses = tl::expected<std::vector<SocketAddress>, ConnectError>;

tl::unexpected<ConnectError> Failed(ConnectFailure reason, std::string message) {
  return tl::make_unexpected(
      ConnectError{reason, Error{ErrorKind::kUnreachable, std::move(message)}});
}

struct Found {
  int code = 0;
  AddressList list{nullptr, &freeaddrinfo};
};

using Lookups = std::list<std::future<Found>>;

bool HasEnded(const std::future<Found>& lookup, Milliseconds wait = Milliseconds(0)) {
  return lookup.wait_for(wait) == std::future_status::ready;
}

// Abandoned look-ups. Never destroyed: their threads may outlive main().
Guarded<Lookups>& Abandoned() {
  static auto* const abandoned = new Guarded<Lookups>();
  return *abandoned;
}

// Frees look-ups that have ended; false when too many have not.
bool ReapAbandoned() {
  return Abandoned().With([](Lookups& lookups) {
    lookups.remove_if([](const std::future<Found>& lookup) { return HasEnded(lookup); });
    return lookups.size() < kMaxAbandonedLookups;
  });
}

Found LookUp(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  Found found;
  found.code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  found.list.reset(list);
  return found;
}

// A look-up's thread keeps its errno, and without a descriptor the error varies.
bool NoDescriptorIsLeft() {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == EMFILE || errno == ENFILE;
  close(fd);
  return false;
}

Addresses Resolved(const Found& found, const std::string& host) {
  if (found.code != 0 && NoDescriptorIsLeft()) {
    return Failed(ConnectFailure::kOwnLimits,
                  "cannot resolve " + host + ": no file descriptor is left");
  }
  if (found.code != 0) {
    return Failed(ConnectFailure::kResolve,
                  "cannot resolve " + host + ": " + gai_strerror(found.code));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = found.list.get(); one != nullptr; one = one->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.length = one->ai_addrlen;
  }
  return addresses;
}

Addresses ResolveName(const std::string& host, int port, SteadyTime deadline,
                      const Cancellation* cancel) {
  if (!ReapAbandoned()) {
    return Failed(ConnectFailure::kResolve,
                  "cannot resolve " + host + ": the resolver does not answer");
  }
  std::packaged_task<Found()> task([host, port] { return LookUp(host, port, 0); });
  std::future<Found> lookup = task.get_future();
  try {
    std::thread(std::move(task)).detach();
  } catch (const std::system_error&) {
    return Failed(ConnectFailure::kOwnLimits,
                  "cannot resolve " + host + ": no further thread can be started");
  }
  SteadyTime now = SteadyNow();
  while (!HasEnded(lookup, std::clamp(deadline - now, Milliseconds(0), kLookupSlice))) {
    now = SteadyNow();
    if (now >= deadline || (cancel != nullptr && cancel->IsCancelled())) {
      Abandoned().With([&](Lookups& lookups) { lookups.push_back(std::move(lookup)); });
      return Failed(ConnectFailure::kResolve, "cannot resolve " + host + ": no answer in time");
    }
  }
  return Resolved(lookup.get(), host);
}

}  // namespace

Addresses Resolve(const std::string& host, int port, SteadyTime deadline,
                  const Cancellation* cancel) {
  const Found numeric = LookUp(host, port, AI_NUMERICHOST);
  if (numeric.code != EAI_NONAME) return Resolved(numeric, host);
  return ResolveName(host, port, deadline, cancel);
}

}  // namespace mailhub::ssh
