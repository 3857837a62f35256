// Non-blocking connects and one poll loop.
#include "exporter/collector/ports.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "exporter/metrics/stopwatch.h"

namespace mailhub::exporter {
namespace {

constexpr Metric kOpen{"mailhub_port_open",
                       "Whether the port accepted a TCP connection from the exporter."};
constexpr Metric kConnect{"mailhub_port_connect_seconds", "How long that took."};

Result<PortAddress> LookUp(const std::string& address, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.c_str(), nullptr, &hints, &found);
  if (error != 0 || found == nullptr) {
    return Fail(flags != 0 ? ErrorKind::kInvalid : ErrorKind::kUnreachable,
                address + ": " + gai_strerror(error));
  }
  PortAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.length = found->ai_addrlen;
  freeaddrinfo(found);
  return result;
}

// One connection attempt. Owns its socket.
class Attempt {
 public:
  Attempt(const std::string& label, PortAddress address, int port) : label_(label) {
    auto* storage = &address.storage;
    if (storage->ss_family == AF_INET6) {
      reinterpret_cast<sockaddr_in6*>(storage)->sin6_port = htons(static_cast<uint16_t>(port));
    } else {
      reinterpret_cast<sockaddr_in*>(storage)->sin_port = htons(static_cast<uint16_t>(port));
    }
    socket_ = socket(storage->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return;
    if (connect(socket_, reinterpret_cast<sockaddr*>(storage), address.length) == 0) {
      End(true);
    } else if (errno != EINPROGRESS) {
      End(false);
    }
  }
  ~Attempt() {
    if (socket_ >= 0) close(socket_);
  }
  Attempt(Attempt&& other) noexcept
      : label_(std::move(other.label_)),
        watch_(other.watch_),
        socket_(std::exchange(other.socket_, -1)),
        open_(other.open_),
        seconds_(other.seconds_) {}
  Attempt& operator=(Attempt&&) = delete;

  bool Failed() const { return socket_ < 0; }  // no descriptor
  bool Pending() const { return !open_; }
  int descriptor() const { return socket_; }

  void OnReady() {
    int error = 0;
    socklen_t length = sizeof error;
    End(getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0);
  }

  void Report(Families* families) const {
    families->Add(kOpen, {{"port", label_}}, open_.value_or(false) ? 1 : 0);
    if (open_.value_or(false)) families->Add(kConnect, {{"port", label_}}, seconds_);
  }

 private:
  void End(bool open) {
    open_ = open;
    seconds_ = watch_.Seconds();
  }

  std::string label_;
  Stopwatch watch_;
  int socket_ = -1;
  std::optional<bool> open_;
  double seconds_ = 0;
};

}  // namespace

Result<PortAddress> NumericAddress(const std::string& address) {
  return LookUp(address, AI_NUMERICHOST);
}

Result<PortAddress> LookUpAddress(const std::string& name) {
  return LookUp(name, 0);
}

Status MeasurePorts(const config::Host& host, const PortAddress& address, const Clock& clock,
                    SteadyTime deadline, Families* families) {
  std::vector<Attempt> attempts;
  attempts.reserve(host.ports.size());
  for (const auto& [label, port] : host.ports) {
    attempts.emplace_back(label, address, port);
    if (attempts.back().Failed()) {
      return Fail(ErrorKind::kInternal, "ports: no file descriptor is left");
    }
  }
  while (true) {
    std::vector<pollfd> waits;
    std::vector<Attempt*> pending;
    for (Attempt& attempt : attempts) {
      if (!attempt.Pending()) continue;
      waits.push_back({attempt.descriptor(), POLLOUT, 0});
      pending.push_back(&attempt);
    }
    const auto left = deadline - clock.Steady();
    if (waits.empty() || left.count() <= 0) break;
    if (poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      break;
    }
    for (size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents != 0) pending[i]->OnReady();
    }
  }
  for (const Attempt& attempt : attempts) attempt.Report(families);
  return {};
}

}  // namespace mailhub::exporter
