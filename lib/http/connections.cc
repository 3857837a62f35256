#include "lib/http/connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/http/accept_queue.h"

namespace mailhub::http {
namespace {

constexpr Milliseconds kTick{250};
constexpr Milliseconds kLinger{1000};
constexpr Milliseconds kPatienceWhenCrowded{2000};
constexpr Milliseconds kPatienceToBegin{500};
constexpr size_t kMaxLingerBytes = size_t{1} << 20;

}  // namespace

SteadyTime SteadyNow() {
  return BootClock::now();
}

void Connection::Arm(SteadyTime deadline, Wait wait) {
  wait_.store(wait);
  armed_ms_.store(SteadyNow().time_since_epoch().count());
  deadline_ms_.store(std::max<long long>(1, deadline.time_since_epoch().count()));
  // Checked after it was armed: either this check sees the end of reading, or the thread that ends
  // it sees this connection.
  if (wait != Wait::kWriting && reading_ends_ != nullptr && reading_ends_->load()) StopReading();
}

bool Connection::IdleUntil(SteadyTime deadline, AcceptQueue* queue) {
  Arm(deadline, Wait::kIdling);
  if (queue == nullptr) return true;
  queue->OnIdle(fd_);
  // A client that began to wait before this connection was idle.
  if (!queue->SomebodyWaits()) return true;
  StopReading();
  return false;
}

bool Connection::WouldCrowd(AcceptQueue* queue) const {
  return queue != nullptr && queue->Crowded(fd_);
}

bool Connection::MayStream(AcceptQueue* queue) const {
  return queue == nullptr || queue->BeginStream(fd_);
}

bool Connection::MayAnswerAtLength(AcceptQueue* queue) const {
  return queue == nullptr || queue->BeginLongAnswer(fd_);
}

void Connection::Hasten(SteadyTime deadline) {
  long long armed = deadline_ms_.load();
  const long long sooner = deadline.time_since_epoch().count();
  while (armed > sooner && !deadline_ms_.compare_exchange_weak(armed, sooner)) {
  }
}

Milliseconds Connection::PatienceWhenCrowded(Wait wait) {
  if (wait == Wait::kIdling) return Milliseconds(0);
  return wait == Wait::kBeginning ? kPatienceToBegin : kPatienceWhenCrowded;
}

void Connection::Check(SteadyTime now, bool others_wait) {
  const Wait wait = wait_.load();
  long long deadline = deadline_ms_.load();
  if (deadline == 0) return;
  if (others_wait) {
    deadline = std::min<long long>(deadline, armed_ms_.load() + PatienceWhenCrowded(wait).count());
  }
  if (now.time_since_epoch().count() >= deadline) End(wait);
}

void Connection::End(Wait wait) {
  timed_out_.store(true);
  if (fd_ >= 0) shutdown(fd_, wait == Wait::kWriting ? SHUT_RDWR : SHUT_RD);
}

bool Connection::PeerLeft(Milliseconds wait) const {
  pollfd poll_fd{fd_, POLLRDHUP, 0};
  return poll(&poll_fd, 1, static_cast<int>(wait.count())) > 0;
}

// A poll cannot tell the client's end from our own end of reading; the state of TCP can.
bool Connection::HasLeft() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (fd_ < 0 || getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE;
}

bool Connection::HasMore() const {
  char one = 0;
  return fd_ >= 0 && recv(fd_, &one, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Connection::StopReading() const {
  if (fd_ >= 0) shutdown(fd_, SHUT_RD);
}

void Connection::Linger(AcceptQueue* queue, bool more) {
  if (!more && !HasMore()) return;
  if (fd_ < 0) return;
  shutdown(fd_, SHUT_WR);
  const SteadyTime deadline = SteadyNow() + kLinger;
  IdleUntil(deadline, queue);
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

Connections::Connections(std::function<bool()> others_wait)
    : others_wait_(std::move(others_wait)),
      watchdog_([this](const std::stop_token& stop) { Watch(stop); }) {}

Connections::~Connections() {
  watchdog_.request_stop();
  watchdog_.join();
}

Connection* Connections::Add(std::unique_ptr<Connection> connection) {
  Connection* const added = connection.get();
  added->reading_ends_ = &reading_ends_;
  std::lock_guard lock(mutex_);
  open_.emplace(added, std::move(connection));
  return added;
}

void Connections::Remove(Connection* connection) {
  std::lock_guard lock(mutex_);
  open_.erase(connection);
}

void Connections::Hasten(SteadyTime deadline) {
  std::lock_guard lock(mutex_);
  for (auto& [connection, owned] : open_) connection->Hasten(deadline);
}

void Connections::StopReading() {
  reading_ends_ = true;
  std::lock_guard lock(mutex_);
  for (auto& [connection, owned] : open_) {
    const bool writes = connection->wait_ == Connection::Wait::kWriting;
    if (connection->Waits() && !writes) connection->StopReading();
  }
}

void Connections::EndAnIdleOne() {
  std::lock_guard lock(mutex_);
  Connection* longest = nullptr;
  for (auto& [connection, owned] : open_) {
    const bool idles = connection->Waits() && connection->wait_ == Connection::Wait::kIdling &&
                       !connection->TimedOut();
    if (!idles || (longest != nullptr && longest->armed_ms_ <= connection->armed_ms_)) continue;
    longest = connection;
  }
  if (longest != nullptr) longest->End(Connection::Wait::kIdling);
}

void Connections::Watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const SteadyTime now = SteadyNow();
    const bool others_wait = others_wait_();
    for (auto& [connection, owned] : open_) connection->Check(now, others_wait);
    wake_.wait_for(lock, stop, kTick, [] { return false; });
  }
}

}  // namespace mailhub::http
