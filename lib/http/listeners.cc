#include "lib/http/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "lib/http/address.h"
#include "lib/http/server.h"

namespace mailhub::http {
namespace {

thread_local Listeners* given = nullptr;

// A socket's own address; nothing if it is none of IPv4 or IPv6.
std::optional<sockaddr_storage> AddressOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return std::nullopt;
  return address;
}

std::string TextOf(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(six.sin6_port));
  }
  const auto& four = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(four.sin_port));
}

// Where there is no IPv6, all addresses are those of IPv4.
int OpenFor(const ListenAddress& address, sockaddr_storage* bound, socklen_t* size) {
  const bool all = address.host.empty();
  const auto port = htons(static_cast<uint16_t>(address.port));
  const int flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (all || address.ipv6) {
    const int fd = socket(AF_INET6, flags, 0);
    if (fd >= 0) {
      const int only_six = all ? 0 : 1;
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof only_six);
      sockaddr_in6 six{};
      six.sin6_family = AF_INET6;
      six.sin6_port = port;
      if (!all) inet_pton(AF_INET6, address.host.c_str(), &six.sin6_addr);
      std::memcpy(bound, &six, *size = sizeof six);
      return fd;
    }
    if (!all || errno != EAFNOSUPPORT) return fd;
  }
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = port;
  if (!all) inet_pton(AF_INET, address.host.c_str(), &four.sin_addr);
  std::memcpy(bound, &four, *size = sizeof four);
  return socket(AF_INET, flags, 0);
}

bool Is(int fd, int option, int wanted) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

}  // namespace

Listeners::~Listeners() {
  for (size_t i = taken_; i < fds_.size(); ++i) close(fds_[i]);
}

Listeners::Listeners(Listeners&& other) noexcept
    : fds_(std::move(other.fds_)), taken_(std::exchange(other.taken_, 0)) {
  other.fds_.clear();
}

Status Listeners::Open(const std::string& listen_address, int backlog) {
  const auto parsed = ParseListenAddress(listen_address);
  if (!parsed) return Fail(parsed.error());
  sockaddr_storage address{};
  socklen_t size = 0;
  const int fd = OpenFor(*parsed, &address, &size);
  if (fd >= 0) {
    fds_.push_back(fd);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(fd, backlog) == 0)
      return {};
  }
  return Fail(ErrorKind::kRefused,
              "cannot listen on " + listen_address + ": " + std::strerror(errno));  // NOLINT
}

Status Listeners::Inherit(int fd) {
  fds_.push_back(fd);
  if (AddressOf(fd) && Is(fd, SO_TYPE, SOCK_STREAM) && Is(fd, SO_ACCEPTCONN, 1)) return {};
  return Fail(ErrorKind::kInvalid, "the inherited descriptor " + std::to_string(fd) +
                                       " is no listening TCP socket: expected "
                                       "ListenStream=ADDRESS:PORT in the socket unit");
}

std::vector<std::string> Listeners::Addresses() const {
  std::vector<std::string> addresses;
  for (const int fd : fds_) {
    const auto address = AddressOf(fd);
    addresses.push_back(address ? TextOf(*address) : "");
  }
  return addresses;
}

std::string Listeners::CivetwebText(bool tls) const {
  std::string text;
  for (const int fd : fds_) {
    const auto address = AddressOf(fd);
    const bool six = address && address->ss_family == AF_INET6;
    text.append(text.empty() ? "" : ",").append(six ? "[::1]:0" : "127.0.0.1:0");
    if (tls) text += 's';
  }
  return text;
}

Result<std::string> AddressOfSocket(int fd) {
  if (const auto address = AddressOf(fd)) return TextOf(*address);
  return Fail(ErrorKind::kInvalid,
              "the inherited descriptor " + std::to_string(fd) + " is no TCP socket");
}

GivesListeners::GivesListeners(Listeners* listeners) : listeners_(listeners) {
  given = listeners_;
}

GivesListeners::~GivesListeners() {
  given = nullptr;
}

bool GivesListeners::Active() {
  return given != nullptr;
}

int GivesListeners::Next() {
  return given->taken_ < given->fds_.size() ? given->fds_[given->taken_++] : -1;
}

}  // namespace mailhub::http
