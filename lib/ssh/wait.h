// Waits for a file descriptor with a time limit; all sleeps of this folder are in here.
#pragma once

#include "lib/base/clock.h"
#include "lib/ssh/session.h"

namespace mailhub::ssh {

enum class Wake { kReady, kDeadline, kCancelled };

SteadyTime SteadyNow();

// Waits until `fd` has one of the poll(2) `events`, an error or a hang-up. A negative fd never
// becomes ready. `cancel` may be null. Thread-safe.
Wake WaitFor(int fd, short events, SteadyTime deadline, const Cancellation* cancel);

}  // namespace mailhub::ssh
