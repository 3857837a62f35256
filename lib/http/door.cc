// One thread with epoll: a connection is looked at when bytes of it have come, and the bytes stay
// where they are for civetweb to read.
#include "lib/http/door.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "lib/base/guarded.h"
#include "lib/http/connections.h"

extern "C" {
int __real_accept(int socket, sockaddr* address, socklen_t* size);  // NOLINT
int __wrap_accept(int socket, sockaddr* address, socklen_t* size);  // NOLINT
int __real_SSL_set_fd(SSL* connection, int fd);                     // NOLINT
int __wrap_SSL_set_fd(SSL* connection, int fd);                     // NOLINT
}

namespace mailhub::http {
namespace {

// Longer than any head that is accepted, so that it is not the door that refuses it.
constexpr size_t kMostLookedAt = size_t{32} << 10;
constexpr size_t kTlsRecordHead = 5;
constexpr char kTlsHandshake = 22;
constexpr Milliseconds kTick{250};

// A worker's door, and the socket on which it makes a TLS handshake.
struct ThisThread {
  Door* door = nullptr;
  int fd = -1;
};
thread_local ThisThread this_thread;

using Doors = std::map<int, Door*>;

// Which descriptors are a door's. Never destroyed: civetweb's threads may look at any time.
Guarded<Doors>& Register() {
  static auto* const doors = new Guarded<Doors>();
  return *doors;
}

bool ListensOn(int fd, int port) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return false;
  sockaddr_storage address{};
  size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port) == port;
  }
  return address.ss_family == AF_INET6 &&
         ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port) == port;
}

std::vector<int> Listeners(int port) {
  std::vector<int> found;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return found;
  for (const dirent* entry = readdir(directory); entry != nullptr; entry = readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (fd > 2 && ListensOn(fd, port)) found.push_back(fd);
  }
  closedir(directory);
  return found;
}

// A head ends with an empty line. Bytes before it are not counted: an empty line may come first.
bool HoldsHead(std::string_view bytes) {
  const size_t begin = bytes.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return false;
  bytes.remove_prefix(begin);
  return bytes.find("\n\r\n") != std::string_view::npos ||
         bytes.find("\n\n") != std::string_view::npos;
}

// The client's hello, as far as one record of TLS holds it; what is none is not waited for.
bool HoldsHello(std::string_view bytes) {
  if (bytes.empty()) return false;
  if (bytes[0] != kTlsHandshake) return true;
  if (bytes.size() < kTlsRecordHead) return false;
  const size_t size = static_cast<size_t>(static_cast<unsigned char>(bytes[3])) << 8 |
                      static_cast<unsigned char>(bytes[4]);
  return bytes.size() >= kTlsRecordHead + size;
}

}  // namespace

Door::Door(DoorOptions options)
    : options_(std::move(options)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      offered_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Door::~Door() {
  Close();
  close(epoll_);
  close(offered_);
  close(wake_);
}

Status Door::Open(int port) {
  epoll_event woken{EPOLLIN, {.fd = wake_}};
  if (epoll_ < 0 || offered_ < 0 || wake_ < 0 ||
      epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &woken) != 0) {
    return Fail(ErrorKind::kInternal, "no file descriptor is left");
  }
  for (const int fd : Listeners(port)) {
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    epoll_event event{EPOLLIN, {.fd = own}};
    if (own < 0) return Fail(ErrorKind::kInternal, "no file descriptor is left");
    listeners_.push_back(own);
    fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK);
    Register().With([&](Doors& doors) { doors[fd] = this; });
    taken_over_.push_back(fd);
    if (dup3(offered_, fd, O_CLOEXEC) < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, own, &event) != 0) {
      return Fail(ErrorKind::kInternal, "the listening socket cannot be watched");
    }
  }
  if (listeners_.empty()) return Fail(ErrorKind::kInternal, "no listening socket is found");
  watcher_ = std::jthread([this](const std::stop_token& stop) { Watch(stop); });
  return {};
}

void Door::Close() {
  watcher_ = {};  // asks it to end, and waits
  for (const int fd : listeners_) close(fd);
  listeners_.clear();
  for (const Waiting& one : waiting_) close(one.fd);
  waiting_.clear();
  by_fd_.clear();
  Register().With([this](Doors& doors) {
    for (const int fd : taken_over_) doors.erase(fd);
  });
  taken_over_.clear();
  std::lock_guard lock(mutex_);
  for (const int fd : ready_) close(fd);
  ready_.clear();
}

void Door::OnLeft() {
  std::lock_guard lock(mutex_);
  if (inside_ > 0) --inside_;
  Offer();
}

bool Door::Crowded() const {
  std::lock_guard lock(mutex_);
  return inside_ >= options_.workers || !ready_.empty();
}

void Door::Knock() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(offered_, &one, sizeof one);
}

// With mutex_ held.
void Door::Offer() {
  while (offers_ < ready_.size() && inside_ + offers_ < options_.workers) {
    ++offers_;
    Knock();
  }
}

int Door::Next(sockaddr* address, socklen_t* size) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(offered_, &count, sizeof count);
  std::lock_guard lock(mutex_);
  while (offers_ > 0 && !ready_.empty()) {
    --offers_;
    const int fd = ready_.front();
    ready_.pop_front();
    if (getpeername(fd, address, size) == 0) {
      ++inside_;
      return fd;
    }
    close(fd);  // it has left meanwhile
    Offer();
  }
  errno = EAGAIN;
  return -1;
}

Door::Said Door::SaidBy(int fd) const {
  thread_local std::vector<char> buffer(kMostLookedAt);
  const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR ? Said::kNothing : Said::kLeft;
  if (size == 0) return Said::kLeft;
  const std::string_view bytes(buffer.data(), static_cast<size_t>(size));
  const bool all = options_.tls ? HoldsHello(bytes) : HoldsHead(bytes);
  if (all || bytes.size() == buffer.size()) return Said::kAll;
  return Said::kPart;
}

void Door::Accept(int listener) {
  while (true) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      const bool full = errno == EMFILE || errno == ENFILE;
      if (errno == ECONNABORTED || errno == EINTR) continue;
      if (!full || waiting_.empty()) return;
      SendAway(waiting_.begin());
      continue;
    }
    if (waiting_.size() >= options_.most_waiting) SendAway(waiting_.begin());
    const auto one = waiting_.insert(waiting_.end(), {fd, SteadyNow()});
    by_fd_[fd] = one;
    epoll_event event{EPOLLIN | EPOLLRDHUP | EPOLLET, {.fd = fd}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      SendAway(one);
      continue;
    }
    Look(fd, false);
  }
}

void Door::Look(int fd, bool ended) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return;
  switch (SaidBy(fd)) {
    case Said::kAll:
      return MakeReady(found->second);
    case Said::kLeft:
      return SendAway(found->second);
    case Said::kPart:
      // What ends in the middle is answered like anything else that is malformed.
      if (ended) MakeReady(found->second);
      return;
    case Said::kNothing:
      return;
  }
}

void Door::SendAway(std::list<Waiting>::iterator one) {
  const int fd = one->fd;
  if (!options_.tls && options_.too_late && SaidBy(fd) == Said::kPart) {
    const std::string answer = options_.too_late();
    [[maybe_unused]] const ssize_t sent =
        send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    // Unread bytes would make the end a reset, and the answer would be lost with it.
    std::array<char, 4096> ignored{};
    while (recv(fd, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
    }
  }
  by_fd_.erase(fd);
  waiting_.erase(one);
  close(fd);
}

void Door::MakeReady(std::list<Waiting>::iterator one) {
  const int fd = one->fd;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  by_fd_.erase(fd);
  waiting_.erase(one);
  std::lock_guard lock(mutex_);
  ready_.push_back(fd);
  Offer();
}

void Door::LeaveTheLate() {
  const SteadyTime now = SteadyNow();
  while (!waiting_.empty() && now - waiting_.front().since >= options_.patience) {
    SendAway(waiting_.begin());
  }
}

// Shut down under the lock: it is open at least until EndHandshake returns.
void Door::EndLateHandshakes() {
  std::lock_guard lock(mutex_);
  const SteadyTime now = SteadyNow();
  const Milliseconds patience = ready_.empty() ? options_.patience : options_.patience_when_crowded;
  for (const auto& [fd, since] : handshakes_) {
    if (now - since >= patience) shutdown(fd, SHUT_RDWR);
  }
}

void Door::TakeThread() {
  this_thread.door = this;
}

void Door::BeginHandshake(int fd) {
  this_thread.fd = fd;
  std::lock_guard lock(mutex_);
  handshakes_[fd] = SteadyNow();
}

int Door::EndHandshake() {
  const int fd = std::exchange(this_thread.fd, -1);
  if (fd < 0) return fd;
  std::lock_guard lock(mutex_);
  handshakes_.erase(fd);
  return fd;
}

bool Door::SomebodyWaits() const {
  std::lock_guard lock(mutex_);
  return !ready_.empty();
}

Milliseconds Door::UntilTheNextIsLate() {
  if (waiting_.empty()) return kTick;
  const auto left = options_.patience - (SteadyNow() - waiting_.front().since);
  return std::clamp(left, Milliseconds(1), kTick);
}

void Door::Watch(const std::stop_token& stop) {
  const std::stop_callback end(stop, [this] {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
  });
  std::array<epoll_event, 64> events{};
  while (!stop.stop_requested()) {
    const auto patience = static_cast<int>(UntilTheNextIsLate().count());
    const int count = epoll_wait(epoll_, events.data(), events.size(), patience);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const int fd = event.data.fd;
      if (std::ranges::find(listeners_, fd) != listeners_.end()) {
        Accept(fd);
      } else {
        Look(fd, (event.events & (EPOLLRDHUP | EPOLLHUP)) != 0);
      }
    }
    LeaveTheLate();
    EndLateHandshakes();
  }
}

}  // namespace mailhub::http

// What civetweb calls instead of accept(2): see CMakeLists.txt. Other sockets are nobody's door.
int __wrap_accept(int socket, sockaddr* address, socklen_t* size) {  // NOLINT
  using namespace mailhub::http;
  Door* door = nullptr;
  int result = -1;
  int error = 0;
  // Under the register's lock, so that the door cannot go while it is asked.
  Register().With([&](Doors& doors) {
    const auto found = doors.find(socket);
    if (found == doors.end()) return;
    door = found->second;
    result = door->Next(address, size);
    error = errno;
  });
  if (door == nullptr) return __real_accept(socket, address, size);
  errno = error;
  return result;
}

int __wrap_SSL_set_fd(SSL* connection, int fd) {  // NOLINT
  auto* const door = mailhub::http::this_thread.door;
  if (door != nullptr) door->BeginHandshake(fd);
  return __real_SSL_set_fd(connection, fd);
}
