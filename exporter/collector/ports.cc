// Non-blocking connects and one poll loop.
#include "exporter/collector/ports.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "lib/metrics/stopwatch.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kOpen{"mailhub_port_open",
                                "Whether the port accepted a TCP connection from the exporter."};
constexpr metrics::Metric kConnect{"mailhub_port_connect_seconds", "How long that took."};

// One connection attempt. Owns its socket.
class Attempt {
 public:
  Attempt(ssh::SocketAddress address, int port) {
    auto* storage = &address.storage;
    if (storage->ss_family == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(storage)->sin6_port = htons(static_cast<uint16_t>(port));
    } else {
      reinterpret_cast<sockaddr_in*>(storage)->sin_port = htons(static_cast<uint16_t>(port));
    }
    socket_ = socket(storage->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ >= 0 &&
        connect(socket_, reinterpret_cast<sockaddr*>(storage), address.length) == 0) {
      End(!MetItself());
    } else if (IsOurs(errno)) {
      failure_ = errno;
    } else if (errno != EINPROGRESS) {
      End(false);
    }
  }
  ~Attempt() {
    if (socket_ >= 0) close(socket_);
  }
  Attempt(Attempt&& other) noexcept
      : watch_(other.watch_),
        socket_(std::exchange(other.socket_, -1)),
        failure_(other.failure_),
        open_(other.open_),
        seconds_(other.seconds_) {}
  Attempt& operator=(Attempt&&) = delete;

  // The resource that this process or machine lacked for the attempt, as errno; 0: none.
  int failure() const { return failure_; }
  bool Pending() const { return !open_; }
  int descriptor() const { return socket_; }

  void OnReady() {
    int error = 0;
    socklen_t length = sizeof error;
    End(getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0 &&
        !MetItself());
  }

  bool Open() const { return open_.value_or(false); }
  double seconds() const { return seconds_; }

 private:
  // No descriptor, no memory, no local port: this says nothing about the host's port.
  static bool IsOurs(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
           error == EADDRNOTAVAIL || error == EAGAIN;
  }
  // On this machine the kernel may give the connection the very port that it goes to, if nobody listens there. Closed at
  // once, so that a service can take the port.
  bool MetItself() const {
    sockaddr_storage here{};
    sockaddr_storage there{};
    socklen_t size = sizeof here;
    socklen_t other_size = sizeof there;
    if (getsockname(socket_, reinterpret_cast<sockaddr*>(&here), &size) != 0 ||
        getpeername(socket_, reinterpret_cast<sockaddr*>(&there), &other_size) != 0 ||
        size != other_size || std::memcmp(&here, &there, size) != 0) {
      return false;
    }
    constexpr linger kAtOnce{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
    return true;
  }
  void End(bool open) {
    open_ = open;
    seconds_ = watch_.Seconds();
  }

  metrics::Stopwatch watch_;
  int socket_ = -1;
  int failure_ = 0;
  std::optional<bool> open_;
  double seconds_ = 0;
};

// One port of the host, tried at each address.
class Port {
 public:
  explicit Port(std::string label) : label_(std::move(label)) {}

  // The resource that this side lacked for one of the attempts, as errno; 0: none.
  int Try(const std::vector<ssh::SocketAddress>& addresses, int port) {
    for (const ssh::SocketAddress& address : addresses) {
      attempts_.emplace_back(address, port);
      if (const int failure = attempts_.back().failure(); failure != 0) return failure;
    }
    return 0;
  }
  bool Settled() const {
    return Open() != nullptr || std::ranges::none_of(attempts_, &Attempt::Pending);
  }
  void Report(metrics::Families* families) const {
    const Attempt* open = Open();
    families->Add(kOpen, {{"port", label_}}, open != nullptr ? 1 : 0);
    if (open != nullptr) families->Add(kConnect, {{"port", label_}}, open->seconds());
  }
  std::vector<Attempt>& attempts() { return attempts_; }

 private:
  const Attempt* Open() const {
    const auto found = std::ranges::find_if(attempts_, &Attempt::Open);
    return found == attempts_.end() ? nullptr : &*found;
  }

  std::string label_;
  std::vector<Attempt> attempts_;
};

tl::unexpected<Error> CannotTry(int error) {
  return Fail(ErrorKind::kInternal,
              "ports: this machine cannot try them: " +
                  (error == EMFILE || error == ENFILE ? std::string("no file descriptor is left")
                                                      : std::system_category().message(error)));
}

}  // namespace

Status MeasurePorts(const config::Host& host, const std::vector<ssh::SocketAddress>& addresses,
                    const Clock& clock, SteadyTime deadline, metrics::Families* families) {
  std::vector<Port> ports;
  for (const auto& [label, number] : host.ports) {
    if (const int failure = ports.emplace_back(label).Try(addresses, number); failure != 0) {
      return CannotTry(failure);
    }
  }
  while (true) {
    std::vector<pollfd> waits;
    std::vector<Attempt*> pending;
    for (Port& port : ports) {
      if (port.Settled()) continue;
      for (Attempt& attempt : port.attempts()) {
        if (!attempt.Pending()) continue;
        waits.push_back({attempt.descriptor(), POLLOUT, 0});
        pending.push_back(&attempt);
      }
    }
    const auto left = deadline - clock.Steady();
    if (waits.empty() || left.count() <= 0) break;
    if (poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0) {
      if (errno != EINTR) return CannotTry(errno);
      continue;
    }
    for (size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents != 0) pending[i]->OnReady();
    }
  }
  for (const Port& port : ports) port.Report(families);
  return {};
}

}  // namespace mailhub::exporter
