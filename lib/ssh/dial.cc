// All addresses of a name in turn.
#include "lib/ssh/dial.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/ssh/resolve.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

tl::unexpected<ConnectError> Failed(ConnectFailure reason, std::string message) {
  return tl::make_unexpected(
      ConnectError{reason, Error{ErrorKind::kUnreachable, std::move(message)}});
}

// A vanished peer is noticed after 20 s, both without traffic (keepalive) and while sending (user
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

tl::expected<int, ConnectError> DialOne(const SocketAddress& to, const std::string& what,
                                        SteadyTime deadline, const Cancellation* cancel) {
  const auto refused = [&](int error) {
    return Failed(ConnectFailure::kConnect,
                  "cannot connect to " + what + ": " + std::strerror(error));
  };
  Socket socket_fd(
      socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (socket_fd.get() < 0) {
    const bool nothing_left = errno == EMFILE || errno == ENFILE;
    return nothing_left ? Failed(ConnectFailure::kOwnLimits,
                                 "cannot connect to " + what + ": no file descriptor is left")
                        : refused(errno);
  }
  SetOptions(socket_fd.get());
  if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0)
    return socket_fd.Release();
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
  const auto addresses = Resolve(address, port, deadline, cancel);
  if (!addresses) return tl::make_unexpected(addresses.error());
  auto untried = static_cast<int>(addresses->size());
  const std::string what = address + " port " + std::to_string(port);
  tl::expected<int, ConnectError> last =
      Failed(ConnectFailure::kResolve, address + " has no address");
  for (const SocketAddress& to : *addresses) {
    const SteadyTime now = SteadyNow();
    const SteadyTime share = now + std::max(Milliseconds(0), deadline - now) / untried--;
    last = DialOne(to, what, share, cancel);
    if (last) return last;
  }
  return last;
}

}  // namespace mailhub::ssh
