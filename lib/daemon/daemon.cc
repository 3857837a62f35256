// See daemon.h.
#include "lib/daemon/daemon.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "lib/daemon/systemd_notify.h"

namespace mailhub::daemon {
namespace {

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

void BlockSignals() {
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

size_t RaiseFileLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void ServeSignals(const std::function<void()>& reload) {
  const sigset_t signals = HandledSignals();
  NotifyReady();
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGHUP) {
      NotifyReloading();
      reload();
      NotifyReady();
    } else if (signal == SIGTERM || signal == SIGINT) {
      NotifyStopping();
      return;
    }
  }
}

void EndProgram() {
  kill(getpid(), SIGTERM);
}

ShutdownLimit::ShutdownLimit(Milliseconds longest, int exit_status)
    : thread_([this, longest, exit_status](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, longest, [] { return false; });
        if (!stop.stop_requested()) _exit(exit_status);
      }) {}

}  // namespace mailhub::daemon
