// The daemon part of both programs: signals on one thread, reload, and a bounded end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>

#include "lib/base/clock.h"

namespace mailhub::daemon {

// Call before any thread exists, so that all threads inherit it and only ServeSignals gets signals.
// Ignores SIGPIPE.
void BlockSignals();

// Raises the limit on open files to this process's maximum. Returns the limit.
size_t RaiseFileLimit();

// Reloads without a signal (--config.enable-auto-reload).
struct AutoReload {
  Milliseconds interval{0};  // from one look to the next; 0: never
  std::function<bool()>
      changed;  // whether the configuration's files have changed since they were read
};

// Sends READY to the service manager, then calls `reload` at each SIGHUP, and when `automatic` sees a change. The watchdog
// is fed by another thread (watchdog.h).
// Returns when the program must end (SIGTERM, SIGINT, or EndProgram), after sending STOPPING.
void ServeSignals(const std::function<void()>& reload, const AutoReload& automatic = {});

// Makes ServeSignals return, like SIGTERM. Thread-safe.
void EndProgram();

// Ends the process with `exit_status` if it still runs `longest` after this object's construction:
// an operation that cannot be interrupted (a name look-up) may still be in progress.
class ShutdownLimit {
 public:
  ShutdownLimit(Milliseconds longest, int exit_status);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace mailhub::daemon
