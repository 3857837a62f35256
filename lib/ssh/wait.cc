#include "lib/ssh/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace mailhub::ssh {

Cancellation::Cancellation() : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0) std::abort();
}

Cancellation::~Cancellation() {
  close(event_fd_);
}

void Cancellation::Cancel() {
  const int saved = errno;  // may run in a signal handler
  cancelled_.store(true);
  const uint64_t one = 1;
  // Fails only when the counter is at its limit, and then the descriptor is already readable.
  [[maybe_unused]] const ssize_t written = write(event_fd_, &one, sizeof one);
  errno = saved;
}

SteadyTime SteadyNow() {
  return BootClock::now();
}

Wake WaitFor(int fd, short events, SteadyTime deadline, const Cancellation* cancel) {
  while (true) {
    if (cancel != nullptr && cancel->IsCancelled()) return Wake::kCancelled;
    const SteadyTime now = SteadyNow();
    if (now >= deadline) return Wake::kDeadline;
    const auto left = std::min<int64_t>((deadline - now).count(), 60'000);
    std::array<pollfd, 2> fds{pollfd{fd, events, 0},
                              pollfd{cancel != nullptr ? cancel->event_fd() : -1, POLLIN, 0}};
    const int ready = poll(fds.data(), fds.size(), static_cast<int>(left));
    if (ready > 0 && fds[1].revents == 0 && fds[0].revents != 0) return Wake::kReady;
  }
}

}  // namespace mailhub::ssh
