#include "lib/http/connections.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace mailhub::http {
namespace {

constexpr Milliseconds kTick{250};
constexpr Milliseconds kLinger{1000};
constexpr size_t kMaxLingerBytes = size_t{1} << 20;

struct Endpoint {
  std::string address;
  int port = 0;
};

Endpoint ToEndpoint(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(in.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(in.sin6_port)};
  }
  return {};
}

bool Matches(int fd, const std::string& remote_address, int remote_port, int local_port) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  const Endpoint remote = ToEndpoint(address);
  if (remote.port != remote_port || remote.address != remote_address) return false;
  size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  return ToEndpoint(address).port == local_port;
}

// The two addresses name one connection of this machine, and the local port tells which end of it,
// so at most one descriptor matches; it cannot be closed meanwhile, because the caller is the
// thread that will close it.
int FindSocket(const std::string& remote_address, int remote_port, int local_port) {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return -1;
  int found = -1;
  for (const dirent* entry = readdir(directory); entry != nullptr && found < 0;
       entry = readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (fd > 2 && Matches(fd, remote_address, remote_port, local_port)) found = fd;
  }
  closedir(directory);
  return found;
}

}  // namespace

SteadyTime SteadyNow() {
  return BootClock::now();
}

void Connection::Attach(const std::string& remote_address, int remote_port, int local_port) {
  if (looked_) return;
  looked_ = true;
  fd_ = FindSocket(remote_address.substr(0, remote_address.find('%')), remote_port,
                   local_port);  // %: IPv6 zone
}

void Connection::Arm(SteadyTime deadline, bool reading) {
  reading_.store(reading);
  deadline_ms_.store(std::max<long long>(1, deadline.time_since_epoch().count()));
}

void Connection::Hasten(SteadyTime deadline) {
  long long armed = deadline_ms_.load();
  const long long sooner = deadline.time_since_epoch().count();
  while (armed > sooner && !deadline_ms_.compare_exchange_weak(armed, sooner)) {
  }
}

void Connection::Check(SteadyTime now) {
  const long long deadline = deadline_ms_.load();
  if (deadline == 0 || now.time_since_epoch().count() < deadline || fd_ < 0) return;
  timed_out_.store(true);
  shutdown(fd_, reading_.load() ? SHUT_RD : SHUT_RDWR);
}

bool Connection::PeerLeft(Milliseconds wait) const {
  pollfd poll_fd{fd_, POLLRDHUP, 0};
  return poll(&poll_fd, 1, static_cast<int>(wait.count())) > 0;
}

void Connection::StopReading() const {
  if (fd_ >= 0) shutdown(fd_, SHUT_RD);
}

void Connection::Linger() const {
  if (fd_ < 0) return;
  shutdown(fd_, SHUT_WR);
  const SteadyTime deadline = SteadyNow() + kLinger;
  std::array<char, 16384> ignored{};
  size_t total = 0;
  while (total < kMaxLingerBytes) {
    const SteadyTime now = SteadyNow();
    if (now >= deadline) return;
    pollfd poll_fd{fd_, POLLIN, 0};
    if (poll(&poll_fd, 1, static_cast<int>((deadline - now).count())) <= 0) continue;
    const ssize_t size = recv(fd_, ignored.data(), ignored.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    total += static_cast<size_t>(size);
  }
}

Connections::Connections() : watchdog_([this](const std::stop_token& stop) { Watch(stop); }) {}

Connections::~Connections() {
  watchdog_.request_stop();
  watchdog_.join();
}

Connection* Connections::Add(std::unique_ptr<Connection> connection) {
  Connection* const added = connection.get();
  std::lock_guard lock(mutex_);
  open_.emplace(added, std::move(connection));
  return added;
}

void Connections::Remove(Connection* connection) {
  std::lock_guard lock(mutex_);
  open_.erase(connection);
}

size_t Connections::Count() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

void Connections::Hasten(SteadyTime deadline) {
  std::lock_guard lock(mutex_);
  for (auto& [connection, owned] : open_) connection->Hasten(deadline);
}

void Connections::StopReadingAll() {
  std::lock_guard lock(mutex_);
  for (auto& [connection, owned] : open_) connection->StopReading();
}

void Connections::Watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const SteadyTime now = SteadyNow();
    for (auto& [connection, owned] : open_) connection->Check(now);
    wake_.wait_for(lock, stop, kTick, [] { return false; });
  }
}

}  // namespace mailhub::http
