// What both programs do as daemons: take signals on one thread, follow a reload, end in time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>

#include "lib/base/clock.h"

namespace mailhub::daemon {

// Before any thread exists, so that all inherit it and signals come to ServeSignals alone. SIGPIPE
// is ignored.
void BlockSignals();

// Raises the limit on open files to the most that this process may have. The limit now.
size_t RaiseFileLimit();

// Says READY to the service manager, then calls `reload` at each SIGHUP and feeds the watchdog.
// Returns when the program is to end (SIGTERM, SIGINT, or EndProgram), after STOPPING was said.
void ServeSignals(const std::function<void()>& reload);

// Makes ServeSignals return, as SIGTERM would. Thread-safe.
void EndProgram();

// Ends the process with `exit_status` if it still lives `longest` after this was made: something
// that cannot be interrupted (a name look-up) may still be in progress.
class ShutdownLimit {
 public:
  ShutdownLimit(Milliseconds longest, int exit_status);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace mailhub::daemon
