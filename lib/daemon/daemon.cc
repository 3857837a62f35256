// See daemon.h.
#include "lib/daemon/daemon.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "lib/base/log.h"
#include "lib/daemon/systemd_notify.h"

namespace mailhub::daemon {
namespace {

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// A signal that has come; SIGHUP also where files have changed.
int NextSignal(const sigset_t& signals, const AutoReload& automatic, SteadyTime* next_look) {
  while (true) {
    if (automatic.interval == Milliseconds(0)) {
      int signal = 0;
      sigwait(&signals, &signal);
      return signal;
    }
    const Milliseconds left = std::max(*next_look - BootClock::now(), Milliseconds(0));
    const timespec patience{left.count() / 1000, left.count() % 1000 * 1'000'000};
    if (const int signal = sigtimedwait(&signals, nullptr, &patience); signal > 0) return signal;
    if (BootClock::now() < *next_look) continue;
    *next_look = BootClock::now() + automatic.interval;
    if (!automatic.changed()) continue;
    LogInfo("The configuration's files have changed, and are read again");
    return SIGHUP;
  }
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

void ServeSignals(const std::function<void()>& reload, const AutoReload& automatic) {
  const sigset_t signals = HandledSignals();
  NotifyReady();
  SteadyTime next_look = BootClock::now() + automatic.interval;
  while (true) {
    const int signal = NextSignal(signals, automatic, &next_look);
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
