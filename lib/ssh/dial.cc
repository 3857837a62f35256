// Name look-up has no deadline in POSIX. Numeric addresses avoid it; names are given to glibc's
// getaddrinfo_a, whose requests live on the heap here, so that one which outlasts its caller writes
// into memory that is still its own.
#include "lib/ssh/dial.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <memory>

#include "lib/base/guarded.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

constexpr size_t kMaxAbandonedLookups = 16;
constexpr Milliseconds kLookupSlice{20};  // how late a cancellation may be noticed during a look-up

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

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

tl::expected<AddressList, ConnectError> Resolved(int code, addrinfo* list,
                                                 const std::string& host) {
  if (code != 0) {
    return Failed(ConnectFailure::kResolve, "cannot resolve " + host + ": " + gai_strerror(code));
  }
  return AddressList(list, &freeaddrinfo);
}

tl::expected<AddressList, ConnectError> ResolveName(std::unique_ptr<Lookup> lookup,
                                                    SteadyTime deadline,
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

tl::expected<AddressList, ConnectError> Resolve(const std::string& host, int port,
                                                SteadyTime deadline, const Cancellation* cancel) {
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

// A peer that vanished is noticed after 20 s, whether we are silent (keepalive) or sending (user
// timeout).
void SetOptions(int fd) {
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 8);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 4);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 20'000);
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

tl::expected<int, ConnectError> DialOne(const addrinfo& to, const std::string& what,
                                        SteadyTime deadline, const Cancellation* cancel) {
  const auto refused = [&](int error) {
    return Failed(ConnectFailure::kConnect,
                  "cannot connect to " + what + ": " + std::strerror(error));
  };
  Socket socket_fd(socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (socket_fd.get() < 0) return refused(errno);
  SetOptions(socket_fd.get());
  if (connect(socket_fd.get(), to.ai_addr, to.ai_addrlen) == 0) return socket_fd.Release();
  if (errno != EINPROGRESS) return refused(errno);
  switch (WaitFor(socket_fd.get(), POLLOUT, deadline, cancel)) {
    case Wake::kReady:
      break;
    case Wake::kDeadline:
      return Failed(ConnectFailure::kTimeout, "cannot connect to " + what + ": no answer in time");
    case Wake::kCancelled:
      return Failed(ConnectFailure::kTimeout, "cannot connect to " + what + ": shutting down");
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket_fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return refused(errno);
  if (error != 0) return refused(error);
  return socket_fd.Release();
}

}  // namespace

tl::expected<int, ConnectError> Dial(const std::string& address, int port, SteadyTime deadline,
                                     const Cancellation* cancel) {
  auto addresses = Resolve(address, port, deadline, cancel);
  if (!addresses) return tl::make_unexpected(addresses.error());
  int untried = 0;
  for (const addrinfo* to = addresses->get(); to != nullptr; to = to->ai_next) ++untried;
  const std::string what = address + " port " + std::to_string(port);
  tl::expected<int, ConnectError> last =
      Failed(ConnectFailure::kResolve, address + " has no address");
  for (const addrinfo* to = addresses->get(); to != nullptr; to = to->ai_next, --untried) {
    const SteadyTime now = SteadyNow();
    const SteadyTime share = now + std::max(Milliseconds(0), deadline - now) / untried;
    last = DialOne(*to, what, share, cancel);
    if (last) return last;
  }
  return last;
}

}  // namespace mailhub::ssh
