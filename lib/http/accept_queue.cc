// The accepting thread's epoll: a connection is checked when its bytes arrive, and the bytes stay
// in the socket for civetweb.
#include "lib/http/accept_queue.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

#include "lib/http/address.h"
#include "lib/http/connections.h"
#include "lib/http/peek.h"

namespace mailhub::http {
namespace {

constexpr const char* kTooLate = "the request did not come in time";
constexpr const char* kTooMany = "too many clients are waiting";
constexpr const char* kEnding = "shutting down";

int SpareDescriptor() {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

AcceptQueue::AcceptQueue(AcceptQueueOptions options)
    : options_(std::move(options)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      spare_(SpareDescriptor()) {
  epoll_event woken{EPOLLIN, {.fd = wake_}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &woken);
}

AcceptQueue::~AcceptQueue() {
  for (Visitors* visitors : {&ready_, &unfinished_}) {
    while (!visitors->empty()) {
      waiting_.splice(waiting_.end(), *visitors, visitors->begin());
      SendAway(std::prev(waiting_.end()), 503, kEnding);
    }
  }
  while (!waiting_.empty()) SendAway(waiting_.begin(), 503, kEnding);
  for (const int fd : {epoll_, wake_, spare_}) {
    if (fd >= 0) close(fd);
  }
}

Status AcceptQueue::Check() const {
  if (epoll_ >= 0 && wake_ >= 0 && spare_ >= 0) return {};
  return Fail(ErrorKind::kInternal, "no file descriptor is left");
}

void AcceptQueue::Close() {
  closed_ = true;
  Wake();
}

void AcceptQueue::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

void AcceptQueue::OnIdle(int fd) {
  std::lock_guard lock(mutex_);
  const auto found = inside_.find(fd);
  if (found == inside_.end() || found->second.slow == Slow::kNot) return;
  found->second.slow = Slow::kNot;
  if (MayEnter()) Wake();
}

void AcceptQueue::OnLeft(int fd) {
  std::lock_guard lock(mutex_);
  Forget(fd);
  if (MayEnter()) Wake();
}

void AcceptQueue::Forget(int fd) {
  const auto found = inside_.find(fd);
  if (found == inside_.end()) return;
  Decrement(&inside_of_, found->second.origin);
  inside_.erase(found);
}

bool AcceptQueue::Crowded(int fd) const {
  std::lock_guard lock(mutex_);
  if (inside_.size() + ready_.size() >= options_.workers) return true;
  const auto found = inside_.find(fd);
  if (options_.workers_of_one == 0 || found == inside_.end()) return false;
  const std::string& origin = found->second.origin;
  const auto ready =
      std::ranges::count_if(ready_, [&](const Visitor& one) { return one.origin == origin; });
  return inside_of_.at(origin) + static_cast<size_t>(ready) >= options_.workers_of_one;
}

bool AcceptQueue::SomebodyWaits() const {
  std::lock_guard lock(mutex_);
  return OneWaits();
}

bool AcceptQueue::IsLate(SteadyTime handshake_began) const {
  const Milliseconds patience =
      SomebodyWaits() ? options_.patience_when_crowded : options_.patience;
  return SteadyNow() - handshake_began >= patience;
}

// A stream lasts, and a body may come, and a long answer go, as slowly as its client likes: some
// workers are for the others.
bool AcceptQueue::BeginStream(int fd) {
  std::lock_guard lock(mutex_);
  const auto found = inside_.find(fd);
  if (found == inside_.end()) return true;
  found->second.slow = Slow::kNot;
  if (CountSlow() >= SlowMayBe()) return false;
  found->second.slow = Slow::kStream;
  return true;
}

bool AcceptQueue::BeginLongAnswer(int fd) {
  std::lock_guard lock(mutex_);
  const auto found = inside_.find(fd);
  if (options_.long_answers == 0 || found == inside_.end()) return true;
  if (found->second.slow == Slow::kAnswer) return true;
  found->second.slow = Slow::kNot;
  const size_t of_its_address =
      static_cast<size_t>(std::ranges::count_if(inside_, [&](const auto& one) {
        return one.second.slow == Slow::kAnswer && one.second.origin == found->second.origin;
      }));
  if (CountSlow() >= SlowMayBe() || Count(Slow::kAnswer) >= options_.long_answers ||
      of_its_address >= std::max<size_t>(1, options_.long_answers / 2)) {
    return false;
  }
  found->second.slow = Slow::kAnswer;
  return true;
}

size_t AcceptQueue::CountSlow() const {
  return Count(Slow::kBody) + Count(Slow::kStream) + Count(Slow::kAnswer);
}

size_t AcceptQueue::Count(Slow slow) const {
  return static_cast<size_t>(
      std::ranges::count_if(inside_, [slow](const auto& one) { return one.second.slow == slow; }));
}

size_t AcceptQueue::SlowMayBe() const {
  return options_.workers - options_.workers / 4;
}

// How many more bodies may be awaited: half of the workers, and at least one.
size_t AcceptQueue::UnfinishedMayBe() const {
  const size_t bodies = Count(Slow::kBody);
  const size_t others = CountSlow() - bodies;
  const size_t left = SlowMayBe() - std::min(SlowMayBe(), others);
  const size_t most = std::max<size_t>(1, std::min(options_.workers / 2, left));
  return most - std::min(most, bodies);
}

bool AcceptQueue::HasAll(const Visitor& one) const {
  if (options_.workers_of_one == 0) return false;
  const auto found = inside_of_.find(one.origin);
  return found != inside_of_.end() && found->second >= options_.workers_of_one;
}

bool AcceptQueue::MayEnter() const {
  if (inside_.size() >= options_.workers) return false;
  const auto may = [this](const Visitor& one) { return !HasAll(one); };
  return std::ranges::any_of(ready_, may) ||
         (UnfinishedMayBe() > 0 && std::ranges::any_of(unfinished_, may));
}

// Whether more connections are ready than free workers: one that gets a worker at once does not wait.
bool AcceptQueue::OneWaits() const {
  const auto has_all = [this](const Visitor& one) { return HasAll(one); };
  if (std::ranges::any_of(ready_, has_all) || std::ranges::any_of(unfinished_, has_all))
    return true;
  const size_t unfinished = std::min(unfinished_.size(), std::max<size_t>(1, UnfinishedMayBe()));
  return inside_.size() + ready_.size() + unfinished > options_.workers;
}

int AcceptQueue::Next(sockaddr* address, socklen_t* size) {
  std::lock_guard lock(mutex_);
  if (closed_ || !MayEnter()) {
    errno = EAGAIN;
    return -1;
  }
  // Whoever has the fewest connections inside, so that no client takes all workers from another; of
  // those, one whose whole request is there; and of those, one of an address that has few waiting:
  // so many addresses that flood are not before a caller. One that has all that it may have comes last.
  const auto rank = [this](const Visitor& visitor, bool unfinished) {
    const auto inside = inside_of_.find(visitor.origin);
    const size_t count = inside == inside_of_.end() ? 0 : inside->second;
    return std::tuple(count, unfinished, of_origin_.at(visitor.origin));
  };
  Visitors* from = nullptr;
  Visitors::iterator one;
  for (Visitors* visitors : {&ready_, &unfinished_}) {
    const bool unfinished = visitors == &unfinished_;
    if (visitors->empty() || (unfinished && UnfinishedMayBe() == 0)) continue;
    const auto first = std::ranges::min_element(
        *visitors, {}, [&](const Visitor& visitor) { return rank(visitor, unfinished); });
    if (from != nullptr && rank(*one, false) <= rank(*first, unfinished)) continue;
    from = visitors;
    one = first;
  }
  const auto* const bytes = reinterpret_cast<const char*>(&one->address);
  std::copy_n(bytes, std::min(*size, one->address_size), reinterpret_cast<char*>(address));
  *size = one->address_size;
  const int fd = one->fd;
  Decrement(&of_origin_, one->origin);
  Forget(fd);
  ++inside_of_[one->origin];
  inside_[fd] = {std::move(one->origin), from == &unfinished_ ? Slow::kBody : Slow::kNot};
  from->erase(one);
  return fd;
}

int AcceptQueue::Await(pollfd* listeners, size_t count, Milliseconds time) {
  Listen(listeners, count);
  const SteadyTime deadline = SteadyNow() + time;
  std::array<epoll_event, 64> events{};
  while (!closed_) {
    if (options_.on_turn) options_.on_turn();
    {
      std::lock_guard lock(mutex_);
      if (MayEnter()) {
        for (size_t i = 0; i < count; ++i) listeners[i].revents = 0;
        listeners[0].revents = POLLIN;
        return 1;
      }
    }
    const Milliseconds left = deadline - SteadyNow();
    if (left <= Milliseconds(0)) return 0;
    const auto patience = static_cast<int>(std::min(left, UntilTheNextIsLate()).count());
    const int happened = epoll_wait(epoll_, events.data(), events.size(), patience);
    for (int i = 0; i < happened; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const int fd = event.data.fd;
      if (fd == wake_) {
        uint64_t times = 0;
        [[maybe_unused]] const ssize_t size = read(wake_, &times, sizeof times);
      } else if (std::ranges::find(listeners_, fd) != listeners_.end()) {
        Accept(fd);
      } else {
        Look(fd, (event.events & (EPOLLRDHUP | EPOLLHUP)) != 0);
      }
    }
    LeaveTheLate();
  }
  errno = EINTR;
  return -1;
}

// A listener that cannot be watched now is tried again at the next call.
void AcceptQueue::Listen(const pollfd* listeners, size_t count) {
  while (listeners_.size() < count) {
    const int fd = listeners[listeners_.size()].fd;
    epoll_event event{EPOLLIN, {.fd = fd}};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return;
    listeners_.push_back(fd);
  }
}

void AcceptQueue::Accept(int listener) {
  while (true) {
    Visitor visitor;
    visitor.address_size = sizeof visitor.address;
    visitor.fd = accept4(listener, reinterpret_cast<sockaddr*>(&visitor.address),
                         &visitor.address_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (visitor.fd >= 0) {
      Receive(std::move(visitor));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EMFILE && errno != ENFILE) return;
    if (!of_origin_.empty()) {
      SendOneAway();
      continue;
    }
    // A connection that cannot be accepted would wake us repeatedly.
    close(spare_);
    // Not accept(2): the linker makes that, in this thread, the queue's own Next.
    const int refused = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (refused >= 0) close(refused);
    spare_ = SpareDescriptor();
    return;
  }
}

void AcceptQueue::Receive(Visitor visitor) {
  const int fd = visitor.fd;
  visitor.since = SteadyNow();
  visitor.origin = OriginOf(visitor.address);
  ++of_origin_[visitor.origin];
  const auto one = waiting_.insert(waiting_.end(), std::move(visitor));
  by_fd_[fd] = one;
  size_t others = waiting_.size() - 1;
  {
    std::lock_guard lock(mutex_);
    others += ready_.size() + unfinished_.size();
  }
  if (others >= options_.most_waiting) SendOneAway();
  Look(fd, false);
  const auto still = by_fd_.find(fd);
  if (still == by_fd_.end()) return;
  // Bytes that arrived since are reported at once.
  epoll_event event{EPOLLIN | EPOLLRDHUP | EPOLLET, {.fd = fd}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) SendAway(still->second, 503, kTooMany);
}

void AcceptQueue::Look(int fd, bool ended) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return;
  switch (SaidOn(fd, options_.tls)) {
    case Said::kAll:
      return MakeReady(found->second, false);
    case Said::kHead:
      return MakeReady(found->second, true);
    case Said::kTooMuch:
      return SendAway(found->second, 431, "the headers are too long");
    case Said::kLeft:
      return SendAway(found->second, 0, nullptr);
    case Said::kPart:
      // A request that ends in the middle is answered like any malformed one.
      if (ended) MakeReady(found->second, false);
      return;
    case Said::kNothing:
      return;
  }
}

void AcceptQueue::MakeReady(Visitors::iterator one, bool unfinished) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, one->fd, nullptr);
  by_fd_.erase(one->fd);
  bool crowd = false;
  {
    std::lock_guard lock(mutex_);
    Visitors& to = unfinished ? unfinished_ : ready_;
    to.splice(to.end(), waiting_, one);
    crowd = OneWaits();
  }
  if (crowd && options_.on_crowd) options_.on_crowd();
}

// Also one who has said something and waits for a worker: else the new ones of other addresses would
// leave as soon as a client has filled the queue.
void AcceptQueue::SendOneAway() {
  const size_t most = std::ranges::max_element(of_origin_, {}, [](const auto& origin) {
                        return origin.second;
                      })->second;
  Visitors* from = nullptr;
  Visitors::iterator oldest;
  {
    std::lock_guard lock(mutex_);
    for (Visitors* visitors : {&waiting_, &ready_, &unfinished_}) {
      for (auto one = visitors->begin(); one != visitors->end(); ++one) {
        if (of_origin_.at(one->origin) != most) continue;
        if (from != nullptr && oldest->since <= one->since) continue;
        from = visitors;
        oldest = one;
      }
    }
    if (from == nullptr) return;
    waiting_.splice(waiting_.end(), *from, oldest);
  }
  SendAway(oldest, 503, kTooMany);
}

void AcceptQueue::Decrement(std::unordered_map<std::string, size_t>* counts,
                            const std::string& origin) {
  const auto found = counts->find(origin);
  if (--found->second == 0) counts->erase(found);
}

void AcceptQueue::SendAway(Visitors::iterator one, int status, const char* text) {
  const int fd = one->fd;
  const Said said = SaidOn(fd, options_.tls);
  if (!options_.tls && options_.refusal && said != Said::kNothing && said != Said::kLeft) {
    const std::string answer = options_.refusal(status, text);
    [[maybe_unused]] const ssize_t sent =
        send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    // Unread bytes would make the close a reset, and the answer would be lost.
    std::array<char, 4096> ignored{};
    while (recv(fd, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
    }
  }
  by_fd_.erase(fd);
  Decrement(&of_origin_, one->origin);
  waiting_.erase(one);
  close(fd);
}

Milliseconds AcceptQueue::UntilTheNextIsLate() const {
  if (waiting_.empty()) return options_.patience;
  const auto left = options_.patience - (SteadyNow() - waiting_.front().since);
  return std::max(left, Milliseconds(0));
}

void AcceptQueue::LeaveTheLate() {
  const SteadyTime now = SteadyNow();
  while (!waiting_.empty() && now - waiting_.front().since >= options_.patience) {
    SendAway(waiting_.begin(), 408, kTooLate);
  }
}

}  // namespace mailhub::http
